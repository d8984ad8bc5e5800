"""How a command ends: exit codes for scripts, and words for people."""

import json
import sys
from enum import IntEnum
from typing import Any

import click


class Code(IntEnum):
    """Exit codes. They are part of the interface: never give one another meaning."""

    OK = 0
    FAILED = 1
    WRONG = 2
    NOT_UP = 3
    NOT_FOUND = 4
    INTERRUPTED = 130


MEANING = {
    Code.OK: "done",
    Code.FAILED: "the run failed, something is damaged, or a network does not fit onto a chip",
    Code.WRONG: "wrong usage or a bad definition; nothing was done",
    Code.NOT_UP: "the lab is not reachable",
    Code.NOT_FOUND: "there is no such run, file, preset or user",
    Code.INTERRUPTED: "stopped by Ctrl-C",
}

# Errors that already speak to people. Named, not imported: most commands need none of them.
CODES = {
    "snnlab.learning.problems.SpecError": Code.WRONG,
    "snnlab.learning.errors.TrainingError": Code.FAILED,
    "snnlab.embedded.process.EmbeddedError": Code.FAILED,
    "snnlab.experiments.asking.Refused": Code.WRONG,
    "django.core.exceptions.ImproperlyConfigured": Code.WRONG,
    "builtins.FileNotFoundError": Code.NOT_FOUND,
    "builtins.OSError": Code.WRONG,
}


class Trouble(click.ClickException):
    """A command ends without success; the message says what, where and the way out."""

    def __init__(self, code: Code, message: str, **details: Any) -> None:
        super().__init__(message)
        self.exit_code = int(code)
        self.details = details

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file or sys.stderr)


def explain(error: Exception) -> Trouble | None:
    """The trouble behind an error that we know; None for a bug, which should show itself."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    code = next((CODES[name] for name in names if name in CODES), None)
    if code is None:
        return None
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return Trouble(code, f"{place}{error.strerror}")
    problems = [as_json(problem) for problem in getattr(error, "problems", [])]
    return Trouble(code, str(error), **({"problems": problems} if problems else {}))


def as_json(problem: Any) -> dict[str, Any]:
    """One problem of a definition, as plain data; a value that is absent is left out."""
    fields = problem._asdict()
    if type(problem.value) is object:
        del fields["value"]
    return fields


def document(error: click.ClickException) -> str:
    """The same trouble as the one JSON document that `--json` promises."""
    details = getattr(error, "details", {})
    content = {"code": error.exit_code, "message": error.format_message(), **details}
    return json.dumps({"error": content}, indent=2, default=str)
