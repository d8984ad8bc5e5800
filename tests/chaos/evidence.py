"""All that a test knows of what happened: histories of processes, rows, files, samples."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from snnlab.experiments import artifacts
from snnlab.experiments.models import Run, Sweep
from snnlab.experiments.queries_sweeps import progress


Row = dict[str, Any]
Oracle = dict[tuple[str, int], Any]

TABLES = {
    "runs": "select *, lease_expires_at < clock_timestamp() as silent from experiments_run",
    "attempts": "select * from experiments_attempt",
    "events": "select * from experiments_event order by run_id, seq",
    "points": "select *, 0 as id from experiments_measurement",
    "checkpoints": "select * from experiments_checkpoint",
    "chunks": "select id, run_id, lease_epoch, at from experiments_logchunk",
    "slots": "select * from experiments_quotaslot",
    "needs": "select id, run_id, needs_id from experiments_dependency",
    "sweeps": "select id, state, version, expanded from experiments_sweep",
    "places": "select id, sweep_id, number, seeds, problem from experiments_point",
}


@dataclass
class Limits:
    """What is promised, in seconds; tests run with short leases on a busy machine."""

    cancel: float = 4.0
    recover: float = 12.0
    answer: float = 10.0


@dataclass
class Evidence:
    """`samples` are (moment, pids of live trainers), `files` maps a stored name to its sha256.

    `places` are the points of sweeps, `told` is what the pages say of a sweep's progress.
    """

    submitted: list[int] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    points: list[Row] = field(default_factory=list)
    checkpoints: list[Row] = field(default_factory=list)
    chunks: list[Row] = field(default_factory=list)
    slots: list[Row] = field(default_factory=list)
    needs: list[Row] = field(default_factory=list)
    sweeps: list[Row] = field(default_factory=list)
    places: list[Row] = field(default_factory=list)
    told: dict[int, Row] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    samples: list[tuple[float, list[int]]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    scratch: list[str] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    clients: list[Row] = field(default_factory=list)
    oracles: dict[int, Oracle] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def run(self) -> dict[int, Row]:
        return {row["id"]: row for row in self.runs}

    def of(self, rows: Iterable[Row], run: int) -> list[Row]:
        return [row for row in rows if row.get("run_id", row.get("run")) == run]


def rows(query: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def gather(folder: Path, home: Path, **known: Any) -> Evidence:
    """Read everything when all is quiet."""
    files = {path.name: artifacts.digest(path) for path in home.glob("artifacts/*/*")}
    return Evidence(
        **{name: rows(query) for name, query in TABLES.items()},
        history=read(folder / "history"),
        files=files,
        scratch=[path.name for path in home.glob("scratch/*")],
        told={pk: now._asdict() for pk, now in progress(list(Sweep.objects.all())).items()},
        **known,
    )


def read(folder: Path) -> list[Row]:
    """The lines of all processes in the order of time; a line that a kill cut off is left out."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_bytes().split(b"\n")]
    return sorted(filter(None, map(parsed, lines)), key=lambda line: line["t"])


def parsed(line: bytes) -> Row | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def trainers(parents: Iterable[int]) -> list[int]:
    """The trainers of these workers that run now: neither frozen nor dead."""
    wanted, found = {str(parent).encode() for parent in parents}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"workers.trainer" in words and words[words.index(b"--parent") + 1] in wanted:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                found += [] if state in "ZTX" else [int(folder.name)]
        except (OSError, ValueError, IndexError):
            continue
    return found


class Sampler(threading.Thread):
    """Looks ten times a second which trainers live."""

    def __init__(self, parents: list[int]) -> None:
        super().__init__(daemon=True)
        self.parents, self.samples = parents, list[tuple[float, list[int]]]()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            self.samples.append((time.monotonic(), trainers(list(self.parents))))


TERMINAL = set(Run.TERMINAL)
