"""The tables of work. Nothing outside `experiments` imports them.

A run's row is the job: whoever may change `state` is said by a trigger (migration 0002), which also
writes the history. Times come from the database's clock, never from a worker's.
"""

from snnlab.experiments.models.board import Entry
from snnlab.experiments.models.chips import ChipTest
from snnlab.experiments.models.files import Artifact, Checkpoint
from snnlab.experiments.models.history import Attempt, Event, LogChunk, Measurement, Usage
from snnlab.experiments.models.marks import (
    Definition,
    Figure,
    RunNote,
    RunTag,
    SavedSearch,
    Star,
)
from snnlab.experiments.models.run import Experiment, Run
from snnlab.experiments.models.schedule import Schedule, Slot
from snnlab.experiments.models.share import Share, ShareEvent
from snnlab.experiments.models.sharing import Dependency, Portion, QuotaSlot
from snnlab.experiments.models.standing import Judgement, Snapshot, Verification
from snnlab.experiments.models.sweep import Point, Sweep
from snnlab.experiments.models.worker import JoinLink, Worker, WorkerKey


__all__ = [
    "Artifact",
    "Attempt",
    "Checkpoint",
    "ChipTest",
    "Definition",
    "Dependency",
    "Entry",
    "Event",
    "Experiment",
    "Figure",
    "JoinLink",
    "Judgement",
    "LogChunk",
    "Measurement",
    "Point",
    "Portion",
    "QuotaSlot",
    "Run",
    "RunNote",
    "RunTag",
    "SavedSearch",
    "Schedule",
    "Share",
    "ShareEvent",
    "Slot",
    "Snapshot",
    "Star",
    "Sweep",
    "Usage",
    "Verification",
    "Worker",
    "WorkerKey",
]
