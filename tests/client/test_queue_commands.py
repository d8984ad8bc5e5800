"""`snnlab queue` and `snnlab workers`."""

import json

import pytest

from snnlab.client.trouble import Code
from snnlab.experiments import queue
from snnlab.experiments.models import Portion, Run, Worker
from snnlab.experiments.queue import Offer
from snnlab.teams.models import User
from tests.client.typed import snnlab
from tests.experiments.toys import Toy, submit


pytestmark = pytest.mark.django_db


@pytest.fixture
def runs() -> list[Run]:
    queue.seen(Offer(name="h:1", labels=["chip"]), ["cpu"], 1, {"cpu": 0.25})
    return submit(Toy(), seeds=3, name="toys")


def test_the_queue_is_shown_with_reasons_and_places(runs: list[Run]) -> None:
    queue.claim("worker:h:1:0", ["cpu"])
    shown = snnlab("queue").stdout
    assert "next in line" in shown
    assert "1 ahead" in shown
    told = json.loads(snnlab("queue", "--json").stdout)
    assert [run["id"] for run in told["running"]] == [runs[0].pk]
    assert [run["wait"]["place"] for run in told["waiting"]] == [1, 2]


def test_an_empty_queue_says_so() -> None:
    submit()[0]
    Run.objects.update(state="cancelled", finished_at="2026-01-01T00:00Z")
    assert "nothing runs or waits" in snnlab("queue").stderr


def test_runs_are_moved_held_and_released(runs: list[Run]) -> None:
    a, b, c = runs
    assert "number 1 in line" in snnlab("queue", "move", c.pk).stdout
    assert "number 2 in line" in snnlab("queue", "move", b.pk, "--before", a.pk).stdout
    assert "number 1 in line" in snnlab("queue", "priority", a.pk, "9").stdout
    assert f"run {c.pk}: held" in snnlab("queue", "hold", c.pk).stdout
    assert f"run {c.pk}: queued" in snnlab("queue", "release", c.pk).stdout
    assert snnlab("queue", "priority", a.pk, "9999").exit_code == Code.WRONG
    assert snnlab("queue", "move", 10**6).exit_code == Code.NOT_FOUND


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--weight=0", "weight must be in 1..1000, got 0"),
        ("--weight=99999999999", "weight must be in 1..1000, got 99999999999"),
        ("--quota=99999999999", "quota must be in 0..10000 devices, got 99999999999"),
    ],
)
def test_a_share_out_of_bounds_is_refused(runs: list[Run], option: str, words: str) -> None:
    refused = snnlab("queue", "share", option)
    assert (refused.exit_code, words in refused.stderr) == (Code.WRONG, True)
    assert not Portion.objects.exists()


def test_a_share_is_set_by_who_runs_the_lab(runs: list[Run]) -> None:
    assert (
        "weight 2, at most 3 devices" in snnlab("queue", "share", "--weight=2", "--quota=3").stdout
    )
    share = Portion.objects.get()
    assert (share.weight, share.quota) == (2, 3)
    User.objects.update(is_staff=False)
    assert snnlab("queue", "share").exit_code == Code.WRONG


def test_workers_are_shown_drained_and_trusted(runs: list[Run]) -> None:
    shown = snnlab("workers").stdout
    for text in ("h:1", "idle", "chip", "25%"):
        assert text in shown
    assert json.loads(snnlab("workers", "--json").stdout)[0]["name"] == "h:1"
    assert "takes nothing new" in snnlab("workers", "drain", "h:1").stdout
    assert "draining" in snnlab("workers").stdout
    assert "takes runs again" in snnlab("workers", "drain", "h:1", "--off").stdout
    Worker.objects.update(quarantined_at="2026-01-01T00:00Z")
    assert "in quarantine" in snnlab("workers").stdout
    assert "takes runs again" in snnlab("workers", "trust", "h:1").stdout
    assert snnlab("workers", "drain", "nobody").exit_code == Code.WRONG


def test_without_workers_it_says_how_to_start_one() -> None:
    submit()
    assert "start `snnlab worker`" in snnlab("workers").stderr
