"""What the browser may send to a callback, checked before Dash reads it."""

import json
from typing import Any

from dash import Dash


LARGEST = 256 * 1024  # bytes


class BadCall(ValueError):
    """A callback was called as our own page never would."""


def check(app: Dash, body: bytes) -> None:
    """Raise BadCall unless `body` calls a callback of `app` with the inputs it declares.

    Dash itself would answer 500 to most of what is refused here.
    """
    if len(body) > LARGEST:
        raise BadCall(f"body must be at most {LARGEST} bytes, got {len(body)}")
    called = parse(body)
    callback = app.callback_map.get(text(called, "output"))
    if callback is None:
        raise BadCall("output names no callback of this site")
    for field, declared in (("inputs", "inputs"), ("state", "state")):
        if names(called.get(field, [])) != names(callback[declared]):
            raise BadCall(f"{field} are not those of the callback")
    outputs = called.get("outputs", [])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    if names(outputs) != called["output"].strip(".").split("..."):
        raise BadCall("outputs are not those of the callback")
    changed = called.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) for name in changed):
        raise BadCall("changedPropIds must be a list of texts")


def parse(body: bytes) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        called = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadCall("body must be JSON") from error
    if not isinstance(called, dict):
        raise BadCall("body must be a JSON object")
    return called


def text(called: dict[str, Any], field: str) -> str:
    """A field that must be a text."""
    found = called.get(field)
    if not isinstance(found, str):
        raise BadCall(f"{field} must be a text")
    return found


def names(references: Any) -> list[str]:
    """References to properties of components, as `id.property`."""
    if not isinstance(references, list):
        raise BadCall("inputs, state and outputs must be lists")
    if not all(isinstance(r, dict) and {"id", "property"} <= r.keys() for r in references):
        raise BadCall("each input, state and output must have an id and a property")
    return [f"{r['id']}.{r['property']}" for r in references]
