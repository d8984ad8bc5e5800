"""The checker can fail: a history that keeps every invariant, and forged ones that break each."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.checker import INVARIANTS, violations
from tests.chaos.evidence import Evidence


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DIGEST = "5e" * 32


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(seq: int, before: str, after: str, epoch: int, seconds: float) -> dict[str, object]:
    return {
        "run_id": 1,
        "seq": seq,
        "from_state": before,
        "to_state": after,
        "lease_epoch": epoch,
        "at": at(seconds),
    }


def line(t: float, op: str, phase: str, epoch: int, **facts: object) -> dict[str, object]:
    return {"t": t, "proc": epoch, "op": op, "phase": phase, "run": 1, "epoch": epoch, **facts}


@pytest.fixture
def honest() -> Evidence:
    """Run 1 was killed with its first worker, and succeeded with its second."""
    return Evidence(
        submitted=[1],
        runs=[
            {
                "id": 1,
                "state": "succeeded",
                "silent": None,
                "lease_owner": None,
                "lease_expires_at": None,
                "lease_epoch": 2,
                "events_made": 5,
                "blockers": 0,
                "point_id": 5,
                "seed": 0,
            }
        ],
        attempts=[
            {"run_id": 1, "lease_epoch": 1, "started_at": at(1), "outcome": "lease_lost"},
            {"run_id": 1, "lease_epoch": 2, "started_at": at(5), "outcome": "succeeded"},
        ],
        events=[
            event(1, "", "queued", 0, 0),
            event(2, "queued", "running", 1, 1),
            event(3, "running", "queued", 1, 4),
            event(4, "queued", "running", 2, 5),
            event(5, "running", "succeeded", 2, 9),
        ],
        points=[
            {
                "run_id": 1,
                "metric": "loss",
                "step": 1,
                "value": 0.5,
                "lease_epoch": 1,
                "at": at(2),
            },
            {
                "run_id": 1,
                "metric": "loss",
                "step": 2,
                "value": 0.25,
                "lease_epoch": 2,
                "at": at(8),
            },
        ],
        checkpoints=[
            {
                "run_id": 1,
                "step": 2,
                "lease_epoch": 2,
                "artifact_id": DIGEST,
                "weights": "w",
                "final": True,
                "at": at(8),
            }
        ],
        history=[
            line(1.0, "claim", "ok", 1),
            line(1.1, "train", "invoke", 1, pid=11),
            line(1.2, "job", "ok", 1, pid=11),
            line(2.0, "record", "invoke", 1),
            line(2.1, "record", "ok", 1),
            line(2.2, "fault", "kill", 1, point="record.after"),
            line(5.0, "claim", "ok", 2),
            line(5.1, "train", "invoke", 2, pid=22),
            line(5.15, "job", "ok", 2, pid=22),
            line(8.0, "record", "invoke", 2),
            line(8.1, "record", "ok", 2),
            line(9.1, "train", "ok", 2, pid=22),
        ],
        samples=[(1.5, [11]), (6.0, [22])],
        files={DIGEST: DIGEST},
        slots=[{"run_id": None}],
        sweeps=[{"id": 1, "state": "done", "version": 1, "expanded": 1}],
        places=[
            {"id": 5, "sweep_id": 1, "number": 1, "seeds": [0], "problem": ""},
            {"id": 6, "sweep_id": 1, "number": 2, "seeds": [0], "problem": "fits no chip"},
        ],
        told={1: {"made": 1, "succeeded": 1, "failed": 0}},
        clients=[{"op": "submit", "status": 503, "seconds": 0.3, "retry": "1"}],
        oracles={1: {("loss", 1): 0.5, ("loss", 2): 0.25, ("weights", 2): "w"}},
    )


def lose(it: Evidence) -> None:
    it.runs.clear()
    it.oracles.clear()
    it.checkpoints.clear()


def forget(it: Evidence) -> None:
    it.runs[0] |= {"state": "running", "silent": True}


def write_late(it: Evidence) -> None:
    it.history += [line(6.0, "record", "invoke", 1), line(6.1, "record", "ok", 1)]


def store_late(it: Evidence) -> None:
    it.points[0]["at"] = at(6)


def train_twice(it: Evidence) -> None:
    it.samples.append((5.2, [11, 22]))


def jump(it: Evidence) -> None:
    it.events[2]["to_state"] = it.events[3]["from_state"] = "held"
    it.events[3]["to_state"] = it.events[4]["from_state"] = "cancelled"


def rise_again(it: Evidence) -> None:
    it.events.append(event(6, "succeeded", "queued", 2, 10))


def skip(it: Evidence) -> None:
    del it.events[1]


def change_value(it: Evidence) -> None:
    it.points[0]["value"] = 0.75


def lose_point(it: Evidence) -> None:
    del it.points[0]


def double_point(it: Evidence) -> None:
    it.points.append(it.points[0])


def change_weights(it: Evidence) -> None:
    it.checkpoints[0]["weights"] = "others"


def cancel_slowly(it: Evidence) -> None:
    it.events[4:] = [
        event(5, "running", "cancelling", 2, 9),
        event(6, "cancelling", "cancelled", 2, 99),
    ]


def write_after_cancel(it: Evidence) -> None:
    it.events[4:] = [event(5, "running", "cancelled", 2, 6)]


def keep_lease(it: Evidence) -> None:
    it.runs[0]["lease_owner"] = "w"


def keep_process(it: Evidence) -> None:
    it.left.append(22)


def spoil_file(it: Evidence) -> None:
    it.files[DIGEST] = "other"


def lose_file(it: Evidence) -> None:
    it.files.clear()


def leave_scratch(it: Evidence) -> None:
    it.scratch.append("1-2")


def miscount_events(it: Evidence) -> None:
    it.runs[0]["events_made"] = 4


def miscount_claims(it: Evidence) -> None:
    it.runs[0]["lease_epoch"] = 3


def miscount_needs(it: Evidence) -> None:
    it.runs.append({**it.runs[0], "id": 2, "state": "queued", "blockers": 1, "events_made": 0})
    it.runs[1] |= {"lease_epoch": 0}
    it.needs.append({"run_id": 2, "needs_id": 1})


def keep_slot(it: Evidence) -> None:
    it.slots[0]["run_id"] = 1


def leave_a_gap(it: Evidence) -> None:
    it.places[1]["number"] = 3


def lose_a_seed(it: Evidence) -> None:
    it.places[0]["seeds"] = [0, 1]


def end_too_soon(it: Evidence) -> None:
    it.runs[0]["state"] = "queued"


def tell_too_many(it: Evidence) -> None:
    it.told[1]["succeeded"] = 2


def answer_500(it: Evidence) -> None:
    it.clients[0]["status"] = 500


def answer_slowly(it: Evidence) -> None:
    it.clients[0]["seconds"] = 11.0


def send_away(it: Evidence) -> None:
    it.clients[0]["retry"] = ""


def recover_slowly(it: Evidence) -> None:
    for each in it.history[6:]:
        each["t"] += 60


FORGED: list[tuple[str, Callable[[Evidence], None]]] = [
    ("I1", lose),
    ("I1", forget),
    ("I2", write_late),
    ("I2", store_late),
    ("I3", train_twice),
    ("I4", jump),
    ("I4", rise_again),
    ("I4", skip),
    ("I5", change_value),
    ("I5", lose_point),
    ("I5", double_point),
    ("I6", change_weights),
    ("I7", cancel_slowly),
    ("I7", write_after_cancel),
    ("I8", keep_lease),
    ("I9", keep_process),
    ("I9", spoil_file),
    ("I9", lose_file),
    ("I9", leave_scratch),
    ("I10", miscount_events),
    ("I10", miscount_claims),
    ("I10", miscount_needs),
    ("I10", keep_slot),
    ("I10", leave_a_gap),
    ("I10", lose_a_seed),
    ("I10", end_too_soon),
    ("I10", tell_too_many),
    ("I11", answer_500),
    ("I11", answer_slowly),
    ("I11", send_away),
    ("I12", recover_slowly),
]


def test_what_is_right_is_passed(honest: Evidence) -> None:
    assert violations(honest) == []


@pytest.mark.parametrize(
    ("name", "forge"), FORGED, ids=lambda each: getattr(each, "__name__", each)
)
def test_what_is_forged_is_found(honest: Evidence, name: str, forge) -> None:
    forged = deepcopy(honest)
    forge(forged)
    assert list(INVARIANTS[name](forged))


def test_every_invariant_is_shown_able_to_fail() -> None:
    assert {name for name, _ in FORGED} == set(INVARIANTS)
