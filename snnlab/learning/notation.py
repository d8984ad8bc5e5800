"""How people write what a sweep varies: `1, 2, 5`, or `0.001 .. 0.1 log`."""

import json
import re
import tomllib
from typing import Any

from snnlab.learning.space import AnyAxis, Choices, Raw, Real


NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
WHOLE = re.compile(r"[-+]?\d+")
WORDS = re.compile(r"(log)|x\s*(\d+)|step\s+(\d+)")
HELP = "Write 1, 2, 5 or 1 .. 10 or 0.001 .. 0.1 log x5 (x5: five values for a grid)"


def read_axis(text: str) -> Raw:
    """The axis that a text stands for, as data. Raises ValueError in words for people.

    A list of values is a choice. A range is one of whole numbers if both ends are; `log`, `step 2`
    and `x5` may follow it.
    """
    text = " ".join(text.split())
    if found := whole_range(text):
        return found
    if not text:
        raise ValueError(f"names no value. {HELP}")
    return {"kind": "choices", "values": read_values(text)}


def whole_range(text: str) -> Raw | None:
    """A range, if the text is one."""
    low, dots, rest = text.partition("..")
    match = re.match(rf"\s*({NUMBER})\s*(.*)$", rest)
    if not dots or not re.fullmatch(NUMBER, low.strip()) or not match:
        return None
    high, words = match.groups()
    axis: Raw = {"low": low.strip(), "high": high} | options(words)
    whole = all(WHOLE.fullmatch(axis[end]) for end in ("low", "high")) and "count" not in axis
    kind: Any = int if whole else float
    if not whole and "step" in axis:
        raise ValueError(f"step is for whole numbers, got {text!r}. {HELP}")
    ends = {end: kind(axis[end]) for end in ("low", "high")}
    return {"kind": kind.__name__} | axis | ends


def options(words: str) -> Raw:
    """What stands behind a range."""
    if WORDS.sub("", words).strip():
        raise ValueError(f"{words!r} after a range means nothing. {HELP}")
    found: Raw = {}
    for log, count, step in WORDS.findall(words):
        found |= {"log": True} if log else {"count": int(count)} if count else {"step": int(step)}
    return found


def read_values(text: str) -> list[Any]:
    """Values as TOML writes them in a list; words need no quotes."""
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except tomllib.TOMLDecodeError:
        return [read_value(word.strip()) for word in text.split(",") if word.strip()]


def read_value(word: str) -> Any:
    try:
        return tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word


def write_axis(axis: AnyAxis) -> str:
    """The text that stands for an axis."""
    if isinstance(axis, Choices):
        return ", ".join(write_value(value) for value in axis.values)
    low, high = axis.ends()
    words = [f"{low!r} .. {high!r}", "log" * axis.log]
    if isinstance(axis, Real):
        words.append(f"x{axis.count}" * bool(axis.count))
    else:
        words.append(f"step {axis.step}" * (axis.step != 1))
    return " ".join(filter(None, words))


def write_value(value: Any) -> str:
    """One value as TOML writes it in a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, dict):
        pairs = (f"{k} = {write_value(v)}" for k, v in value.items() if v is not None)
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def read_space(text: str) -> tuple[dict[str, Raw], list[str]]:
    """A space as one line for each field, `neuron.tau = 2, 5`, and what is wrong with it."""
    space: dict[str, Raw] = {}
    wrong: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        field, equals, values = line.partition("=")
        field = field.strip()
        try:
            if not equals:
                raise ValueError(f"has no =. {HELP.replace('Write', f'Write {field} =')}")
            if field in space:
                raise ValueError("stands there twice. Name each field once")
            space[field] = read_axis(values)
        except ValueError as error:
            wrong.append(f"space.{field}: {error}.")
    return space, wrong


def write_space(space: dict[str, AnyAxis]) -> str:
    return "\n".join(f"{field} = {write_axis(axis)}" for field, axis in space.items())


def flat(value: Any, place: str = "") -> dict[str, str | int | float]:
    """A definition as one value for each field, by the field's dotted name; a list is one value."""
    if isinstance(value, dict):
        found: dict[str, str | int | float] = {}
        for name, part in value.items():
            found |= flat(part, f"{place}.{name}" if place else str(name))
        return found
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {place: value if isinstance(value, str) or number else json.dumps(value)}
