"""Between a form's flat text values and a definition: both ways, losing nothing."""

import json
from collections.abc import Mapping
from typing import Any

from snnlab.web.schema import NONE, ON, Choice, Group, Input, Node


Flat = dict[str, str]


def flatten(node: Node, value: Any) -> Flat:
    """The text of every shown field, for a definition that may leave out what has a default."""
    if isinstance(node, Input):
        return {node.place: written(node, value)} if shown(node, value) else {}
    if isinstance(node, Group):
        values = value if isinstance(value, Mapping) else {}
        return merge(flatten(m, values.get(last(m), default(m))) for m in node.members)
    kind = kind_of(node, value)
    chosen = node.options.get(kind)
    return {f"{node.place}.kind": kind} | (flatten(chosen, value) if chosen else {})


def define(node: Node, flat: Mapping[str, str]) -> dict[str, Any]:
    """The definition that a form's texts stand for; what cannot be read stays text.

    An unreadable text is not refused here: the part's own validation says it better.
    """
    result = {}
    for member in node.members if isinstance(node, Group) else ():
        found = read(member, flat)
        if found is not None or (isinstance(member, Choice) and member.default is not None):
            result[last(member)] = found
    return result


def read(node: Node, flat: Mapping[str, str]) -> Any:
    """The value at a node, or None where nothing is said."""
    if isinstance(node, Group):
        return define(node, flat)
    if isinstance(node, Choice):
        return read_choice(node, flat)
    if node.type == "checkbox":
        return flat.get(node.place, "") not in ("", "false")
    text = flat.get(node.place, "").strip()
    empty_list = node.type == "list" and node.default is not None
    return parsed(node, text) if text or empty_list else None


def read_choice(node: Choice, flat: Mapping[str, str]) -> dict[str, Any] | None:
    """The chosen part; a kind that does not exist is kept, so that it can be refused by name."""
    kind = flat.get(f"{node.place}.kind", kind_of(node, node.default))
    if kind == NONE:
        return None
    chosen = node.options.get(kind)
    named = {} if ON in node.options else {"kind": kind}
    return named | (define(chosen, flat) if chosen else {})


def kind_of(node: Choice, value: Any) -> str:
    """The kind of a part's value; the first kind where it says none."""
    if not isinstance(value, Mapping):
        return NONE if NONE in node.options else next(iter(node.options))
    return ON if ON in node.options else str(value.get("kind", next(iter(node.options))))


def parsed(node: Input, text: str) -> Any:
    """A text as the type that its field wants, or the text itself."""
    if node.type == "list":
        return [convert(node.items, item.strip()) for item in text.split(",") if item.strip()]
    if node.type == "select":
        return next((choice for choice in node.choices if str(choice) == text), text)
    return convert(node.type, text)


def convert(type_: str, text: str) -> Any:
    """One text as an integer, a number, a tick or JSON, or the text itself."""
    reader = {"integer": int, "number": float, "json": json.loads, "checkbox": json.loads}
    try:
        return reader[type_](text) if type_ in reader else text
    except (ValueError, RecursionError):
        return text


def written(node: Input, value: Any) -> str:
    """A value as its field shows it."""
    if value is None:
        return ""
    if node.type == "list" and isinstance(value, list | tuple):
        return ", ".join(written(Input("", "", node.items), item) for item in value)
    if node.type in ("json", "checkbox"):
        return json.dumps(value)
    return str(value)


def shown(node: Input, value: Any) -> bool:
    """Whether a browser would send this field: an unticked box is silent."""
    return node.type != "checkbox" or bool(value)


def default(node: Node) -> Any:
    """What a node holds when nothing is said."""
    return None if isinstance(node, Group) else node.default


def last(node: Node) -> str:
    """The name of a node inside its part."""
    return node.place.rsplit(".", 1)[-1]


def merge(parts: Any) -> Flat:
    """Several flat dictionaries as one."""
    return {key: value for part in parts for key, value in part.items()}
