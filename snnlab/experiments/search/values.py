"""What a word means as a value of a field: a number, a share, a moment, a piece of a definition."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from snnlab.experiments.search.fields import Field
from snnlab.experiments.search.words import SearchError, Word


AGO = re.compile(r"(\d{1,5})(m|h|d|w)", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LARGEST = 2**63


def number(word: Word) -> float | None:
    """The number that an unquoted word is, if it is one."""
    if word.kind != "word" or not re.fullmatch(r"[-+.\deE]+", word.text, re.ASCII):
        return None
    try:
        found = float(word.text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def whole(field: Field, word: Word) -> int:
    """Raises SearchError."""
    found = number(word)
    if found is None or found != round(found) or abs(found) >= LARGEST:
        raise SearchError(word.column, f"{field.name} takes whole numbers, got {word}")
    return round(found)


def real(field: Field, word: Word) -> float:
    """Raises SearchError."""
    found = number(word)
    if found is None:
        raise SearchError(word.column, f"{field.name} takes numbers, got {word}")
    return found


def percent(field: Field, word: Word) -> float:
    """99, 99% and 0.99 are the same: from 0 to 1 without a sign is a share. Raises SearchError."""
    sign = word.text.endswith("%")
    found = number(word._replace(text=word.text.removesuffix("%")))
    if found is None:
        raise SearchError(word.column, f"{field.name} takes 0.99, 99 or 99%, got {word}")
    return found if sign or not 0 <= found <= 1 else 100 * found


def moment(field: Field, word: Word) -> tuple[datetime | timedelta, bool]:
    """A time, or how long ago; and whether a whole day is meant. Raises SearchError."""
    if ago := AGO.fullmatch(word.text):
        return timedelta(**{UNITS[ago[2]]: int(ago[1])}), False
    try:
        found = datetime.fromisoformat(word.text)
    except ValueError:
        example = "a day as 2026-11-22, a time as 2026-11-22T08:30, or 7d (also m, h, w) ago"
        raise SearchError(word.column, f"{field.name} takes {example}, got {word}") from None
    day = re.fullmatch(r"[\d-]+", word.text) is not None
    if not 1970 <= found.year < 9000:
        raise SearchError(word.column, f"the year must be in 1970..8999, got {word}")
    return found if found.tzinfo else found.replace(tzinfo=UTC), day


def yes(field: Field, word: Word) -> bool:
    """Raises SearchError."""
    said = {"yes": True, "true": True, "no": False, "false": False}.get(word.text.lower())
    if said is None:
        raise SearchError(word.column, f"{field.name} takes yes or no, got {word}")
    return said


def pieces(path: list[str], word: Word) -> list[str]:
    """The JSON that a definition may contain where this value stands at that path.

    A part is meant by its kind: `rule = bptt` asks the same as `rule.kind = bptt`.
    """
    found: list[Any] = [word.text]
    if word.kind == "word":
        if (numeric := number(word)) is not None:
            found.append(numeric)
        if word.text in ("true", "false"):
            found.append(word.text == "true")
    nested = [*found, {"kind": word.text}]
    for key in reversed(path):
        nested = [{key: value} for value in nested]
    return [json.dumps(value) for value in nested]
