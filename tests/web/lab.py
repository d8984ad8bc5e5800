"""People, experiments and runs for the tests of the site's faces, made as the lab makes them."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.contrib.auth import get_user_model

from snnlab.experiments import actions, actions_schedules, actions_sweeps, queue, recording
from snnlab.experiments.sweep_steps import step
from snnlab.experiments.timing import Timing
from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec
from snnlab.teams.models import Membership, Team
from tests.experiments.sweeps import define


def person(name: str, team: str, role: str = "member"):
    """A user in a team; the team is made when it is new."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    home, _ = Team.objects.get_or_create(slug=team, defaults={"name": team.capitalize()})
    Membership.objects.create(user=user, team=home, role=role)
    return user


def spec(**changes) -> Spec:
    """The sample preset, changed."""
    return Spec.parse(presets()["mnist-sample"].definition | changes)


def experiment(user, name: str = "First look", seeds=(1,), **changes):
    """An experiment of the user's first team."""
    return actions.submit(
        team=user.teams.first(),
        actor=user.username,
        name=name,
        specs=[spec(**changes)],
        seeds=seeds,
    )


def claim(points=(), log: str = ""):
    """Take the next run as a worker would, and write these measurements."""
    taken = queue.claim("worker:test:1", ["cpu"])
    assert taken is not None
    recording.record(taken, points, log=log)
    return taken


def succeed(folder: Path, **results: float):
    """Take the next run to its end; gives its claim."""
    return end(claim([(name, 1, value) for name, value in results.items()]), folder)


def end(taken, folder: Path):
    """Give a claimed run its last checkpoint, and end it."""
    path = folder / f"checkpoint-{taken.run_id}"
    path.write_bytes(b"weights %d" % taken.run_id)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    recording.record(
        taken, checkpoint=recording.Fresh(1, str(path), digest, 9, weights=digest, final=True)
    )
    queue.finish(taken)
    return taken


def sweep(user, space=None, name: str = "Which depth?", **fields):
    """A sweep of the user's first team, its first runs in the queue."""
    made = actions_sweeps.create(
        team=user.teams.first(),
        actor=user.username,
        name=name,
        sweep=define(space or {"epochs": [1, 2, 3]}, **fields),
    )
    step(made.pk)
    return made


def schedule(user, name: str = "hourly"):
    """A sweep of the user's first team, each hour."""
    return actions_schedules.create(
        team=user.teams.first(),
        actor=user.username,
        name=name,
        timing=Timing("every", datetime.now(UTC) - timedelta(hours=1), every=3600),
        sweep=define(),
    )
