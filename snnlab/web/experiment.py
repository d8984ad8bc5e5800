"""What an experiment's runs say together: a mean and a spread over the seeds of each definition."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from snnlab.web.definition import toml_of
from snnlab.web.numbers import Row, position, row, spread


class Group(NamedTuple):
    """The runs of one definition."""

    digest: str
    toml: str
    runs: list[Any]
    rows: list[Row]
    seeds: int


def groups(runs: Iterable[Any]) -> list[Group]:
    """Runs by their definition, in the order given."""
    by_digest: dict[str, list[Any]] = {}
    for run in runs:
        by_digest.setdefault(run.digest, []).append(run)
    return [group(digest, members) for digest, members in by_digest.items()]


def group(digest: str, runs: list[Any]) -> Group:
    """What the finished seeds of one definition gave, whole-network metrics only."""
    results = [run.results for run in runs if run.state == "succeeded"]
    names = {name for result in results for name in result if "/" not in name}
    rows = [
        row(name, spread([r[name] for r in results if r.get(name) is not None]))
        for name in sorted(names, key=position)
    ]
    return Group(digest, toml_of(runs[0].definition), runs, rows, len(results))
