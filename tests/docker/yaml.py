"""The part of YAML that compose.yaml uses: maps by indentation, anchors, merges, JSON in a line."""

import json
import re
from typing import Any


LINE = re.compile(r"(?P<indent> *)(?P<key>[\w.<-]+):(?: &(?P<anchor>\w+))?(?: (?P<value>.+))?")


def parse(text: str) -> dict[str, Any]:
    """The document as maps, lists and texts. Raises ValueError for anything else in it."""
    root: dict[str, Any] = {}
    open_maps, anchors = [(-1, root)], {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not (found := LINE.fullmatch(line)):
            raise ValueError(f"not understood: {line!r}")
        indent, key, anchor, value = found.group("indent", "key", "anchor", "value")
        while open_maps[-1][0] >= len(indent):
            open_maps.pop()
        child = scalar(value, anchors) if value else {}
        if anchor:
            anchors[anchor] = child
        if key == "<<":
            open_maps[-1][1].update(child)
        else:
            open_maps[-1][1][key] = child
        if not value:
            open_maps.append((len(indent), child))
    return root


def scalar(value: str, anchors: dict[str, Any]) -> Any:
    if value.startswith("*"):
        return anchors[value[1:]]
    if value[0] in '["{':
        return json.loads(value)
    return value
