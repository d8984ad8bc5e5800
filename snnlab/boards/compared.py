"""What some runs say beside each other: fields that differ, groups, scores, tests. All pure."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from snnlab.boards.rows import shorten
from snnlab.experiments.comparing import Compared
from snnlab.experiments.statistics import Difference, Interval, compared_with_all, finite, interval
from snnlab.learning.notation import flat


NONE = "–"
MOST_NAMED = 3  # fields that name a group


class Group(NamedTuple):
    """Runs that are taken together."""

    name: str
    runs: list[Compared]

    def scores(self, metric: str) -> dict[int, float]:
        """The result of each seed; where seeds meet twice, of each run by a number of its own."""
        seeds = [run.seed for run in self.runs]
        once = len(set(seeds)) == len(seeds)
        known = {run.seed if once else -run.id: run.results.get(metric) for run in self.runs}
        return {key: value for key, value in known.items() if finite([value])}


def fields_of(runs: Sequence[Compared]) -> list[str]:
    """Every field that one of the definitions has."""
    return sorted({name for run in runs for name in flat(run.definition)})


def differing(runs: Sequence[Compared]) -> list[str]:
    """The fields that are not the same in all definitions, a missing one differing, too.

    Those that all have stand first, and of them those with the most values.
    """
    known = [flat(definition) for definition in definitions(runs)]
    values = {n: {one.get(n) for one in known} for n in {n for one in known for n in one}}
    some = [name for name, found in values.items() if len(found) > 1]
    return sorted(some, key=lambda name: (None in values[name], -len(values[name]), name))


def telling(runs: Sequence[Compared], differ: Sequence[str]) -> list[str]:
    """Few fields that tell the definitions apart, as well as so few can."""
    known = [flat(definition) for definition in definitions(runs)]
    chosen: list[str] = []
    while len(chosen) < MOST_NAMED:
        told = {n: len({tuple(map(one.get, (*chosen, n))) for one in known}) for n in differ}
        best = max(differ, key=lambda name: told[name], default="")
        if not best or told[best] == len({tuple(map(one.get, chosen)) for one in known}):
            break
        chosen.append(best)
    return chosen


def definitions(runs: Sequence[Compared]) -> list[dict[str, Any]]:
    return list({run.digest: run.definition for run in runs}.values())


def value_of(run: Compared, name: str) -> str | float | None:
    """A result or a field of a run."""
    if name in run.results:
        found: float | None = run.results[name]
        return found
    return flat(run.definition).get(name)


def plain(value: str | float | None) -> str:
    """A value as text."""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else NONE
    return NONE if value is None else shorten(str(value), 60)


def grouped(runs: Sequence[Compared], by: str, differ: Sequence[str]) -> list[Group]:
    """Runs by one field, or by their whole definition, experiment or seed, in the order given."""
    found: dict[Any, list[Compared]] = {}
    for run in runs:
        found.setdefault(key(run, by), []).append(run)
    fields = telling(runs, differ)
    names = unique([named(some, by, fields) for some in found.values()], found)
    return [Group(name, some) for name, some in zip(names, found.values(), strict=True)]


def key(run: Compared, by: str) -> Any:
    whole = {
        "definition": run.digest,
        "experiment": run.experiment,
        "seed": run.seed,
        "run": run.id,
    }
    return whole[by] if by in whole else flat(run.definition).get(by)


def named(runs: Sequence[Compared], by: str, fields: Sequence[str]) -> str:
    """What the runs of a group have in common, in a few words."""
    run = runs[0]
    if by == "definition":
        known = flat(run.definition)
        told = (f"{name.rpartition('.')[2]} {plain(known.get(name))}" for name in fields)
        return shorten(", ".join(told), 80) or shorten(run.title, 40)
    if by == "run":
        return f"run {run.id}, seed {run.seed}"
    if by == "experiment":
        return f"{shorten(run.title, 40)} ({run.experiment})"
    return f"seed {run.seed}" if by == "seed" else f"{by} {plain(flat(run.definition).get(by))}"


def unique(names: Sequence[str], keys: Sequence[Any] | Mapping[Any, Any]) -> list[str]:
    """The names, told apart by their key where two are the same."""
    return [
        f"{name} ({each})" if list(names).count(name) > 1 else name
        for name, each in zip(names, keys, strict=True)
    ]


class Summary(NamedTuple):
    """The scores of a group, and how it differs from the baseline."""

    name: str
    place: int
    n: int
    mean: float | None
    interval: Interval | None
    quartiles: list[float]
    difference: Difference | None
    seeds: bool  # whether each seed is there once

    @property
    def effect(self) -> str:
        return "d_z" if self.difference and self.difference.paired else "g"


def summaries(groups: Sequence[Group], metric: str, base: str) -> list[Summary]:
    """Each group beside the baseline; p-values by Holm's correction over all that were asked."""
    scores = {group.name: group.scores(metric) for group in groups}
    ours = scores.get(base, {})
    others = [name for name, values in scores.items() if name != base and values and ours]
    tests = compared_with_all(ours, [scores[name] for name in others])
    differences = {n: turned(test) for n, test in zip(others, tests, strict=True)}
    return [
        summary(group, place, list(scores[group.name].values()), differences.get(group.name))
        for place, group in enumerate(groups)
    ]


def summary(
    group: Group, place: int, values: list[float], difference: Difference | None
) -> Summary:
    quartiles = [float(q) for q in np.quantile(values, (0, 0.25, 0.5, 0.75, 1))] if values else []
    return Summary(
        group.name,
        place,
        len(values),
        fmean(values) if values else None,
        interval(values),
        quartiles,
        difference,
        len({run.seed for run in group.runs}) == len(group.runs),
    )


def turned(test: Difference) -> Difference:
    """The baseline minus a group, as the group minus the baseline."""
    within = test.interval and Interval(-test.interval.high, -test.interval.low)
    effect = None if test.effect is None else -test.effect
    return test._replace(mean=-test.mean, interval=within, effect=effect)
