"""Specs that train in milliseconds, for tests of the queue."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings

from snnlab.experiments import actions
from snnlab.experiments.models import Run
from snnlab.experiments.recording import Fresh
from snnlab.teams.actions import ensure_first_team


class ToyData:
    board = "toys"
    caveat = ""
    narrowing = ""


@dataclass(frozen=True)
class Toy:
    """What `tests/chaos/toy.py` trains: so many epochs of so many batches, each with a pause."""

    dataset: ClassVar = ToyData()

    epochs: int = 3
    batches: int = 5
    pause: float = 0.0
    trick: str = ""

    def needed(self) -> None:
        """Nothing has to be trained before."""

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def model_dump(self, mode: str) -> dict[str, Any]:
        return asdict(self)


def submit(*specs: Toy, seeds: int = 1, **kwargs: Any) -> list[Run]:
    """Queue toys in the first team; gives the runs in order."""
    team = kwargs.pop("team", None) or ensure_first_team()[1]
    asked = {name: kwargs.pop(name) for name in ("pool", "priority") if name in kwargs}
    experiment = actions.submit(
        team=team,
        actor="admin",
        name=kwargs.pop("name", "toys"),
        specs=specs or (Toy(),),
        seeds=range(seeds),
        ask=kwargs.pop("ask", actions.Ask(**asked)),
        **kwargs,
    )
    return list(experiment.runs.order_by("id"))


def fresh(step: int, *, final: bool = False, content: str = "") -> Fresh:
    """A checkpoint as a trainer leaves it in its scratch folder."""
    body = (content or f"checkpoint {step}").encode()
    path = Path(settings.SNNLAB_HOME) / "scratch" / f"{step}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return Fresh(
        step=step,
        path=str(path),
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        weights=f"weights of {step}",
        final=final,
    )
