"""What the line says of a run, from numbers alone: where an instant too early would be a lie."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snnlab.experiments.line import Look, before, fits, nobody


NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = {
    "id": 7, "team": 1, "pool": "cpu", "state": "queued", "labels": [], "devices": 1,
    "memory": None, "needs": [], "later": False, "rank": 1, "ready": 1, "reason": "", "by": "",
    "attempts": 0,
}  # fmt: skip
WORKER = {
    "name": "h:1", "pools": ["cpu"], "labels": [], "slots": 1, "memory": 8000, "busy": 0,
    "draining": False, "quarantined": False,
}  # fmt: skip


def team(number: int, **known: Any) -> dict[str, Any]:
    idle = {"waiting": 5, "ready": 5, "used": 0, "weight": 1, "quota": None}
    return {"team": number, "pool": "cpu", **idle, **known}


@pytest.mark.parametrize(
    ("turn", "other", "first"),
    [
        (0.0, team(2), 0),
        (1.0, team(2), 1),
        (2.0, team(2, weight=2), 4),
        (2.0, team(0), 3),
        (1.0, team(2, used=4), 0),
        (3.0, team(2, ready=2), 2),
        (3.0, team(2, quota=1), 1),
        (3.0, team(2, quota=1, used=2), 0),
    ],
)
def test_so_many_runs_of_another_team_go_first(
    turn: float, other: dict[str, Any], first: int
) -> None:
    assert before(turn, 1, other, other["ready"]) == first


def test_what_a_worker_has_exactly_is_enough() -> None:
    assert fits(RUN | {"memory": 8000, "devices": 1}, WORKER)
    assert not fits(RUN | {"memory": 8001}, WORKER)
    assert not fits(RUN | {"devices": 2}, WORKER)
    assert fits(RUN | {"memory": 9000}, WORKER | {"memory": None})


def test_some_in_quarantine_and_some_draining_are_called_draining() -> None:
    both = [WORKER | {"quarantined": True}, WORKER | {"name": "h:2", "draining": True}]
    assert nobody(RUN, both, both) == "every worker for it is draining: h:1, h:2"
    assert nobody(RUN, both[:1], both[:1]) == "every worker for it is in quarantine: h:1"


def test_a_worker_of_the_pool_that_lacks_more_is_nearer_than_one_of_another_pool() -> None:
    asked = RUN | {"labels": ["chip", "a100"]}
    others = [WORKER | {"pools": ["gpu"], "labels": ["chip", "a100"]}, WORKER]
    assert nobody(asked, others, []) == "no worker for label chip"


def test_only_teams_of_the_same_pool_are_ahead() -> None:
    elsewhere = team(2, used=0) | {"pool": "gpu"}
    look = Look(NOW, [team(1, used=3), elsewhere], [WORKER | {"busy": 1}], {"cpu": 60.0})
    assert look.wait(RUN).place == 1


@pytest.mark.parametrize(("place", "slots", "busy", "rounds"), [
    (1, 1, 0, 0), (1, 1, 1, 0.5), (2, 1, 1, 1.5), (2, 2, 0, 0), (3, 2, 1, 0.5), (4, 2, 1, 1.5),
])  # fmt: skip
def test_a_start_is_so_many_rounds_of_the_usual_length_away(
    place: int, slots: int, busy: int, rounds: float
) -> None:
    look = Look(NOW, [team(1)], [], {"cpu": 60.0})
    at = look.start("cpu", place, [WORKER | {"slots": slots, "busy": busy}])
    assert at == NOW + timedelta(seconds=60 * rounds)
