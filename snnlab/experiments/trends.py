"""Reads across runs that are no leaderboard: curves over time and epochs, maps of surrogates."""

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from snnlab.experiments.chips import shape
from snnlab.experiments.scope import narrow, params
from snnlab.experiments.sql import rows


MOST_RUNS = 100


class Trend(NamedTuple):
    """One run and a curve of it: (T, accuracy) or (epoch, accuracy)."""

    run: int
    seed: int
    title: str
    digest: str
    rule: str
    network: str
    neuron: str
    caveat: str
    teacher: float | None
    points: list[tuple[int, float]]


class Cell(NamedTuple):
    """One place of a map over the surrogate slope."""

    run: int
    group: str
    width: float
    height: float
    value: float | None


RUN = """run.id as run, run.seed, experiment.name as title, run.digest,
  definition #>> '{rule,kind}' as rule, (definition -> 'network')::text as network,
  coalesce(definition #>> '{neuron,kind}', '') as neuron, run.caveat,
  (results ->> 'teacher_accuracy')::float8 as teacher"""
FROM = """experiments_run run join experiments_experiment experiment
  on experiment.id = run.experiment_id
  where run.board = %(board)s and run.state = 'succeeded' and run.team_id = any(%(teams)s)
    and not exists (select from experiments_verification where experiment_id = experiment.id)"""
TRAINED = "and coalesce(definition #>> '{task,kind}', 'train') = 'train'"


def by_time(teams: Collection[int], board: str) -> list[Trend]:
    """The test accuracy of networks stopped after so many steps, conversions first."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select {RUN}, (
          select array_agg(array[split_part(key, '/', 2)::float8, value::float8]
            order by split_part(key, '/', 2)::int)
          from jsonb_each_text(results) where key ~ '^accuracy_at/[0-9]+$' and value is not null
        ) as points from {FROM} {TRAINED} and results ? 'accuracy_at/1'
        order by (definition #>> '{{rule,kind}}') <> 'conversion', run.id desc limit {MOST_RUNS}""",
        **params(teams) | {"board": board},
    )
    return [_trend(row) for row in found]


def by_epoch(teams: Collection[int], board: str) -> list[Trend]:
    """The held-out accuracy of local tandem learning after each epoch of the student."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select {RUN}, (
          select array_agg(array[step::float8, value] order by step)
          from experiments_measurement where run_id = coalesce(run.same_as_id, run.id)
            and metric = 'accuracy' and value is not null
        ) as points from {FROM} {TRAINED} and definition #>> '{{rule,kind}}' like 'ltl%%'
        order by run.id desc limit {MOST_RUNS}""",
        **params(teams) | {"board": board},
    )
    return [trend for trend in map(_trend, found) if trend.points]


def accuracy_over_surrogate(teams: Collection[int], board: str) -> list[Cell]:
    """Test accuracy by width and height of the surrogate, of definitions that differ in no more."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select max(run.id) as run, max(experiment.name) || ', ' || max(
            definition #>> '{{neuron,surrogate}}') as "group",
          (definition #>> '{{neuron,surrogate_width}}')::float8 as width,
          (definition #>> '{{neuron,surrogate_height}}')::float8 as height, avg(score) as value,
          md5((definition #- '{{neuron,surrogate_width}}' #- '{{neuron,surrogate_height}}')::text)
            as others
        from {FROM} {TRAINED} and definition #> '{{neuron,surrogate_width}}' is not null
          and score is not null
        group by others, width, height order by others, width, height""",
        **params(teams) | {"board": board},
    )
    sizes: dict[str, int] = {}
    for row in found:
        sizes[row["others"]] = sizes.get(row["others"], 0) + 1
    return [
        Cell(row["run"], row["group"], row["width"], row["height"], row["value"])
        for row in found
        if sizes[row["others"]] > 1
    ]


def gradients_over_surrogate(teams: Collection[int], board: str) -> list[Cell]:
    """log10 of the norm of the first layer's gradient before training, of the newest diagnoses."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select run.id as run, definition -> 'task' as task, experiment.name as title,
          definition ->> 'time_steps' as steps, (
            select array_agg(value order by step) from experiments_measurement
            where run_id = coalesce(run.same_as_id, run.id) and metric = (
              select min(metric) from experiments_measurement
              where run_id = coalesce(run.same_as_id, run.id)
                and metric like 'log10_gradient/%%')) as norms
        from {FROM} and definition #>> '{{task,kind}}' = 'gradients'
        order by run.id desc limit 5""",
        **params(teams) | {"board": board},
    )
    return [cell for row in found for cell in _grid(row)]


def _grid(row: dict[str, Any]) -> list[Cell]:
    """The points of a diagnosis, in the order in which the task goes through its grid."""
    task = row["task"] if isinstance(row["task"], dict) else json.loads(row["task"])
    places = [
        (depth, steps, height, width)
        for depth in task.get("depths") or (0,)
        for steps in task.get("times") or (0,)
        for height in task.get("heights") or (1.0,)
        for width in task.get("widths") or ()
    ]
    return [
        Cell(row["run"], _group(row, depth, steps), width, height, norm)
        for (depth, steps, height, width), norm in zip(places, row["norms"] or (), strict=False)
    ]


def _group(row: dict[str, Any], depth: int, steps: int) -> str:
    layers = f", {depth} layers" if depth else ""
    return f"{row['title']}{layers}, T = {steps or row['steps']}"


def _trend(row: dict[str, Any]) -> Trend:
    points = [(int(x), y) for x, y in row["points"] or ()]
    return Trend(**row | {"network": shape(row["network"]), "points": points})
