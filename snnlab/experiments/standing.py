"""What people say of the lines of a board: every write about them. Each is an event that stays.

The ladder: self-reported; complete provenance, which the database sees itself; re-evaluated from
the stored weights; retrained with all seeds. The last two are runs that anybody of the team asks
for, and that the database compares when they have ended (migration 0007).
"""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.db.models import Max

from snnlab.experiments import actions
from snnlab.experiments.actions import Refused
from snnlab.experiments.leaderboard import BoardRow, Wanted, standings
from snnlab.experiments.models import (
    Checkpoint,
    Dependency,
    Entry,
    Experiment,
    Judgement,
    Run,
    Verification,
)
from snnlab.experiments.models import Snapshot as Kept
from snnlab.experiments.statistics import FEWEST
from snnlab.teams.models import Team


MOST_ROWS = 10_000
TAG = "verification"
KINDS = tuple(Verification.Kind.values)
MARKS = {  # what is said, and what that makes of the line
    "flagged": {"standing": "flagged"},
    "cleared": {"standing": ""},
    "withdrawn": {"standing": "withdrawn"},
    "baseline": {"kind": "baseline"},
    "measured": {"kind": "measured", "reproduces": None},
}
NEEDS_A_REASON = ("flagged", "withdrawn")


@transaction.atomic
def mark(entry_id: int, actor: str, what: str, note: str = "") -> None:
    """Flag, clear, withdraw, or call a baseline; the line shows it, and the event stays.

    Raises Entry.DoesNotExist, or Refused for what changes nothing or lacks its reason.
    """
    entry = _mine(entry_id)
    if what not in MARKS:
        raise Refused(f"a row cannot be {what}. Choose one of {', '.join(MARKS)}")
    if what in NEEDS_A_REASON and not note.strip():
        raise Refused(f"a row is not {what} without a reason. Write one: it stays beside the row")
    change = MARKS[what]
    if all(getattr(entry, name) == value for name, value in change.items()):
        raise Refused(f"the row is {what} already" if what != "cleared" else "nothing is flagged")
    _say(entry, what, actor, note)
    Entry.objects.filter(pk=entry.pk).update(**change)


@transaction.atomic
def reproduce(entry_id: int, actor: str, published_id: int, note: str = "") -> None:
    """Say that a measured line repeats a published one: then it shows the difference.

    Raises Entry.DoesNotExist, or Refused for a published row of another board.
    """
    entry = _mine(entry_id)
    target = Entry.objects.filter(pk=published_id, kind="published", board=entry.board).first()
    if target is None:
        raise Refused(f"there is no published row {published_id} on the board {entry.board}")
    _say(entry, "reproduced", actor, note, {"reproduces": target.pk, "title": target.title})
    Entry.objects.filter(pk=entry.pk).update(kind="reproduced", reproduces=target)


@transaction.atomic
def verify(entry_id: int, actor: str, kind: str) -> Experiment:
    """Queue the runs that test a line's stored weights again, or train all its seeds again.

    Raises Entry.DoesNotExist, or Refused if that can prove nothing, or is under way.
    """
    entry = _mine(entry_id)
    _check(entry, kind)
    definition = Run.objects.values_list("definition", flat=True).get(pk=entry.runs[0])
    experiment = actions.submit(
        team=entry.team,
        actor=actor,
        name=f"{kind.capitalize()}: {entry.title}"[:200],
        specs=[_spec(definition, kind)],
        seeds=entry.seeds,
        notes=f"Asked for on the board {entry.board}, row {entry.pk}.",
        tags=[TAG],
    )
    Verification.objects.create(entry=entry, kind=kind, experiment=experiment, runs=entry.runs)
    if kind == "re-evaluate":
        _wait_for_their_own(experiment, entry)
    _say(entry, "asked", actor, kind, {"experiment": experiment.pk})
    return experiment


def _check(entry: Entry, kind: str) -> None:
    if kind not in KINDS:
        raise Refused(f"a row can be verified by {' or '.join(KINDS)}, got {kind!r}")
    if not entry.runs:
        raise Refused("only rows that were measured here can be verified")
    if entry.verifications.filter(kind=kind, settled=False).exists():
        raise Refused(f"runs that {kind} this row are queued already")
    if kind == "retrain" and (entry.n < FEWEST or entry.missing):
        raise Refused(
            f"retraining compares with an interval, which needs {FEWEST} seeds with a number; the "
            f"row has {entry.n}. Train more seeds first"
        )
    stored = Checkpoint.objects.filter(run__in=entry.runs, final=True).count()
    if kind == "re-evaluate" and stored < len(entry.runs):
        raise Refused(
            f"the weights of {len(entry.runs) - stored} of {len(entry.runs)} runs are not stored "
            "here. Retrain the row instead"
        )


def _spec(definition: dict[str, Any], kind: str) -> Any:
    from snnlab.learning.spec import Spec  # here, because it takes PyTorch along

    task = {"kind": "evaluate"} if kind == "re-evaluate" else definition.get("task")
    try:
        return Spec.parse(definition | ({"task": task} if task else {}))
    except ValueError as error:  # a SpecError: what it asks for is not possible, or not any more
        raise Refused(str(error).rstrip(".")) from error


def _wait_for_their_own(experiment: Experiment, entry: Entry) -> None:
    """Test the weights of the line's own runs, whoever else has trained the same since."""
    originals = dict(zip(entry.seeds, entry.runs, strict=True))
    runs = list(experiment.runs.values_list("pk", "seed"))
    Dependency.objects.filter(run__in=[pk for pk, _ in runs]).delete()
    Dependency.objects.bulk_create(
        Dependency(run_id=pk, needs_id=originals[seed]) for pk, seed in runs
    )


@transaction.atomic
def take_snapshot(team: Team, actor: str, board: str) -> Kept:
    """Keep what the board says to this team now; gives the last one if nothing has changed."""
    found = standings([team.pk], Wanted(board, size=MOST_ROWS)).rows
    if not found:
        raise Refused(f"the board {board} has no rows")
    rows = [kept(row) for row in found]
    sha256 = content_hash(rows)
    Team.objects.select_for_update().get(pk=team.pk)
    known = Kept.objects.filter(team=team, board=board)
    last = known.order_by("-number").first()
    if last and last.sha256 == sha256:
        return last
    number = (known.aggregate(last=Max("number"))["last"] or 0) + 1
    return Kept.objects.create(
        team=team, board=board, number=number, actor=actor, sha256=sha256, rows=rows
    )


def kept(row: BoardRow) -> dict[str, Any]:
    """What a snapshot keeps of a line."""
    names = ("kind", "title", "method", "network", "neuron", "time_steps", "accuracy", "low")
    names += ("high", "n", "best", "energy", "parameters", "caveat", "standing", "verified", "rank")
    key = f"{row.experiment_id}:{row.digest}" if row.experiment_id else row.digest
    return {"key": key} | {name: getattr(row, name) for name in names}


def content_hash(rows: list[dict[str, Any]]) -> str:
    """The SHA-256 of the rows as canonical JSON."""
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _mine(entry_id: int) -> Entry:
    """The line, locked; what everybody sees is nobody's to change."""
    return Entry.objects.select_for_update().get(pk=entry_id, team__isnull=False)


def _say(
    entry: Entry, kind: str, actor: str, note: str = "", detail: dict[str, Any] | None = None
) -> None:
    text = note.replace("\x00", "")[:2000].strip()
    Judgement.objects.create(
        entry=entry, kind=kind, actor=actor, note=text, runs=entry.runs, detail=detail or {}
    )
