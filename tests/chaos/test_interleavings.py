"""All orders of two sessions of the database, statement by statement: the rules hold in each.

A session is a list of acts; between an act and its commit the other session may do anything. One
that waits for a lock is left waiting while the other goes on, as in PostgreSQL's own isolation
tests. So each case is one order of begins and commits, not a matter of luck.
"""

import contextlib
import itertools
import queue as queues
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from snnlab.experiments import actions, queue, recording
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Run
from snnlab.experiments.queue import Claim, LeaseLost
from tests.chaos.checker import violations
from tests.chaos.evidence import TABLES, gather, rows
from tests.experiments.toys import Toy, fresh, submit
from tests.experiments.waiting import until


pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.chaos]

REFUSALS = (LeaseLost, Refused)
NUMBERS = itertools.count()


class Session:
    """A connection of its own, on a thread that does one step when it is told to.

    What comes after a step that waits for the other session's lock is done when it may go on.
    """

    def __init__(self) -> None:
        self.asked: queues.SimpleQueue[Callable[[], Any] | None] = queues.SimpleQueue()
        self.answers: queues.SimpleQueue[Any] = queues.SimpleQueue()
        self.later: list[Callable[[], Any]] = []
        self.heard: list[Any] = []
        self.busy, self.pid = False, 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        self.go(lambda: rows("select pg_backend_pid() as pid")[0]["pid"])
        self.pid = self.heard.pop()

    def _serve(self) -> None:
        while (step := self.asked.get()) is not None:
            try:
                self.answers.put(step())
            except Exception as error:
                self.answers.put(error)
        connection.close()

    def go(self, *steps: Callable[[], Any]) -> bool:
        """Do these steps after all that was asked before, as far as no lock is in the way."""
        self.later.extend(steps)
        while self.busy or self.later:
            if not self.busy:
                self.asked.put(self.later.pop(0))
                self.busy = True
            if not self.listen():
                return False
        return True

    def listen(self) -> bool:
        """Wait for the answer; False if the step waits for a lock."""
        while True:
            with contextlib.suppress(queues.Empty):
                self.heard.append(self.answers.get(timeout=0.005))
                self.busy = False
                return True
            if self.pid and self.waits():
                return False

    def waits(self) -> bool:
        found = rows(f"select cardinality(pg_blocking_pids({self.pid})) as locks")
        return bool(found[0]["locks"])

    def close(self) -> None:
        self.asked.put(None)
        self.thread.join(10)


@pytest.fixture
def sessions(settings, tmp_path, monkeypatch) -> Iterator[tuple[Session, Session]]:
    settings.SNNLAB_HOME = tmp_path
    monkeypatch.setattr("snnlab.experiments.doorbell.ring", lambda: None)
    both = Session(), Session()
    yield both
    for each in both:
        each.close()


class Play:
    """One order of two sessions' steps, played on a fresh run that a worker has claimed."""

    def __init__(self, begin: str) -> None:
        self.pool = f"play-{next(NUMBERS)}"
        (self.run,) = submit(Toy(), pool=self.pool)
        self.claim = None
        if begin == "claimed":
            self.claim = queue.claim("w1", [self.pool])
            recording.record(self.claim, [("loss", 1, 0.5)], fresh(3, final=True))

    def acts(self) -> dict[str, Callable[[], Any]]:
        run = self.run.pk
        mine = self.claim or Claim(run, 1, "w1", {}, 0, 1)
        return {
            "claim": lambda: queue.claim("w2", [self.pool]),
            "cancel": lambda: actions.cancel(run, "ada"),
            "finish": lambda: queue.finish(mine),
            "release": lambda: queue.release(mine),
            "record": lambda: recording.record(mine, [("loss", 2, 0.25)]),
            "heartbeat": lambda: queue.renew(mine, {}),
            "expire": lambda: Run.objects.filter(pk=run, state__in=Run.LIVE).update(
                lease_expires_at=Now()
            ),
            "reap": queue.reap,
        }

    def steps(self, names: Sequence[str]) -> list[Callable[[], Any]]:
        """Each act in a transaction: what it does, then its commit, as two steps."""
        acts = self.acts()
        return [step for name in names for step in halves(acts[name])]

    def check(self, home: Path, order: object) -> None:
        """No rule is broken in the database; other plays' runs are none of this one's business."""
        found = gather(home, home)
        for name in TABLES:
            mine = [
                row for row in getattr(found, name) if row.get("run_id", row["id"]) == self.run.pk
            ]
            setattr(found, name, mine)
        assert violations(found) == [], order


def halves(act: Callable[[], Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """An act that leaves its transaction open, and the commit; a refusal rolls back at once."""
    opened: list[Any] = []

    def begin() -> Any:
        block = transaction.atomic()
        block.__enter__()
        try:
            answer = act()
        except BaseException as error:
            block.__exit__(type(error), error, error.__traceback__)
            raise
        opened.append(block)
        return answer

    def commit() -> None:
        if opened:
            opened.pop().__exit__(None, None, None)

    return begin, commit


def orders(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """All orders of so many steps of session 0 and so many of session 1."""
    length = first + second
    for places in itertools.combinations(range(length), first):
        yield tuple(0 if place in places else 1 for place in range(length))


def play(
    sessions: tuple[Session, Session],
    scripts: Sequence[list[Callable[[], Any]]],
    order: Sequence[int],
) -> list[Any]:
    """Do the steps in this order; gives all that was answered."""
    for each in sessions:
        each.heard.clear()
    for number in order:
        sessions[number].go(scripts[number].pop(0))
        sessions[1 - number].go()
    until(lambda: sessions[0].go() & sessions[1].go(), 10)
    return sessions[0].heard + sessions[1].heard


def broken(answers: Sequence[Any]) -> list[Any]:
    """What no session may hear: an error that is no refusal, such as a deadlock."""
    wrong = [each for each in answers if isinstance(each, Exception)]
    return [each for each in wrong if not isinstance(each, REFUSALS)]


ACTS = ("claim", "cancel", "finish", "reap", "heartbeat", "record", "release", "expire")
PAIRS = list(itertools.combinations_with_replacement(ACTS, 2))


@pytest.mark.thorough
@pytest.mark.parametrize("begin", ["queued", "claimed"])
def test_any_two_acts_in_any_order_of_statements(sessions, begin: str, tmp_path: Path) -> None:
    """36 pairs of acts x 6 orders of begins and commits."""
    for pair in PAIRS:
        for order in orders(2, 2):
            played = Play(begin)
            scripts = [played.steps([name]) for name in pair]
            heard = play(sessions, scripts, order)
            assert broken(heard) == [], (pair, order)
            played.check(tmp_path, (pair, order))


STORIES = {
    "a worker that is late": (("record", "finish"), ("expire", "reap", "claim")),
    "a worker that is cancelled": (("heartbeat", "finish"), ("cancel", "reap")),
    "a worker that leaves": (("record", "release"), ("cancel", "claim")),
}


@pytest.mark.parametrize("story", list(STORIES))
@pytest.mark.thorough
def test_a_whole_story_in_any_order_of_statements(sessions, story: str, tmp_path: Path) -> None:
    first, second = STORIES[story]
    count = 0
    for order in orders(2 * len(first), 2 * len(second)):
        played = Play("claimed")
        scripts = [played.steps(first), played.steps(second)]
        heard = play(sessions, scripts, order)
        assert broken(heard) == [], order
        played.check(tmp_path, order)
        count += 1
    print(f"{story}: {count} orders")
