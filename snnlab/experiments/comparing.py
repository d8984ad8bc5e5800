"""The reads behind a comparison of runs: what they are, and their curves at full length.

Every read starts from the teams of whoever asks: a run of another team is not there.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnlab.experiments.scope import narrow, params
from snnlab.experiments.sql import rows


MOST = 200
MOST_NUMBERS = 3_000_000  # of all curves together: some 50 MB
AXES = ("epoch", "updates", "time")


class Asked(NamedTuple):
    """The runs that are asked for: by their numbers, or all of an experiment or a sweep."""

    runs: tuple[int, ...] = ()
    experiment: int | None = None
    sweep: int | None = None


class Compared(NamedTuple):
    """One run, with all that a comparison needs but its curves."""

    id: int
    seed: int
    state: str
    digest: str
    experiment: int
    title: str
    definition: dict[str, Any]
    results: dict[str, Any]
    batches: int | None  # updates of the weights in an epoch, where a worker has told


class Curve(NamedTuple):
    """A metric of one run: `x` is along the axis that was asked for, `y` may be NaN."""

    steps: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def compared(teams: Collection[int], asked: Asked) -> tuple[list[Compared], int]:
    """The first of these runs, and how many there are; in the order asked for, else by number."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select run.id, run.seed, run.state, run.digest, run.experiment_id as experiment,
          experiment.name as title, run.definition::text, run.results::text,
          (run.progress ->> 'batches')::float8::int as batches, count(*) over () as total
        from experiments_run run join experiments_experiment experiment
          on experiment.id = run.experiment_id
        where run.team_id = any(%(teams)s) and (run.id = any(%(runs)s)
          or run.experiment_id = %(experiment)s or run.experiment_id = (
            select experiment_id from experiments_sweep where id = %(sweep)s))
        order by array_position(%(runs)s, run.id), run.id limit %(most)s""",
        **params(teams),
        runs=list(asked.runs),
        experiment=asked.experiment,
        sweep=asked.sweep,
        most=MOST,
    )
    total = found[0]["total"] if found else 0
    return [_compared(row) for row in found], total


def _compared(row: dict[str, Any]) -> Compared:
    del row["total"]
    read = {name: json.loads(row[name]) for name in ("definition", "results")}
    return Compared(**row | read)


def metrics(runs: Sequence[Compared]) -> list[str]:
    """Every metric that one of them has: by its results, or while it has none by what it wrote.

    The latter jumps from name to name, however many numbers each has.
    """
    known = {name for run in runs for name in run.results}
    open_ended = [run.id for run in runs if not run.results]
    if open_ended:
        found = rows(
            """
            with recursive named as (
              select id, (select min(metric) from experiments_measurement where run_id = id)
                as metric from unnest(%(runs)s::bigint[]) as asked (id)
              union all
              select id, (select min(metric) from experiments_measurement
                where run_id = id and metric > named.metric) from named where metric is not null
            ) select distinct metric from named where metric is not null""",
            runs=open_ended,
        )
        known |= {row["metric"] for row in found}
    return sorted(known)


def curves(runs: Sequence[Compared], metric: str, axis: str = "epoch") -> dict[int, Curve]:
    """The metric's whole curve of each run that has one; `runs` are those of `compared`.

    Along `updates` a run is left out whose worker has not told how many an epoch has. `time` is
    what its epochs took, added up; without that, the time since its first number was written. Runs
    whose curves would be more than MOST_NUMBERS with those before them are left out, too.
    """
    found = _read(_fitting([run.id for run in runs], metric), metric, timed=axis == "time")
    if axis == "epoch":
        return {run: Curve(c.steps, c.steps.astype(float), c.y) for run, c in found.items()}
    if axis == "updates":
        per = {run.id: run.batches for run in runs if run.batches}
        return {
            run: Curve(c.steps, c.steps * float(per[run]), c.y)
            for run, c in found.items()
            if run in per
        }
    took = _read(list(found), "seconds", timed=False)
    return {run: _timed(curve, took.get(run)) for run, curve in found.items()}


def _fitting(runs: Sequence[int], metric: str) -> list[int]:
    """The first of these runs, as many as can be read at once. Counts only where it must."""
    lengths = "(select max(step) + 1 from experiments_measurement m where {} limit 1)"
    counts = (
        "(select count(*) from (select from experiments_measurement m where {} limit %(most)s) n)"
    )
    for length in (lengths, counts):
        found = rows(
            f"""
            select id, sum(coalesce(n, 0)) over (order by place) as total from (
              select id, place, {length.format("m.run_id = id and m.metric = %(metric)s")} as n
              from unnest(%(runs)s::bigint[]) with ordinality as asked (id, place)) known""",
            runs=list(runs),
            metric=metric,
            most=MOST_NUMBERS + 1,
        )
        fit = [row["id"] for row in found if row["total"] <= MOST_NUMBERS]
        if len(fit) == len(runs):
            break
    return fit


def _timed(curve: Curve, took: Curve | None) -> Curve:
    """The curve over the seconds that training took."""
    if took is None:
        return curve._replace(x=curve.x - curve.x[0])
    total = np.concatenate([[0.0], np.nan_to_num(took.y).cumsum()])
    return curve._replace(x=total[np.searchsorted(took.steps, curve.steps, side="right")])


def _read(runs: Sequence[int], metric: str, *, timed: bool) -> dict[int, Curve]:
    """Numbers of some runs as PostgreSQL holds them, end to end, so that numpy reads them as is.

    Half a million come in a tenth of a second; as rows, or by COPY, they take more than one.
    """
    x = "string_agg(float8send(extract(epoch from at)::float8), '' order by step)"
    found = rows(
        f"""
        select run_id, string_agg(int8send(step), '' order by step) as steps,
          string_agg(float8send(coalesce(value, 'NaN')), '' order by step) as y,
          {x if timed else "null::bytea"} as x
        from experiments_measurement where run_id = any(%(runs)s) and metric = %(metric)s
        group by run_id""",
        runs=list(runs),
        metric=metric,
    )
    return {row["run_id"]: _curve(row) for row in found}


def _curve(row: dict[str, Any]) -> Curve:
    steps = np.frombuffer(row["steps"], ">i8").astype(np.int64)
    x = np.frombuffer(row["x"], ">f8") if row["x"] else steps
    return Curve(steps, x.astype(float), np.frombuffer(row["y"], ">f8").astype(float))
