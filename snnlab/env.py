"""Reads settings from the environment. What cannot be read is refused in words, never guessed.

A variable that is set to nothing counts as not set.
"""

import math
import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured


T = TypeVar("T", int, None)
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
LABEL = re.compile(r"[a-z0-9][a-z0-9._-]*")
COUNT = "must be a whole number, at least 1"


def text(name: str, default: str = "") -> str:
    """What is set, or the default."""
    return os.environ.get(name, "").strip() or default


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """The entries of a list with commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def labels(name: str, default: Sequence[str] = (), *, longest: int) -> list[str]:
    """Words as runs ask for them: with others, a worker would wait for runs that cannot be."""
    found = words(name, default)
    if not all(is_label(word, longest) for word in found):
        refuse(name, f"must be words of at most {longest} small letters, digits, dots and dashes")
    return found


def is_label(word: str, longest: int) -> bool:
    """Whether a run can ask for a worker by this word: for a pool, or for a label."""
    return len(word) <= longest and bool(LABEL.fullmatch(word))


def one_of(name: str, known: Sequence[str], default: str) -> str:
    """One of some known words, in capitals."""
    found = text(name, default).upper()
    return found if found in known else refuse(name, f"must be one of {', '.join(known)}")


def flag(name: str, *, default: bool) -> bool:
    """Yes or no. A misspelt yes must not quietly become a no."""
    found = text(name, YES[0] if default else NO[0]).lower()
    return found in YES if found in YES + NO else refuse(name, "must be 1 or 0")


def numbers(name: str) -> list[int]:
    """A list of whole numbers from 0, and of ranges of them, as 0,2-5."""
    found: list[int] = []
    for word in words(name):
        first, _, last = word.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) > 4095:
            refuse(name, "must be whole numbers with commas, such as 0,1 or 0-3")
        found += range(int(first), int(last or first) + 1)
    return found


def whole(name: str, *, default: T) -> int | T:
    """A whole number from 1."""
    found = text(name)
    if not found:
        return default
    return int(found) if found.isdecimal() and int(found) > 0 else refuse(name, COUNT)


def seconds(name: str, *, default: float, least: float = 0.01) -> float:
    """A time."""
    try:
        found = float(text(name, str(default)))
    except ValueError:
        found = math.nan
    rule = f"must be a number of seconds, at least {least:g}"
    return found if least <= found < math.inf else refuse(name, rule)


def database(name: str, default: str) -> dict[str, Any]:
    """The address of a PostgreSQL, as Django wants it. It may hold a password: never shown."""
    url = text(name, default)
    found = environ.Env.db_url_config(url) if scheme(url) in ("postgres", "postgresql") else {}
    if not found.get("NAME"):
        refuse(name, "must look like postgres://user:password@host:5432/name", shown=False)
    return found | {"HOST": unquote(found["HOST"])}  # or the folder of a socket


def broker(name: str, default: str) -> str:
    """The address of a Redis, Valkey or RabbitMQ. It may hold a password: never shown."""
    url = text(name, default)
    if scheme(url) not in ("redis", "rediss", "redis+socket", "amqp", "amqps"):
        looks = "redis://:password@host:6379/0 or amqp://user:password@host:5672/vhost"
        refuse(name, f"must look like {looks}", shown=False)
    return url


def scheme(url: str) -> str:
    """How an address begins; nothing if it is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme if parts.port != 0 else ""
    except ValueError:  # a port that is no number, a bracket that is not closed
        return ""


def refuse(name: str, rule: str, *, shown: bool = True) -> NoReturn:
    got = f", got {text(name)!r}" if shown else ""
    raise ImproperlyConfigured(f"{name} {rule}{got}. docs/settings.md lists all settings")
