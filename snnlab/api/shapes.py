"""What answers look like."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from ninja import Schema
from pydantic import Field


T = TypeVar("T")


class Problem(Schema):
    """An error, as RFC 9457 has it; `problems` name the fields: place, rule, value, way_out."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[dict[str, Any]] = []


class Page(Schema, Generic[T]):
    """Some of a list, newest first; `next` is the address of more, or nothing."""

    items: list[T]
    next: str | None = None


class Experiment(Schema):
    """A question asked by a team."""

    id: int
    name: str
    team: str
    actor: str
    notes: str
    tags: list[str]
    created_at: datetime
    runs: int = Field(description="how many runs it has")
    ended: int
    failed: int
    best: float | None = Field(description="best test accuracy, %")


class Run(Schema):
    """One spec, one seed, one state."""

    id: int
    experiment: int
    digest: str
    seed: int
    state: str
    reason: str
    message: str
    caveat: str
    progress: dict[str, Any]
    score: float | None = Field(description="test accuracy, %")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class WholeRun(Run):
    """A run with its definition and its latest numbers."""

    definition: dict[str, Any]
    results: dict[str, Any]
    weights_sha256: str | None
    chips: dict[str, list[list[float]]] = Field(description="test accuracy of each chip, %")


class Measurement(Schema):
    """One number; a value that was not finite is null."""

    metric: str
    step: int
    value: float | None


class Event(Schema):
    """Something that happened to a run."""

    seq: int
    at: datetime
    actor: str
    from_state: str
    to_state: str
    reason: str
    message: str


class State(Schema):
    """A run's state after it was changed."""

    state: str


class Standings(Schema):
    """A page of a leaderboard, best first: null is "not known"."""

    rows: list[dict[str, Any]]
    total: int
    next: str | None = None
