import json
from pathlib import Path

import pytest

from snnlab.client import follow, health
from snnlab.client.trouble import Code
from snnlab.experiments import actions, queries, queue
from snnlab.experiments.recording import record
from snnlab.learning.version import code
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import Membership, User
from tests.client.typed import TINY, snnlab
from tests.experiments.toys import fresh


@pytest.fixture(autouse=True)
def admin(db: None) -> User:
    user, _ = ensure_first_team()
    return user


def submitted(tiny: Path, *options: object) -> list[int]:
    answer = json.loads(snnlab("submit", tiny, "--json", *options).stdout)
    return [run["run"] for run in answer["runs"]]


def test_submit_queues_a_run_for_each_seed(tiny: Path, admin: User) -> None:
    runs = submitted(tiny, "--seeds", "1-3,7", "--name", "[red] seeds", "--notes", "why")
    found = queries.runs(admin).order_by("id")
    assert [run.seed for run in found] == [1, 2, 3, 7]
    assert [run.pk for run in found] == runs
    assert (found[0].experiment.name, found[0].experiment.notes) == ("[red] seeds", "why")
    assert "[red] seeds" in snnlab("ls").stdout


def test_submit_without_a_worker_says_that_runs_wait(tiny: Path) -> None:
    result = snnlab("submit", tiny)
    assert result.exit_code == Code.OK
    assert "is queued: run" in result.stdout
    assert "no worker for pool cpu; the runs wait" in result.stderr


def test_submit_tells_of_results_that_are_known_and_takes_them_if_asked(
    tiny: Path, admin: User, tmp_path: Path
) -> None:
    (first,) = submitted(tiny, "--seeds", "2")
    assert "Known already" not in snnlab("submit", tiny, "--seeds", "1").stderr
    offer = queue.Offer(code=code())
    done = queue.claim("w1", ["cpu"], offer)
    record(done, [("test_accuracy", 1, 97.5)], fresh(1, final=True))
    queue.finish(done)
    said = snnlab("submit", tiny, "--seeds", "1-3").stderr
    assert f"Known already, by the same code: run {first} (seed 2); --reuse takes them" in said
    taken = snnlab("submit", tiny, "--seeds", "2", "--reuse")
    assert "Known already" not in taken.stderr
    assert queries.runs(admin)[0].same_as_id == first


@pytest.mark.parametrize("seeds", ["", "3-1", "-1", "one", "0-5000", "9999999999"])
def test_seeds_that_are_none_are_refused(tiny: Path, admin: User, seeds: str) -> None:
    assert snnlab("submit", tiny, "--seeds", seeds).exit_code == Code.WRONG
    assert not queries.runs(admin).exists()


def test_a_bad_definition_queues_nothing(tiny: Path, admin: User) -> None:
    tiny.write_text(TINY.replace("lif", "liff"))
    result = snnlab("submit", tiny)
    assert (result.exit_code, "Did you mean 'lif'?" in result.stderr) == (Code.WRONG, True)
    assert not queries.experiments(admin).exists()


def test_ls_can_choose_a_state_and_a_number_of_runs(tiny: Path) -> None:
    first, *_, last = submitted(tiny, "--seeds", "1-4")
    snnlab("cancel", first)
    listed = json.loads(snnlab("ls", "--state", "cancelled", "--json").stdout)
    assert [run["run"] for run in listed] == [first]
    assert [run["run"] for run in json.loads(snnlab("ls", "--limit", 1, "--json").stdout)] == [last]


def test_show_tells_all_that_is_known(tiny: Path) -> None:
    (run,) = submitted(tiny)
    claim = queue.claim("worker", ["cpu"])
    assert claim is not None
    record(claim, [("accuracy", 1, 81.25), ("firing_rate/fc1", 1, 0.0)], log="epoch 1\n")
    queue.fail(claim, "data", "the disk was eaten")
    result = snnlab("show", run)
    for words in ("failed", "the disk was eaten", "81.25", "held-out training images", "worker"):
        assert words in result.stdout
    assert "layer fc1 is dead" in result.stderr
    assert json.loads(snnlab("show", run, "--json").stdout)["events"][-1]["reason"] == "data"
    assert snnlab("logs", run).stdout == "epoch 1\n"
    logs = json.loads(snnlab("logs", run, "--json").stdout)
    assert logs == {"run": run, "lines": ["epoch 1"]}


def test_cancel_then_retry(tiny: Path, admin: User) -> None:
    (run,) = submitted(tiny)
    assert snnlab("cancel", run).stdout == f"run {run}: cancelled\n"
    again = snnlab("cancel", run)
    assert (again.exit_code, "can be cancelled" in again.stderr) == (Code.WRONG, True)
    assert json.loads(snnlab("retry", run, "--json").stdout) == {"run": run, "state": "queued"}


def test_a_run_that_does_not_exist_is_not_found() -> None:
    for command in ("show", "logs", "cancel", "retry"):
        assert snnlab(command, 99).exit_code == Code.NOT_FOUND


def test_who_is_unknown_or_only_looks_on_changes_nothing(tiny: Path) -> None:
    (run,) = submitted(tiny)
    assert snnlab("ls", "--user", "nobody").exit_code == Code.NOT_FOUND
    stranger = User.objects.create_user("eve")
    assert snnlab("show", run, SNNLAB_USER="eve").exit_code == Code.NOT_FOUND
    team = ensure_first_team()[1]
    Membership.objects.create(user=stranger, team=team, role=Membership.Role.VIEWER)
    assert snnlab("show", run, SNNLAB_USER="eve").exit_code == Code.OK
    for refused in (
        snnlab("cancel", run, "--user", "eve"),
        snnlab("submit", tiny, "--user", "eve"),
    ):
        assert "may only look" in refused.stderr
        assert refused.exit_code == Code.WRONG


def test_a_team_must_be_one_of_mine(tiny: Path) -> None:
    result = snnlab("submit", tiny, "--team", "other")
    assert (result.exit_code, "Teams: lab" in result.stderr) == (Code.NOT_FOUND, True)


def test_follow_ends_with_its_runs(tiny: Path, admin: User, monkeypatch) -> None:
    def work(_: float) -> None:
        claim = queue.claim("worker", ["cpu"])
        if claim is None:
            actions.cancel(queries.runs(admin, state="running")[0].pk, "admin")
        elif claim.seed == 1:
            queue.fail(claim, "data", "no data")
        else:
            queue.renew(claim, {"epoch": 1, "epochs": 2, "batch": 1, "batches": 4, "loss": 0.5})
            actions.cancel(claim.run_id, "admin")
            queue.release(claim)

    monkeypatch.setattr(follow.time, "sleep", work)
    result = snnlab("submit", tiny, "--seeds", "1,2", "--follow")
    assert result.exit_code == Code.FAILED
    assert "(seed 1) failed: data: no data" in result.stderr
    assert "(seed 2) cancelled" in result.stderr
    assert "epoch 1/2" in result.stdout


def test_where_nobody_watches_each_epoch_is_told_once(tiny: Path, monkeypatch) -> None:
    steps = [{"epoch": e, "epochs": 2, "batch": b, "batches": 2} for e in (1, 2) for b in (1, 2)]
    steps.insert(0, steps[0] | {"phase": "teacher"})
    claims = []

    def work(_: float) -> None:
        claims[:] = claims or [queue.claim("worker", ["cpu"])]
        if steps:
            queue.renew(claims[0], steps.pop(0))
        else:
            queue.fail(claims[0], "data", "no data")

    monkeypatch.setattr(follow.time, "sleep", work)
    said = snnlab("submit", tiny, "--follow").stderr.splitlines()
    places = [line.partition("(seed 1)")[2] for line in said if "(seed 1)" in line]
    told = [": teacher epoch 1/2", ": epoch 1/2", ": epoch 2/2", " failed: data: no data"]
    assert places == told


def test_to_stop_following_stops_no_run(tiny: Path, admin: User, monkeypatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow.time, "sleep", interrupt)
    result = snnlab("submit", tiny, "--follow")
    assert (result.exit_code, "the runs go on" in result.stderr) == (Code.INTERRUPTED, True)
    assert queries.runs(admin).get().state == "queued"


def test_only_layers_at_the_edges_are_warned_of() -> None:
    rates = {"firing_rate/a": 0.0, "firing_rate/b": 0.2, "firing_rate/c": 0.99, "loss": 0.0}
    assert [words.split()[3] for words in health.warnings(rates)] == ["dead", "saturated"]
