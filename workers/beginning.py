"""The files that an attempt begins with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from snnlab.experiments.queue import Claim, Stored


@dataclass(frozen=True)
class Beginning:
    """`resume` is the newest sound checkpoint of the run, `path` the file to begin with.

    `given` are the final checkpoints of the runs that it needs, as far as they are sound. A test of
    stored weights begins with those.
    """

    resume: Stored | None
    path: str | None
    given: tuple[str, ...]

    @classmethod
    def of(cls, claim: Claim, copy: Callable[[str], Path | None]) -> Self:
        """Have sound copies of them; `copy` gives where one is, or None."""
        given = tuple(str(path) for path in map(copy, claim.given) if path)
        for stored in claim.checkpoints:
            if path := copy(stored.sha256):
                return cls(stored, str(path), given)
        again = claim.definition.get("task", {}).get("kind") == "evaluate"
        return cls(None, given[0] if again and given else None, given)
