"""Why a run waits, its place in line and about when it starts: as the queue then does it."""

import random
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from snnlab.experiments import actions, actions_queue, queries_queue, queue
from snnlab.experiments.actions import Ask
from snnlab.experiments.models import Attempt, Run, Worker
from snnlab.experiments.queue import Offer
from snnlab.teams.models import Team, User
from tests.experiments.toys import Toy, submit
from tests.web import lab


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def ada(db) -> User:
    return lab.person("ada", "lab")


def work(name: str = "h:1", pool: str = "cpu", slots: int = 1, **offer: object) -> None:
    queue.seen(Offer(name=name, **offer), [pool], slots, {})


def why(user: User, run: Run) -> str:
    return queries_queue.waits(user, run.pk).why


def test_a_run_says_why_it_waits(ada: User) -> None:
    first, second, third = submit(seeds=3)
    assert why(ada, first) == "no worker for pool cpu"
    work()
    assert [why(ada, run) for run in (first, second, third)] == [
        "next in line", "1 ahead", "2 ahead",
    ]  # fmt: skip
    actions.hold(third.pk, "bob")
    assert why(ada, third) == "held by bob"
    claim = queue.claim("worker:h:1:0", ["cpu"])
    assert queries_queue.waits(ada, claim.run_id) is None
    actions_queue.set_share(Team.objects.get(), quota=1)
    assert why(ada, second) == "quota: the team uses 1 of 1 devices"
    Run.objects.filter(pk=first.pk).update(attempts=2)
    queue.crash(claim, "died")
    assert why(ada, first) == "back-off after attempt 2"
    assert queries_queue.waits(ada, first.pk).starts_at > timezone.now()


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (Ask(pool="gpu"), "no worker for pool gpu"),
        (Ask(labels=["chip"]), "no worker for label chip"),
        (Ask(memory=9000), "no worker for 9000 MB of memory"),
        (Ask(devices=3), "no worker for 3 devices"),
    ],
)
def test_what_no_worker_offers_is_named(ada: User, ask: Ask, reason: str) -> None:
    work(memory=8000, slots=2)
    (run,) = submit(ask=ask)
    assert why(ada, run) == reason


def test_silent_draining_and_distrusted_workers_take_nothing(ada: User) -> None:
    (run,) = submit()
    work()
    actions_queue.drain("h:1")
    assert why(ada, run) == "every worker for it is draining: h:1"
    Worker.objects.update(quarantined_at=Now())
    assert why(ada, run) == "every worker for it is in quarantine: h:1"
    Worker.objects.update(seen_at=Now() - timedelta(minutes=2))
    assert why(ada, run) == "no worker for pool cpu"


def test_a_run_names_the_runs_that_it_waits_for(ada: User) -> None:
    first, second = submit(seeds=2)
    (student,) = submit(Toy(epochs=9), after=[first.pk, second.pk])
    assert why(ada, student) == f"waiting for run {first.pk}, run {second.pk}"
    actions.cancel(first.pk, "ada")
    actions.retry(student.pk, "ada")
    expected = f"waiting for run {first.pk}, which was cancelled, run {second.pk}"
    assert why(ada, student) == expected


def test_a_run_of_another_team_is_nobodys_business(ada: User) -> None:
    (run,) = submit(team=lab.person("bob", "others").teams.first())
    assert queries_queue.waits(ada, run.pk) is None
    assert queries_queue.line(ada) == []


def test_runs_that_no_worker_can_take_are_ahead_of_nobody(ada: User) -> None:
    work()
    elsewhere = lab.person("bob", "others").teams.first()
    chips = [*submit(seeds=2, ask=Ask(labels=["chip"])), *submit(ask=Ask(pool="gpu"))]
    submit(team=elsewhere, seeds=3, ask=Ask(labels=["chip"], priority=9))
    (mine,) = submit(Toy(epochs=9))
    alone = queries_queue.waits(ada, mine.pk)
    assert (alone.why, alone.place) == ("next in line", 1)
    assert alone.starts_at
    assert queue.claim("worker:h:1:0", ["cpu"]).run_id == mine.pk
    assert why(ada, chips[1]) == "no worker for label chip"
    assert queries_queue.waits(ada, chips[1].pk).place > 1


def test_who_is_in_two_teams_sees_their_runs_in_the_order_of_their_starts(ada: User) -> None:
    work()
    home, other = ada.teams.get(), lab.person("ada", "others").teams.get(slug="others")
    submit(team=home, seeds=3, ask=Ask(labels=["chip"]))
    submit(Toy(epochs=9), team=home, seeds=2)
    submit(Toy(epochs=9), team=other, seeds=2)
    waits = [run["wait"] for run in queries_queue.line(ada)]
    places = [wait.place for wait in waits if not wait.why.startswith("no worker")]
    assert places == [1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(12))
def test_places_are_the_order_in_which_runs_are_claimed(seed: int) -> None:
    """Teams of random weights and quotas, some with runs at work: the forecast comes true.

    So it does where some runs ask for what no worker has.
    """
    draw = random.Random(seed)
    people = [lab.person(f"p{n}", f"team{n}") for n in range(4)]
    work(slots=9)
    for person in people:
        team = person.teams.get()
        for number in range(draw.randrange(1, 8)):
            ask = Ask(priority=draw.randrange(2), labels=draw.choice([[], [], ["chip"]]))
            submit(Toy(epochs=number + 1), team=team, ask=ask)
        quota = draw.choice([None, None, draw.randrange(1, 6)])
        actions_queue.set_share(team, weight=draw.randrange(1, 4), quota=quota)
    for _ in range(draw.randrange(4)):
        queue.claim("w", ["cpu"])
    places = {}
    for person in people:
        listed = queries_queue.line(person)
        for run in listed:
            alone = queries_queue.waits(person, run["id"])
            assert (alone.why, alone.place) == (run["wait"].why, run["wait"].place)
            if not run["wait"].why.startswith(("quota", "no worker")):
                places[run["wait"].place] = run["id"]
        taken = [r["wait"].place for r in listed if not r["wait"].why.startswith("no worker")]
        assert taken == sorted(taken)
    claimed = [claim.run_id for claim in iter(lambda: queue.claim("w", ["cpu"]), None)]
    assert [places[place] for place in range(1, len(claimed) + 1)] == claimed


def test_a_start_is_estimated_from_the_last_runs_of_the_pool(ada: User, tmp_path) -> None:
    actions_queue.set_share(ada.teams.get())
    done = submit(seeds=2, name="done")
    for _ in done:
        queue.finish(queue.claim("worker:h:1:0", ["cpu"]), imported=True)
    now = queries_queue.look()
    assert now.seconds == {}, "nothing waits, so nobody asks"
    work("h", slots=2)
    waiting = submit(seeds=5)
    taken = now.__class__(
        now=timezone.now(), teams=queries_queue.look().teams, seconds={"cpu": 600.0},
        workers=[{"name": "h", "pools": ["cpu"], "labels": [], "memory": None, "slots": 2,
                  "busy": 1, "draining": False, "quarantined": False}],
    )  # fmt: skip
    starts = [
        (taken.wait(run | {"rank": n}).starts_at - taken.now).total_seconds() / 600
        for n, run in enumerate(queries_queue.line(ada), 1)
    ]
    assert starts == [0, 0.5, 0.5, 1.5, 1.5]
    assert len(waiting) == 5


def test_the_usual_length_of_a_run_counts_its_attempts_and_no_pause(ada: User) -> None:
    submit()
    claim, past = queue.claim("worker:h:1:0", ["cpu"]), Now() - timedelta(days=1)
    Run.objects.filter(state="running").update(started_at=past)
    queue.finish(claim, imported=True)
    Attempt.objects.update(started_at=past, ended_at=past + timedelta(seconds=90))
    submit(seeds=1, name="waits")
    assert queries_queue.look().seconds == {"cpu": 90.0}


def test_the_queue_is_read_in_a_fixed_number_of_queries(
    ada: User, django_assert_num_queries
) -> None:
    work()
    submit(Toy(), seeds=30)
    for read, count in (("line", 3), ("aside", 3), ("running", 1), ("workers", 1)):
        with django_assert_num_queries(count):
            getattr(queries_queue, read)(ada)


def test_workers_are_alive_while_they_look_for_work(ada: User) -> None:
    work(slots=2)
    work(slots=3)
    (run,) = submit()
    queue.claim("worker:h:1:0", ["cpu"])
    (worker,) = queries_queue.workers(ada)
    assert (worker["name"], worker["slots"], worker["alive"]) == ("h:1", 3, True)
    assert [(r["id"], r["mine"]) for r in worker["runs"]] == [(run.pk, True)]
    bob = lab.person("bob", "others")
    assert [r["mine"] for r in queries_queue.workers(bob)[0]["runs"]] == [False]
