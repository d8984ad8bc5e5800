"""Where a run comes from, what is left of it, and how to have it again."""

from typing import Any, NamedTuple

from django.http import HttpRequest

from snnlab.experiments import artifacts, queries, queries_run
from snnlab.learning.notation import flat, write_value
from snnlab.learning.problems import SpecError


NONE = "–"
SHOWN = (  # of an environment, in the order in which people ask
    ("Code", "code"),
    ("torch", "torch"),
    ("Device", "device"),
    ("Processor", "processor"),
    ("Threads", "threads"),
    ("Data", "data"),
    ("Packages", "packages"),
)


class Stored(NamedTuple):
    """A file of the run."""

    step: int
    final: bool
    sha256: str
    size: int
    there: bool
    at: Any


def origin(request: HttpRequest, run: Any) -> dict[str, Any]:
    """What the panel shows."""
    attempts = list(queries.attempts(run.same_as_id or run.pk))
    last = next((a.environment for a in reversed(attempts) if a.environment), {})
    cited, parent = citations(run.definition), queries_run.parent(run)
    return {
        "parent": parent,
        "changes": changes(parent.definition, run.definition),
        "attempts": [(attempt, made_with(attempt.environment)) for attempt in attempts],
        "names": [name for name, _ in SHOWN],
        "stored": [stored(each) for each in queries_run.checkpoints(run.pk)],
        "kin": queries_run.lineage(request.user, run),
        "citations": cited,
        "bibtex": "\n\n".join(one.bibtex() for one in cited),
        "threads": last.get("threads"),
        "device": last.get("device"),
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How one definition differs from another."""
    found = queries_run.differences(flat(before), flat(after))
    return [(name, text(before), text(after)) for name, before, after in found]


def text(value: Any) -> str:
    return NONE if value is None else value if isinstance(value, str) else write_value(value)


def made_with(environment: dict[str, Any]) -> list[str]:
    """What an attempt ran on, in the order of SHOWN."""
    code = environment.get("snnlab") or {}
    commit = str(code.get("commit", ""))[:12]
    changed = ", changed since" if code.get("clean") is False else ""
    known = environment | {
        "code": " ".join(filter(None, (code.get("version"), commit + changed))),
        "packages": str(code.get("packages", ""))[:12],
        "data": str(environment.get("data", ""))[:12],
    }
    return [str(known.get(key) or NONE) for _, key in SHOWN]


def stored(checkpoint: Any) -> Stored:
    sha256 = checkpoint.artifact_id
    there = artifacts.path_of(sha256).is_file()
    size = checkpoint.artifact.size
    return Stored(checkpoint.step, checkpoint.final, sha256, size, there, checkpoint.at)


def citations(definition: dict[str, Any]) -> list[Any]:
    """The references of the parts; none for a definition of another version."""
    from snnlab.learning.citations import references  # here, because it takes PyTorch along
    from snnlab.learning.spec import Spec

    try:
        return references(Spec.parse(definition))
    except SpecError:
        return []
