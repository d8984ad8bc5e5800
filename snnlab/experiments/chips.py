"""The accuracy of each chip: written when a run records it, read for the robustness boards.

This is the one place that knows how a run tells it: tensors `chips/<non-ideality>`, of shape
(levels, chips), and, calibrated, `learned/<non-ideality>/<level>`, of shape (tests, chips): after
the first and after the last pass.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from snnlab.experiments.scope import narrow, params
from snnlab.experiments.sql import rows


class ChipLevel(NamedTuple):
    """The chips of one run at one level."""

    nonideality: str
    level: float
    passes: int
    accuracies: list[float]


Tables = Mapping[str, Sequence[Sequence[float]]]


def read(definition: Mapping[str, Any], file: Path) -> list[ChipLevel]:
    """What a stored checkpoint says of its chips; nothing for one of another task."""
    if definition.get("task", {}).get("kind") != "robustness":
        return []
    from safetensors.numpy import load_file  # here, because few runs need it

    tensors = {name.removeprefix("network/"): value for name, value in load_file(file).items()}
    tables = {name: value.tolist() for name, value in tensors.items() if name.startswith(TOLD)}
    return list(tested(definition, tables))


TOLD = ("chips/", "learned/")


def tested(definition: Mapping[str, Any], tables: Tables) -> Iterator[ChipLevel]:
    """Each level of each table."""
    task = definition["task"]
    last = definition.get("chip", {}).get("learning", {}).get("epochs", 1)
    for name, table in tables.items():
        told, nonideality, *at = name.split("/", 2)
        if told == "chips":
            for level, accuracies in zip(task.get(nonideality, ()), table, strict=False):
                yield ChipLevel(nonideality, float(level), 0, list(accuracies))
        elif told == "learned" and at:
            for passes, accuracies in zip(sorted({1, last}), table, strict=False):
                yield ChipLevel(nonideality, float(at[0]), passes, list(accuracies))


def store(run_id: int, found: Collection[ChipLevel]) -> None:
    """Write what is new; a newer attempt of the same run says the same."""
    if not found:
        return
    rows(
        """
        insert into experiments_chiptest (run_id, nonideality, level, passes, accuracies)
        select %(run)s, nonideality, level, passes, accuracies
        from jsonb_to_recordset(%(found)s) as line
          (nonideality text, level float8, passes int, accuracies float8[])
        on conflict (run_id, nonideality, level, passes)
          do update set accuracies = excluded.accuracies""",
        run=run_id,
        found=json.dumps([test._asdict() for test in found]),
    )


class ChipRow(NamedTuple):
    """One run's chips at one level, and what the network is."""

    run: int
    seed: int
    experiment: int
    title: str
    digest: str
    rule: str
    network: str
    neuron: str
    chip: str
    chip_seed: int
    images: int
    caveat: str
    nonideality: str
    level: float
    passes: int
    accuracies: list[float]


def chip_rows(teams: Collection[int], board: str) -> list[ChipRow]:
    """All chips that these teams have tested on a data set, in one query."""
    found = rows(
        f"""
        {narrow(teams, "runs")}
        select run.id as run, run.seed, experiment.id as experiment, experiment.name as title,
          run.digest, definition #>> '{{rule,kind}}' as rule,
          (definition ->> 'network')::jsonb::text as network,
          definition #>> '{{neuron,kind}}' as neuron,
          coalesce(definition #>> '{{chip,profile}}', '') as chip,
          coalesce((definition #>> '{{task,chip_seed}}')::bigint, 0) as chip_seed,
          coalesce((definition #>> '{{task,images}}')::int, 0) as images,
          run.caveat, nonideality, level, passes, accuracies
        from experiments_chiptest test
        join experiments_run run on run.id = test.run_id
        join experiments_experiment experiment on experiment.id = run.experiment_id
        where run.board = %(board)s and run.state = 'succeeded'
          and experiment.team_id = any(%(teams)s)
        order by run.id desc, nonideality, level, passes""",
        **params(teams) | {"board": board},
    )
    return [ChipRow(**row | {"network": shape(row["network"])}) for row in found]


def shape(network: str) -> str:
    """A network in a few words: its kind and its sizes."""
    fields = json.loads(network)
    sizes = fields.get("hidden") or fields.get("channels") or fields.get("layers") or ()
    return " ".join([fields.get("kind", ""), "-".join(map(str, sizes))]).strip()
