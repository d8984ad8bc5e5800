"""Whose run goes next: shares, quotas, labels, limits, and workers that may not take any."""

import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import pytest
from django.db import connection

from snnlab.experiments import actions_queue, queue
from snnlab.experiments.asking import Ask, Refused
from snnlab.experiments.claiming import CLAIM
from snnlab.experiments.models import QuotaSlot, Run, Worker
from snnlab.experiments.queue import Claim, Offer
from snnlab.experiments.sql import rows
from snnlab.teams.models import Team
from tests.experiments.toys import Toy, submit


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def team(name: str) -> Team:
    return Team.objects.get_or_create(slug=name, defaults={"name": name})[0]


def taken(n: int) -> list[str]:
    """The teams of the next runs."""
    claims = [queue.claim("w", ["cpu"]) for _ in range(n)]
    runs = {run.pk: run.team.slug for run in Run.objects.select_related("team")}
    return [runs[claim.run_id] if claim else "" for claim in claims]


def end(claim: Claim) -> None:
    queue.release(claim)
    Run.objects.filter(pk=claim.run_id).update(state="cancelled", finished_at="2026-01-01T00:00Z")


def test_teams_take_turns_however_many_runs_one_of_them_queues() -> None:
    submit(Toy(), seeds=6, team=team("many"))
    submit(Toy(), seeds=2, team=team("few"))
    assert taken(5) == ["many", "few", "many", "few", "many"]


def test_a_team_of_twice_the_weight_has_twice_as_many() -> None:
    actions_queue.set_share(team("heavy"), weight=2)
    for name in ("heavy", "light"):
        submit(Toy(), seeds=9, team=team(name))
    assert Counter(taken(9)) == {"heavy": 6, "light": 3}


def test_a_claim_reads_no_more_however_many_runs_wait() -> None:
    """Also where the statistics are those of an empty table."""
    for name in ("a", "b", "c"):
        submit(*(Toy(epochs=n) for n in range(1, 6)), seeds=100, team=team(name))
    asked = {"worker": "worker:w:0", "pools": ["cpu"], "lease": 60.0, **asdict(Offer())}
    (found,) = rows(f"explain (analyze, format json) {CLAIM}", **asked | {"labels": []})
    (told,) = found.values()
    read = list(counts(told[0]["Plan"]))
    assert len(read) > 20
    assert max(read) < 10, read
    assert Run.objects.filter(state="running").count() == 1


def counts(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each part of a plan gave or threw away."""
    yield node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    for inner in node.get("Plans", ()):
        yield from counts(inner)


def test_a_priority_goes_before_others_of_its_team_not_of_other_teams() -> None:
    submit(Toy(epochs=1), team=team("a"))
    submit(Toy(epochs=2), team=team("b"))
    submit(Toy(epochs=3), team=team("b"), ask=Ask(priority=1000))
    assert [queue.claim("w", ["cpu"]).definition["epochs"] for _ in range(3)] == [1, 3, 2]


def test_a_quota_is_kept_and_its_slots_come_back() -> None:
    actions_queue.set_share(team("a"), quota=2)
    submit(Toy(), seeds=4, team=team("a"))
    first, _ = queue.claim("w", ["cpu"]), queue.claim("w", ["cpu"])
    assert queue.claim("w", ["cpu"]) is None
    queue.crash(first, "died")
    assert queue.claim("w", ["cpu"])
    assert queue.claim("w", ["cpu"]) is None


def test_a_smaller_quota_stops_nothing_and_starts_nothing() -> None:
    mine = team("a")
    actions_queue.set_share(mine, quota=3)
    submit(Toy(), seeds=6, team=mine)
    claims = [queue.claim("w", ["cpu"]) for _ in range(3)]
    actions_queue.set_share(mine, quota=1)
    for claim in claims[:2]:
        end(claim)
        assert queue.claim("w", ["cpu"]) is None
    end(claims[2])
    assert queue.claim("w", ["cpu"])
    assert queue.claim("w", ["cpu"]) is None
    actions_queue.set_share(mine, quota=None)
    assert queue.claim("w", ["cpu"])
    assert not QuotaSlot.objects.exists()


def test_a_run_of_two_devices_uses_two_of_the_quota() -> None:
    actions_queue.set_share(team("a"), quota=3)
    submit(Toy(), seeds=2, team=team("a"), ask=Ask(devices=2))
    both = Offer(devices=2)
    assert queue.claim("w", ["cpu"], Offer(devices=1)) is None
    assert queue.claim("w", ["cpu"], both).devices == 2
    assert queue.claim("w", ["cpu"], both) is None, "one slot is left, and two are asked for"


@pytest.mark.parametrize(
    ("ask", "offer", "fits"),
    [
        (Ask(labels=["a100"]), Offer(), False),
        (Ask(labels=["a100"]), Offer(labels=["a100", "chip"]), True),
        (Ask(labels=["a100", "chip"]), Offer(labels=["chip"]), False),
        (Ask(memory=4000), Offer(memory=2000), False),
        (Ask(memory=4000), Offer(memory=4000), True),
        (Ask(memory=4000), Offer(), True),
        (Ask(), Offer(memory=2000), True),
        (Ask(devices=4), Offer(devices=2), False),
    ],
)
def test_a_run_goes_to_a_worker_that_has_all_it_asks_for(
    ask: Ask, offer: Offer, *, fits: bool
) -> None:
    submit(Toy(), ask=ask)
    assert bool(queue.claim("w", ["cpu"], offer)) == fits


def test_a_run_of_more_devices_than_the_quota_stops_no_other_of_its_team() -> None:
    mine = team("a")
    submit(Toy(epochs=1), team=mine, ask=Ask(devices=4, priority=9))
    submit(Toy(epochs=2), team=mine)
    actions_queue.set_share(mine, quota=2)
    claim = queue.claim("w", ["cpu"], Offer(devices=4))
    assert claim is not None
    assert claim.definition["epochs"] == 2


def test_an_imported_result_needs_nothing_of_the_quota() -> None:
    mine = team("a")
    actions_queue.set_share(mine, quota=1)
    submit(Toy(), team=mine)
    assert queue.claim("w", ["cpu"])
    (imported,) = submit(Toy(epochs=9), team=mine)
    Run.objects.filter(pk=imported.pk).update(pool="import")
    assert queue.claim("import", ["import"]).run_id == imported.pk
    assert QuotaSlot.objects.filter(run=None).count() == 0


def test_what_nobody_can_offer_is_refused() -> None:
    for ask in (Ask(pool="C P U"), Ask(labels=["Ä"]), Ask(devices=0), Ask(memory=1), Ask(wall=0)):
        with pytest.raises(Refused, match="must be"):
            submit(Toy(), ask=ask)


def test_a_claim_tells_the_limits_of_its_run() -> None:
    submit(Toy(), ask=Ask(memory=4000, wall=60))
    claim = queue.claim("w", ["cpu"])
    assert (claim.memory, claim.wall) == (4000, 60)


def test_a_worker_that_drains_takes_nothing_new() -> None:
    submit(Toy(), seeds=3)
    mine = Offer(name="host:1")
    assert queue.seen(mine, ["cpu"], 1, {}) is False
    assert queue.claim("worker:host:1:0", ["cpu"], mine)
    actions_queue.drain("host:1")
    assert queue.claim("worker:host:1:0", ["cpu"], mine) is None
    assert queue.seen(mine, ["cpu"], 1, {}) is True
    actions_queue.drain("host:1", on=False)
    assert queue.claim("worker:host:1:0", ["cpu"], mine)
    with pytest.raises(Refused, match="there is no worker nobody"):
        actions_queue.drain("nobody")


def failing(worker: str, trainer: str, times: int) -> None:
    """Let that many different runs end badly on a worker."""
    mine = Offer(name=worker)
    for _ in range(times):
        claim = queue.claim(f"worker:{worker}:0", ["cpu"], mine)
        if trainer == "dies":
            queue.crash(claim, "died")
        elif trainer == "succeeds":
            queue.finish(claim, imported=True)
        else:
            queue.fail(claim, trainer, "")


def test_a_worker_that_fails_five_runs_in_a_row_takes_no_more_until_somebody_says_so() -> None:
    submit(Toy(), seeds=30)
    mine = Offer(name="h:1")
    queue.seen(mine, ["cpu"], 1, {})
    failing("h:1", "disk_full", 4)
    failing("h:1", "succeeds", 1)
    failing("h:1", "data", 4)
    assert queue.claim("worker:h:1:0", ["cpu"], mine)
    failing("h:1", "disk_full", 1)
    assert queue.claim("worker:h:1:0", ["cpu"], mine) is None
    assert queue.claim("worker:h:2:0", ["cpu"], Offer(name="h:2"))
    actions_queue.trust("h:1")
    assert queue.claim("worker:h:1:0", ["cpu"], mine)


def test_a_run_that_crashes_again_and_again_counts_once_against_its_worker() -> None:
    submit(Toy())
    queue.seen(Offer(name="h:1"), ["cpu"], 1, {})
    for _ in range(3):
        Run.objects.filter(state="queued").update(not_before="2020-01-01T00:00Z")
        failing("h:1", "dies", 1)
    assert Worker.objects.get().faults == 1


def test_errors_of_a_definition_do_not_count_against_a_worker() -> None:
    submit(Toy(), seeds=9)
    queue.seen(Offer(name="h:1"), ["cpu"], 1, {})
    failing("h:1", "user_error", 5)
    failing("h:1", "non_finite_loss", 4)
    assert Worker.objects.get().quarantined_at is None


@pytest.mark.django_db(transaction=True)
def test_many_claim_at_once_and_no_quota_is_exceeded() -> None:
    for name, quota in (("a", 5), ("b", 3), ("c", None)):
        actions_queue.set_share(team(name), quota=quota)
        submit(Toy(), seeds=40, team=team(name))

    def work(worker: int) -> list[Claim]:
        """Claim and end, again and again, keeping a few; a run never waits for its own kind."""
        kept, mine = [], f"w{worker}"
        try:
            for turn in itertools.count():
                claim = queue.claim(mine, ["cpu"])
                if claim is None:
                    return kept
                counts = Counter(
                    Run.objects.filter(state="running").values_list("team__slug", flat=True)
                )
                assert counts["a"] <= 5
                assert counts["b"] <= 3
                if turn % 3:
                    queue.release(claim)
                    Run.objects.filter(pk=claim.run_id, state="queued").update(state="held")
                else:
                    kept.append(claim)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claims = list(itertools.chain(*pool.map(work, range(8))))
    live = Counter(Run.objects.filter(state="running").values_list("team__slug", flat=True))
    assert (live["a"], live["b"]) == (5, 3)
    used = QuotaSlot.objects.exclude(run=None).values_list("run", flat=True)
    assert len(used) == len(set(used)) == 8
    assert len({claim.run_id for claim in claims}) == len(claims)
