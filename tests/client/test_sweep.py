"""Sweeps from the terminal."""

import json
import re
from pathlib import Path

import pytest

from snnlab.client import sweep as command
from snnlab.client.trouble import Code
from snnlab.experiments import queries_sweeps, queue
from snnlab.learning.version import code
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import Membership, User
from tests.client.typed import snnlab
from tests.experiments.sweeps import finish, work


@pytest.fixture(autouse=True)
def admin(db: None, settings, tmp_path: Path) -> User:
    settings.SNNLAB_HOME = tmp_path
    user, _ = ensure_first_team()
    return user


def answer(*arguments: object):
    result = snnlab("sweep", *arguments, "--json")
    assert result.exit_code == Code.OK, result.stderr
    return json.loads(result.stdout)


def by_epochs(definition, seed) -> float:
    return float(definition["epochs"])


def submitted(tiny: Path, *options: object) -> int:
    return answer("submit", tiny, "--vary", "epochs=1,2,3", *options)["sweep"]


def test_the_number_of_runs_is_told_before_anything_is_made(tiny: Path, admin: User) -> None:
    options = ("--vary", "epochs=1..5", "--seeds", "1-3")
    result = snnlab("sweep", "submit", tiny, *options, "--dry-run")
    assert result.stdout == "5 points, at most 15 runs; nothing was queued\n"
    assert answer("submit", tiny, *options, "--dry-run") == {"points": 5, "runs": 15}
    assert not queries_sweeps.sweeps(admin).exists()


def test_a_sweep_is_submitted_worked_on_and_watched(tiny: Path) -> None:
    number = submitted(tiny, "--seeds", "1-3", "--name", "depth", "--priority", 3)
    work(by_epochs)
    command.step(number)
    found = answer("status", number, "--best", 2)
    assert (found["state"], found["ended"], found["share"]) == ("done", 9, 1.0)
    best = found["points_best"][0]
    assert (best["values"], best["scores"]["accuracy"]["n"]) == ({"epochs": 3}, 3)
    table = snnlab("sweep", "status", number).stdout
    assert "9 of 9 ended, 9 succeeded" in table
    assert "3 ± 0 (n = 3)" in table
    assert snnlab("sweep", "watch", number).exit_code == Code.OK
    assert "depth" in snnlab("sweep", "ls").stdout
    assert answer("ls")[0]["name"] == "depth"


def test_known_results_are_taken_where_that_is_asked(tiny: Path) -> None:
    submitted(tiny)
    while claim := queue.claim("w1", ["cpu"], queue.Offer(code=code())):
        finish(claim)
    assert answer("status", submitted(tiny, "--reuse"))["succeeded"] == 3
    assert answer("status", submitted(tiny))["succeeded"] == 0


def test_two_seeds_have_no_interval_as_on_the_page(tiny: Path) -> None:
    number = submitted(tiny, "--seeds", "1,2")
    work(by_epochs)
    table = snnlab("sweep", "status", number).stdout
    assert "3 (n = 2)" in table
    assert "±" not in table


def test_a_file_may_hold_a_whole_sweep(tiny: Path, tmp_path: Path, admin: User) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        f'base = "{tiny}"\nseeds = [1, 2]\nparallel = 2\n'
        '[space]\nepochs = [1, 2]\n[space."optimizer.lr"]\nkind = "float"\nlow = 1e-4\nhigh = 0.1\n'
        'log = true\n[strategy]\nkind = "random"\npoints = 4\n'
    )
    assert answer("submit", file, "--points", 7, "--dry-run") == {"points": 7, "runs": 14}
    answer("submit", file)
    plan = queries_sweeps.plan(queries_sweeps.sweeps(admin).get())
    assert (plan.size(), plan.parallel, set(plan.space)) == (4, 2, {"epochs", "optimizer.lr"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vary", "neuron.taux=1"], "space.neuron.taux: is not a known field"),
        (["--vary", "epochs"], "names no values"),
        (["--vary", "epochs=1..5 often"], "'often' after a range means nothing"),
        (["--objective", "beauty"], "objectives.0.metric: is no metric"),
        (["--strategy", "tpe", "--objective", "test_accuracy"], "held-out"),
        (["--vary", "optimizer.lr=0.1..0.2"], "space.optimizer.lr.count: needs a count"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(tiny, admin, options, words) -> None:
    result = snnlab("sweep", "submit", tiny, *options)
    assert (result.exit_code, words in result.stderr) == (Code.WRONG, True), result.stderr
    assert not queries_sweeps.sweeps(admin).exists()


def test_every_action_is_one_command(tiny: Path) -> None:
    number = submitted(tiny)
    queue.fail(queue.claim("w1", ["cpu"]), "data", "gone")
    work(by_epochs)
    command.step(number)
    assert snnlab("sweep", "watch", number).exit_code == Code.FAILED
    assert answer("rerun-failed", number) == {"sweep": number, "count": 1}
    assert answer("add-seeds", number, "--top", 2, "--count", 3)["count"] == 2
    assert answer("extend", number, "--vary", "epochs=1,2,3,4")["count"] == 10, "3, 6 and 1"
    assert work(by_epochs) == 8
    copy = answer("clone", number, "--name", "copy")
    assert answer("status", copy["sweep"])["planned"] == 4
    assert answer("cancel", copy["sweep"])["count"] == 4
    assert answer("resume", copy["sweep"])["count"] == 4
    again = snnlab("sweep", "resume", copy["sweep"])
    assert (again.exit_code, "only cancelled sweeps" in again.stderr) == (Code.WRONG, True)


def test_others_see_nothing_and_onlookers_change_nothing(tiny: Path) -> None:
    number = submitted(tiny)
    eve = User.objects.create_user("eve")
    assert snnlab("sweep", "status", number, SNNLAB_USER="eve").exit_code == Code.NOT_FOUND
    Membership.objects.create(user=eve, team=ensure_first_team()[1], role=Membership.Role.VIEWER)
    assert snnlab("sweep", "status", number, SNNLAB_USER="eve").exit_code == Code.OK
    for action in ("cancel", "resume", "rerun-failed", "add-seeds", "clone"):
        assert "may only look" in snnlab("sweep", action, number, "--user", "eve").stderr
    assert snnlab("sweep", "cancel", 99).exit_code == Code.NOT_FOUND


def test_a_preset_is_a_base_too() -> None:
    size = answer("submit", "mnist-sample", "--vary", "rule.kind=bptt,tbptt", "--dry-run")
    assert size == {"points": 2, "runs": 2}


DOCS = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL))
def test_the_files_of_the_docs_are_sweeps(text: str, tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(text)
    assert answer("submit", file, "--dry-run")["points"] > 1


def test_the_command_of_the_docs_says_what_they_say() -> None:
    typed, said = re.search(r"```sh\nsnnlab (.*)\n(.*)\n```", DOCS).groups()
    assert snnlab(*typed.split()).stdout == f"{said}\n"
