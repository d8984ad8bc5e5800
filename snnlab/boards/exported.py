"""A leaderboard as a table to export: the columns that are shown, all rows that the filters let."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from snnlab.boards.cells import FROM_ELSEWHERE, VERIFIED
from snnlab.boards.exports.table import Field, Table
from snnlab.boards.state import State
from snnlab.experiments import queries
from snnlab.experiments.queries import BoardRow


MOST, AT_ONCE = 100_000, 5000
PERCENT = {"kind": "number", "unit": "%", "better": "higher", "digits": 2}


def number(name: str, title: str, unit: str = "", better: str = "lower") -> Field:
    return Field(name, title, "number", unit, better)


FIELDS: dict[str, tuple[Field, ...]] = {
    "rank": (Field("rank", "Rank", "integer"),),
    "title": (
        Field("title", "Result"),
        Field("kind", "Kind"),
        Field("standing", "Standing"),
        Field("caveat", "Caveat"),
    ),
    "accuracy": (
        Field("accuracy", "Test accuracy", **PERCENT),
        Field("half", "Half of the 95 % interval", "number", "%", digits=2),
        Field("low", "Lower end of the 95 % interval", "number", "%", digits=2),
        Field("high", "Upper end of the 95 % interval", "number", "%", digits=2),
        Field("n", "Seeds", "integer"),
    ),
    "best": (Field("best", "Best seed", **PERCENT),),
    "teacher": (Field("teacher", "Teacher", **PERCENT),),
    "gap": (Field("gap", "To teacher", "number", "points", "higher", 2),),
    "published": (Field("to_published", "To published", "number", "points", "higher", 2),),
    "method": (Field("method", "Rule"),),
    "network": (Field("network", "Network"),),
    "neuron": (Field("neuron", "Neuron"),),
    "time_steps": (Field("time_steps", "T", "integer", "steps", "lower"),),
    "parameters": (number("parameters", "Parameters"),),
    "macs": (number("macs", "Eff. MACs", "per image"),),
    "acs": (number("acs", "Eff. ACs", "per image"),),
    "synops": (number("synops", "Synaptic ops", "per image"),),
    "sparsity": (Field("sparsity", "Sparsity", **PERCENT),),
    "energy": (
        number("energy", "Energy", "nJ per image"),
        Field("energy_kind", "How the energy is known"),
    ),
    "latency": (number("latency", "Latency", "ms"),),
    "area": (Field("area", "Robustness", **PERCENT),),
    "seconds": (number("seconds", "Training", "s"),),
    "date": (Field("date", "Date", "date"), Field("year", "Year", "integer")),
    "verified": (
        Field("verified", "Verification"),
        Field("added", "Here since", "date"),
    ),
    "source": (
        Field("source", "Source"),
        Field("selection", "How weights were chosen"),
        Field("digest", "Definition"),
    ),
}
CITED = (Field("url", "Address"), Field("year", "Year", "integer"), Field("source", "Source"))


def table(title: str, teams: Collection[int], state: State) -> Table:
    """The rows of a view, read as they are written."""
    names = [name for name in state.columns if name in FIELDS]
    fields = {field.name: field for name in names for field in FIELDS[name]}
    fields |= {field.name: field for field in CITED}
    chosen = tuple(fields.values())
    lines = (tuple(value(row, f) for f in chosen) for row in rows(teams, state))
    return Table("rows", title, chosen, lines, {"accuracy": "half"}, frozenset({"low", "high"}))


def rows(teams: Collection[int], state: State) -> Iterator[BoardRow]:
    """All of them, however many pages, up to the most."""
    for page in range(1, MOST // AT_ONCE + 1):
        found = queries.standings(teams, replace(state.wanted, page=page, size=AT_ONCE)).rows
        yield from found
        if len(found) < AT_ONCE:
            return


def value(row: BoardRow, field: Field) -> Any:
    """One plain value."""
    if field.name == "half":
        return None if row.high is None or row.accuracy is None else row.high - row.accuracy
    if field.name == "date":
        return None if row.finished_at is None else f"{row.finished_at:%Y-%m-%d}"
    if field.name == "n" and row.kind in FROM_ELSEWHERE:
        return row.n or None  # nobody says how many
    if field.name == "added":
        return f"{row.added_at:%Y-%m-%d}" if row.kind in FROM_ELSEWHERE and row.added_at else None
    if field.name == "year":
        return row.finished_at.year if row.finished_at else row.year
    if field.name == "verified":
        if row.kind in FROM_ELSEWHERE:
            return "source checked" if row.checked else "source not checked"
        return VERIFIED[row.verified][0]
    return getattr(row, field.name)
