"""The tables of a comparison, for export."""

from typing import Any

from snnlab.boards.compare_state import View, titled
from snnlab.boards.compared import Summary, summaries, value_of
from snnlab.boards.exports.table import Field, Table
from snnlab.experiments.comparing import Compared
from snnlab.learning.metrics import METRICS


TESTED = (
    Field("group", "Group"),
    Field("n", "n", "integer"),
    Field("mean", "Mean", "number", better="higher"),
    Field("half", "Half of the 95 % interval", "number"),
    Field("difference", "Difference to the baseline", "number"),
    Field("low", "Lower end", "number"),
    Field("high", "Upper end", "number"),
    Field("p", "p (Holm)", "number"),
    Field("effect", "Effect", "number"),
    Field("test", "Test"),
)


def tests(view: View) -> Table:
    """Each group beside the baseline; every p has its n."""
    better = METRICS[view.score].better if view.score in METRICS else ""
    fields = tuple(f._replace(better=better) if f.name == "mean" else f for f in TESTED)
    found = summaries(view.groups, view.score, view.base)
    return Table("tests", titled(view.score), fields, map(tested, found), {"mean": "half"})


def tested(each: Summary) -> tuple[Any, ...]:
    test, within = each.difference, each.interval
    gap = test.interval if test else None
    half = within.high - each.mean if within and each.mean is not None else None
    return (
        each.name,
        each.n,
        each.mean,
        half,
        test.mean if test else None,
        gap.low if gap else None,
        gap.high if gap else None,
        test.p if test else None,
        test.effect if test else None,
        ("paired" if test.paired else "Welch") if test else "",
    )


def runs(view: View) -> Table:
    """A row a run: the fields that differ, and the result."""
    fields = (
        Field("run", "Run", "integer"),
        Field("title", "Experiment"),
        Field("seed", "Seed", "integer"),
        Field("state", "State"),
        *(Field(name, name, kind_of(view, name)) for name in view.differ),
        Field("result", titled(view.score), "number"),
    )
    lines = (
        (
            run.id,
            run.title,
            run.seed,
            run.state,
            *(set_to(run, name) for name in view.differ),
            run.results.get(view.score),
        )
        for run in view.runs
    )
    return Table("runs", "What differs", fields, lines)


def set_to(run: Compared, name: str) -> str | float | None:
    """What a definition sets a field to; nothing where it has no such field, or leaves it out."""
    found = value_of(run, name)
    return None if found == "null" else found


def kind_of(view: View, name: str) -> str:
    """A column of numbers alone is exported as numbers."""
    found = {type(set_to(run, name)) for run in view.runs} - {type(None)}
    return "number" if found and found <= {int, float} else "text"
