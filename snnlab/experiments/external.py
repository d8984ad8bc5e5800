"""Rows of others, as a CSV or a sota-extractor JSON tells them: read and checked, not stored.

A file is taken whole or not at all: `Wrong` lists each thing that is wrong, by row and field.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit


MOST_ROWS, LONGEST, LARGEST, MOST_PROBLEMS, DEEPEST = 5000, 300, 5_000_000, 50, 20
ENERGY_KINDS = ("measured", "estimated", "published")


class Wrong(ValueError):
    """What is wrong with a file."""

    def __init__(self, problems: list[str]) -> None:
        left = len(problems) - MOST_PROBLEMS
        more = [f"and {left} more"] if left > 0 else []
        self.problems = problems[:MOST_PROBLEMS] + more
        super().__init__("; ".join(self.problems))


class Column(NamedTuple):
    """A column of the CSV: how its text is read, and what it means. Empty cells are not known."""

    read: Callable[[str], Any]
    meaning: str
    needed: bool = False


def text(said: str) -> str:
    if len(said) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters, got {len(said)}")
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in said):
        raise ValueError("must not hold control characters")
    return said


def address(said: str) -> str:
    parts = urlsplit(text(said))
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or " " in said:
        raise ValueError(f"must be an address that begins with https://, got {said[:60]!r}")
    return said


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    def read(said: str) -> float:
        try:
            value = float(said)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            bounds = f"in {low:g}..{high:g}" if high < math.inf else f"at least {low:g}"
            raise ValueError(f"must be a number, {bounds}, got {said[:40]!r}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(said: str) -> int:
        if not (said.isascii() and said.isdigit() and len(said) < 12 and low <= int(said) <= high):
            raise ValueError(f"must be a whole number in {low}..{high}, got {said[:40]!r}")
        return int(said)

    return read


def one_of(*known: str) -> Callable[[str], str]:
    def read(said: str) -> str:
        if said not in known:
            raise ValueError(f"must be one of {', '.join(known)}, got {said[:40]!r}")
        return said

    return read


PERCENT = number(0, 100)
COLUMNS: dict[str, Column] = {
    "title": Column(text, "what people call the result, such as a citation", needed=True),
    "accuracy": Column(PERCENT, "test accuracy [%]", needed=True),
    "source_url": Column(address, "where it is told, https", needed=True),
    "method": Column(text, "learning rule or training route"),
    "network": Column(text, "architecture"),
    "neuron": Column(text, "neuron model"),
    "time_steps": Column(whole(1, 10**9), "time steps of the simulation of one image"),
    "n": Column(whole(1, 10**6), "seeds behind the accuracy"),
    "low": Column(PERCENT, "lower end of the 95 % interval [%]"),
    "high": Column(PERCENT, "upper end of the 95 % interval [%]"),
    "best": Column(PERCENT, "best seed [%]"),
    "teacher": Column(PERCENT, "accuracy of the analog network that taught it [%]"),
    "parameters": Column(number(0), "trainable weights"),
    "macs": Column(number(0), "effective multiply-accumulates per image"),
    "acs": Column(number(0), "effective accumulates per image"),
    "synops": Column(number(0), "synaptic operations per image"),
    "sparsity": Column(PERCENT, "activation sparsity [%]"),
    "energy": Column(number(0), "energy of one inference [nJ]"),
    "energy_kind": Column(one_of(*ENERGY_KINDS), "how the energy is known; needed with it"),
    "latency": Column(number(0), "of one inference [ms]"),
    "year": Column(whole(1950, 2100), "when it was published"),
    "caveat": Column(text, "what makes it not comparable; gives it ranks of its own"),
    "checked": Column(one_of("yes", "no"), "whether somebody looked the number up at its source"),
}
Line = dict[str, Any]


def from_csv(data: str) -> list[Line]:
    """The rows of a CSV whose first line names its columns. Raises Wrong."""
    try:
        head, *rows = list(csv.reader(io.StringIO(fitting(data)), strict=True)) or [[]]
    except csv.Error as error:
        raise Wrong([f"the file is no CSV: {error}"]) from error
    if not head:
        raise Wrong(["the file has no rows"])
    names = [name.strip() for name in head]
    problems = [
        f"line 1: there is no column {name[:40]!r}" for name in names if name not in COLUMNS
    ]
    problems += [
        f"line 1: the column {n} is missing"
        for n, c in COLUMNS.items()
        if c.needed and n not in names
    ]
    if len(set(names)) < len(names):
        problems.append("line 1: a column is named twice")
    if problems:
        raise Wrong([*problems, f"known columns: {', '.join(COLUMNS)}"])
    told = []
    for number_of, row in enumerate(rows, 2):
        if row and len(row) != len(names):
            problems.append(f"row {number_of}: has {len(row)} cells, the first line {len(names)}")
        elif row:
            told.append((f"row {number_of}", dict(zip(names, row, strict=True))))
    return checked(told, problems)


def fitting(data: str) -> str:
    if len(data) > LARGEST:
        raise Wrong([f"the file must have at most {LARGEST:,} characters, got {len(data):,}"])
    if "\0" in data:
        raise Wrong(["the file must not hold the character U+0000"])
    return data.removeprefix("\ufeff")


def checked(told: list[tuple[str, Mapping[str, str]]], problems: list[str]) -> list[Line]:
    """Each row read; raises Wrong with everything that is wrong."""
    if not told and not problems:
        problems = ["the file has no rows"]
    if len(told) > MOST_ROWS:
        raise Wrong([f"the file must have at most {MOST_ROWS:,} rows, got {len(told):,}"])
    lines = []
    for place, cells in told:
        line, wrong = read(cells)
        problems += [f"{place}, {field}: {rule}" for field, rule in wrong]
        lines.append(line)
    if problems:
        raise Wrong(problems)
    return lines


def read(cells: Mapping[str, str]) -> tuple[Line, list[tuple[str, str]]]:
    """A row, and what is wrong with it."""
    line: Line = {}
    wrong = []
    for name, column in COLUMNS.items():
        said = (cells.get(name) or "").strip()
        if not said:
            if column.needed:
                wrong.append((name, "is missing"))
            continue
        try:
            line[name] = column.read(said)
        except ValueError as error:
            wrong.append((name, str(error)))
    return line, wrong or list(together(line))


def together(line: Line) -> Iterator[tuple[str, str]]:
    """What fields must be to each other."""
    ends = [line.get("low"), line.get("accuracy"), line.get("high")]
    if (ends[0] is None) != (ends[2] is None):
        yield "low", "an interval has both ends, low and high"
    elif ends[0] is not None and not ends[0] <= ends[1] <= ends[2]:
        yield "low", f"low <= accuracy <= high must hold, got {ends[0]:g}, {ends[1]:g}, {ends[2]:g}"
    elif ends[0] is not None and line.get("n", 1) < 3:
        yield "n", "an interval needs at least 3 seeds"
    if ("energy" in line) != ("energy_kind" in line):
        yield "energy_kind", f"an energy says how it is known: {', '.join(ENERGY_KINDS)}"


ACCURACIES = ("accuracy", "percentage correct", "top 1 accuracy", "top-1 accuracy", "test accuracy")
ERRORS = ("percentage error", "error", "error rate", "test error")


def from_sota(data: str, board: str) -> list[Line]:
    """The rows of a board in the JSON of sota-extractor and of Papers with Code's tables.

    https://github.com/paperswithcode/sota-extractor: tasks, with datasets, with rows. Raises Wrong.
    """
    try:
        found = json.loads(fitting(data), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Wrong([f"the file is no JSON: {error}"]) from error
    told, problems = [], []
    for place, row in rows_of(found if isinstance(found, list) else [found], board):
        cells, problem = sota_cells(row)
        if problem:
            problems.append(f"{place}, {problem}")
        else:
            told.append((place, cells))
    if not told and not problems:
        problems = [f"no task of the file has a table of the data set {board}"]
    return checked(told, problems)


def refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def rows_of(tasks: Any, board: str, deep: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row of that data set, in tasks, their subtasks and parts of data sets."""
    if deep > DEEPEST:
        raise Wrong([f"tasks must be at most {DEEPEST} deep in each other"])
    for task in objects(tasks):
        yield from rows_of(task.get("subtasks"), board, deep + 1)
        for data in objects(task.get("datasets")):
            name = str(data.get("dataset", ""))
            if named(name) != board:
                continue
            sota = data.get("sota")
            rows = sota.get("rows") if isinstance(sota, dict) else None
            for number_of, row in enumerate(objects(rows), 1):
                yield f"{name[:40]}, row {number_of}", row


def objects(values: Any) -> list[Mapping[str, Any]]:
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []


def named(dataset: str) -> str:
    """The board of a data set's name: `Tiny ImageNet Classification` is tiny-imagenet."""
    name = dataset.casefold().removesuffix(" classification").strip()
    return "-".join(name.replace("-", " ").split())


def sota_cells(row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """A row as cells of the CSV, or what is wrong with it."""
    metrics = row.get("metrics")
    values = {
        str(name).casefold().strip(): str(value).strip().removesuffix("%").strip()
        for name, value in (metrics.items() if isinstance(metrics, dict) else ())
    }
    accuracy = next((values[name] for name in ACCURACIES if name in values), "")
    error = next((values[name] for name in ERRORS if name in values), "")
    if not accuracy and error:
        try:
            accuracy = f"{100 - float(error):.6g}"
        except ValueError:
            return {}, f"metrics: must be a number, got {error[:40]!r}"
    if not accuracy:
        return {}, f"metrics: must name one of {', '.join((*ACCURACIES, *ERRORS))}"
    date = str(row.get("paper_date") or "")
    more = "trained with additional data" if row.get("uses_additional_data") is True else ""
    title = " ".join(f"{row.get('model_name') or row.get('paper_title') or ''}".split())
    cells = {
        "title": title[:LONGEST],
        "accuracy": accuracy,
        "source_url": str(row.get("paper_url") or ""),
        "year": date[:4] if date[:4].isdigit() else "",
        "caveat": more,
    }
    return cells, ""


def digest(team: int, line: Line) -> str:
    """A name that changes with anything a row says."""
    return hashlib.sha256(json.dumps([team, sorted(line.items())]).encode()).hexdigest()
