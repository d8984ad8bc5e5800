"""What happens to an open sweep by itself: points are made, runs queued, and hopeless ones stopped.

Any number of processes may look at sweeps at the same time. An advisory lock lets one of them at a
time act for a sweep; should two act all the same, unique points and runs let nothing happen twice.
"""

import json
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from snnlab.experiments import queries_sweeps, sweep_runs
from snnlab.experiments.actions import Ask, caveat
from snnlab.experiments.doorbell import ring_on_commit
from snnlab.experiments.models import Point, Run, Sweep
from snnlab.experiments.needs import needed, wait_for
from snnlab.experiments.queries_sweeps import PointRow
from snnlab.experiments.reuse import copy_numbers, reused
from snnlab.experiments.sql import rows
from snnlab.experiments.sweep_pruning import judge
from snnlab.learning.plan import Plan
from snnlab.learning.problems import SpecError


if TYPE_CHECKING:
    from snnlab.learning import search
    from snnlab.learning.sweep import Point as Tried
    from snnlab.learning.sweep import Sweep as Definition

LOCK = 5077  # the first of the two numbers of our advisory locks
BATCH = 1000  # rows in one statement
AT_A_TIME = 200  # runs made in one transaction: a cancel waits that long
OPEN = Sweep.State.OPEN


def step(pk: int) -> bool:
    """Do all that is due for a sweep now; False if somebody else is at it.

    May be repeated, and broken off anywhere: each part is one transaction, and the next call goes
    on from there.
    """
    with alone(pk) as mine:
        if mine:
            look(Sweep.objects.select_related("experiment__team").get(pk=pk))
    return mine


@contextmanager
def alone(pk: int) -> Iterator[bool]:
    """Whether this session of the database may act for the sweep; its end ends that right."""
    locked = rows("select pg_try_advisory_lock(%(lock)s, %(pk)s) as locked", lock=LOCK, pk=pk)
    mine = bool(locked[0]["locked"])
    try:
        yield mine
    finally:
        if mine:
            rows("select pg_advisory_unlock(%(lock)s, %(pk)s)", lock=LOCK, pk=pk)


def look(sweep: Sweep) -> None:
    """One look at a sweep by whoever may act for it."""
    from snnlab.learning.sweep import Sweep as Definition  # here, because it takes PyTorch along

    if sweep.state != OPEN:
        return
    try:
        definition = Definition.parse(sweep.definition)
    except SpecError as error:
        end(sweep, Sweep.State.STOPPED, f"this version of snnlab refuses it: {error}")
        return
    if sweep.expanded < sweep.version:
        expand(sweep, definition)
    if sweep.expanded < sweep.version:
        return
    exhausted = definition.learns and not ask(sweep, definition)
    while left := room(sweep, definition):
        if not dispatch(sweep, left, by_point=definition.learns):
            break
    judge(sweep, definition)
    close(sweep, definition, exhausted=exhausted)
    Sweep.objects.filter(pk=sweep.pk, state=OPEN).update(looked_at=Now())


def expand(sweep: Sweep, definition: "Definition") -> None:
    """Make all points that are not there yet, in one transaction.

    Computed before it begins; a definition that changed meanwhile is left to the next look.
    """
    made = list(definition.points())
    with transaction.atomic():
        now = Sweep.objects.select_for_update().get(pk=sweep.pk)
        if now.version != sweep.version:
            return
        known, first = known_points(sweep), next_number(sweep)
        fresh = [point for point in made if point.name not in known]
        Point.objects.bulk_create(
            (row_of(sweep, definition, point, n) for n, point in enumerate(fresh, first)),
            batch_size=BATCH,
        )
        Sweep.objects.filter(pk=sweep.pk).update(expanded=sweep.version)
    sweep.expanded = sweep.version


def row_of(
    sweep: Sweep,
    definition: "Definition",
    point: "Tried",
    number: int,
    memory: dict[str, Any] | None = None,
) -> Point:
    """The row of a point."""
    spec = point.spec
    return Point(
        sweep=sweep,
        number=number,
        values=point.values,
        definition=spec.model_dump(mode="json") if spec else None,
        digest=point.digest,
        board=spec.dataset.board if spec else "",
        caveat=caveat(spec) if spec else "",
        seeds=list(definition.seeds),
        needs=needed(spec) if spec else "",
        memory=memory or {},
        problem=point.problem,
    )


def known_points(sweep: Sweep) -> set[str]:
    """The names of the points that are there; of an impossible one that is its values."""
    found = Point.objects.filter(sweep=sweep).values_list("digest", "values")
    return {digest or json.dumps(values, sort_keys=True) for digest, values in found}


def next_number(sweep: Sweep) -> int:
    last = Point.objects.filter(sweep=sweep).aggregate(last=Max("number"))["last"]
    return 0 if last is None else last + 1


def ask(sweep: Sweep, definition: "Definition") -> bool:
    """Let the search choose points for the free places; False if it knows no new one."""
    from snnlab.learning import search

    tried = queries_sweeps.points(sweep, order="number")
    under_way = sum(point.state in ("waiting", "queued", "running") for point in tried)
    places = max(1, int(definition.at_once) // len(definition.seeds)) - under_way
    known = set(Point.objects.filter(sweep=sweep).values_list("digest", flat=True))
    past = [told(point) for point in tried]
    for number in range(len(tried), min(definition.size(), len(tried) + places)):
        found: dict[str, Tried] = {}

        def fresh(values: dict[str, Any], found: "dict[str, Tried]" = found) -> bool:
            point = definition.point(values)
            found["point"] = point
            return point.spec is not None and point.digest not in known

        suggestion = search.suggest(definition, past, fresh)
        if suggestion is None:
            return False
        row = row_of(sweep, definition, found["point"], number, suggestion.memory)
        Point.objects.bulk_create([row], ignore_conflicts=True)
        known.add(row.digest)
        past.append(search.Tried(suggestion.values, "running", (), suggestion.memory))
    return True


def told(point: PointRow) -> "search.Tried":
    """A point as the search knows it."""
    from snnlab.learning.search import Tried

    states = {"done": "complete", "pruned": "pruned", "failed": "failed", "cancelled": "failed"}
    scores = tuple(math.nan if score.mean is None else score.mean for score in point.scores)
    state = states.get(point.state, "failed" if point.problem else "running")
    told = scores if state in ("complete", "pruned") else ()
    return Tried(point.values, state, told, point.memory, point.last_step)


def room(sweep: Sweep, definition: "Definition") -> int:
    """How many runs may be made now, by the budget and by how many are under way."""
    used = queries_sweeps.usage(sweep)
    if definition.most_hours and used.seconds >= 3600 * definition.most_hours:
        return 0
    under_way = Run.objects.filter(
        experiment_id=sweep.experiment_id, point__isnull=False, state__in=["queued", *Run.LIVE]
    ).count()
    budget = math.inf if definition.most_runs is None else definition.most_runs - used.made
    return int(max(0, min(AT_A_TIME, definition.at_once - under_way, budget)))


@transaction.atomic
def dispatch(sweep: Sweep, most: int, *, by_point: bool) -> int:
    """Make the next runs of points that want some, at most so many; gives how many.

    A point with all its seeds comes before the next where a search waits for it; else every point
    has its first seed before any has its second. A run that was deleted is made again.
    """
    if not rows(
        "select id from experiments_sweep where id = %(pk)s and state = 'open' for share",
        pk=sweep.pk,
    ):
        return 0
    order = "p.number, wanted.place" if by_point else "wanted.place, p.number"
    wanted = rows(
        f"""
        select p.id, wanted.seed from experiments_point p
        cross join unnest(p.seeds) with ordinality wanted (seed, place)
        where p.sweep_id = %(sweep)s and p.problem = '' and not exists (
          select from experiments_run r where r.point_id = p.id and r.seed = wanted.seed)
        order by {order} limit %(most)s""",
        sweep=sweep.pk,
        most=most,
    )
    if not wanted:
        return 0
    runs = made_of(sweep, wanted)
    wait_for([run for run in runs if not run.terminal], needs({row["id"] for row in wanted}))
    ring_on_commit()
    return len(runs)


def made_of(sweep: Sweep, wanted: list[dict[str, Any]]) -> list[Run]:
    """Runs of these points and seeds; known results are looked for only where that is asked."""
    plan = queries_sweeps.plan(sweep)
    if not plan.reuse:
        first = Point.objects.get(pk=wanted[0]["id"])
        return sweep_runs.insert(run_of(sweep, plan, first, wanted[0]["seed"]), wanted)
    points = Point.objects.in_bulk({row["id"] for row in wanted})
    runs = [run_of(sweep, plan, points[row["id"]], row["seed"]) for row in wanted]
    taken = reused(runs, sweep.experiment.team)
    Run.objects.bulk_create(runs, batch_size=500)
    copy_numbers(taken)
    return runs


def needs(points: Collection[int]) -> dict[str, str]:
    """What runs of these points need, by digest; points of older versions do not say it."""
    from snnlab.learning.spec import Spec

    found = Point.objects.filter(pk__in=points)
    untold = found.filter(needs=None).values_list("digest", "definition")
    return dict(found.exclude(needs=None).values_list("digest", "needs")) | {
        digest: needed(Spec.parse(definition)) for digest, definition in untold
    }


def run_of(sweep: Sweep, plan: Plan, point: Point, seed: int) -> Run:
    """A new run of a point."""
    ask = Ask(**{name: getattr(plan, name) for name in Ask.__dataclass_fields__})
    return Run(
        experiment=sweep.experiment,
        point=point,
        definition=point.definition,
        digest=point.digest,
        board=point.board,
        caveat=point.caveat,
        seed=seed,
        changed_by=sweep.experiment.actor,
        **ask.checked(),
    )


def close(sweep: Sweep, definition: "Definition", *, exhausted: bool) -> None:
    """End a sweep that has nothing left to do, and say why if it is not plain."""
    used = queries_sweeps.usage(sweep)
    if used.made > used.ended:
        return
    if over := queries_sweeps.used_up(definition, used):
        end(sweep, Sweep.State.DONE, over)
    elif exhausted:
        end(sweep, Sweep.State.DONE, "the search found no new point")
    elif used.ended >= used.planned:
        end(sweep, Sweep.State.DONE, "")


def end(sweep: Sweep, state: str, message: str) -> None:
    """Close a sweep, unless somebody has asked something of it since it was read."""
    Sweep.objects.filter(pk=sweep.pk, state=OPEN, asked=sweep.asked).update(
        state=state, message=message[:500], ended_at=Now()
    )
