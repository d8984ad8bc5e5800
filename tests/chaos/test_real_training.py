"""The real training through the real command: killed in the middle, it ends with the same bits."""

import sys

import pytest

from snnlab.experiments import actions
from snnlab.experiments.models import Run
from snnlab.learning.spec import Spec
from snnlab.teams.actions import ensure_first_team
from tests.experiments.waiting import ends, recorded, until


pytestmark = pytest.mark.chaos

SPEC = """
epochs = 6
time_steps = 4
batch_size = 50
[dataset]
kind = "mnist-5k"
train_size = 500
[network]
kind = "mlp"
hidden = [64]
[neuron]
kind = "lif"
[rule]
kind = "bptt"
"""
COMMAND = "celery -A snnlab.celery worker -P solo --without-mingle --without-gossip -l INFO"


def submit(name: str) -> Run:
    _, team = ensure_first_team()
    spec = Spec.from_toml(SPEC)
    return actions.submit(team=team, actor="admin", name=name, specs=[spec], seeds=[7]).runs.get()


def weights(run: Run) -> str:
    return run.checkpoints.get(final=True).weights


def test_killed_in_the_middle_it_ends_with_the_same_weights(worker) -> None:
    command = [sys.executable, "-m", *COMMAND.split()]
    mine = worker(command=command, SNNLAB_LEASE="30", SNNLAB_FENCE="20")  # a busy machine is slow
    undisturbed, killed = submit("undisturbed"), submit("killed")
    undisturbed = ends(undisturbed, seconds=60)
    until(recorded(killed, 2), 30)
    (trainer,) = mine.trainers()
    trainer.kill()
    killed = ends(killed, seconds=60)
    assert weights(killed) == weights(undisturbed)
    assert killed.score == undisturbed.score > 50
    assert killed.attempts == 2
    assert not killed.events.filter(reason__in=["restarted", "environment"]).exists()
