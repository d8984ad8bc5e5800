"""What is wrong with a definition, in words: place, rule, value and way out."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


class Problem(NamedTuple):
    """One thing that is wrong: where, which rule, the value, and the way out."""

    place: str
    rule: str
    value: object
    way_out: str

    def __str__(self) -> str:
        got = "" if self.value is MISSING else f", got {shorten(self.value)}"
        text = f"{self.place or 'definition'}: {self.rule}{got}. {self.way_out}".rstrip(". ")
        return text if text.endswith("?") else f"{text}."


class SpecError(ValueError):
    """A definition is refused. `problems` says why, one entry for each field."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


MISSING = object()
NAMED = re.compile(r"([a-z_]+(?:\.[a-z_]+)*):? (.*)", re.DOTALL)

RULES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "finite_number": "must be finite",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be one of {expected}",
    "model_type": "must be a table of fields",
    "dict_type": "must be a table of fields",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "needs a kind",
}


def problems(part: type[BaseModel], data: Any, error: ValidationError) -> list[Problem]:
    """Say each error of pydantic in our words."""
    return [problem(part, data, dict(e)) for e in error.errors(include_url=False)]


def problem(part: type[BaseModel], data: Any, error: dict[str, Any]) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    path, owner, field = locate(part, data, error["loc"])
    value = MISSING if kind in ("missing", "value_error") else error["input"]
    if kind.startswith("union_tag"):
        path = (*path, "kind")
        value = context.get("tag", MISSING)
    rule = RULES[kind].format(**context) if kind in RULES else ""
    if not rule:
        named, rule = split(error["msg"].removeprefix("Value error, "), part, path, field)
        path = (*path, *named)
    return Problem(
        ".".join(map(str, path)), rule, value, way_out(kind, context, path, owner, field)
    )


def split(
    text: str, part: type[BaseModel], path: tuple[Any, ...], field: FieldInfo | None
) -> tuple[list[str], str]:
    """The field that a check's own words begin with, as seen from `path`, and the rest of them."""
    found = NAMED.match(text)
    names = found[1].split(".") if found else []
    parts = list(parts_of(field)) if path else [part]
    for name in names:
        fields = [one.model_fields[name] for one in parts if name in one.model_fields]
        if not fields:
            return [], text
        parts = [one for field in fields for one in parts_of(field)]
    return names, found[2] if found else text


def way_out(
    kind: str,
    context: dict[str, Any],
    path: tuple[Any, ...],
    owner: type[BaseModel] | None,
    field: FieldInfo | None,
) -> str:
    if kind == "extra_forbidden" and owner:
        return nearest(str(path[-1]), list(owner.model_fields))
    if kind == "union_tag_invalid":
        return nearest(str(context["tag"]), context["expected_tags"].replace("'", "").split(", "))
    if field is None or field.description is None or kind == "value_error":
        return ""
    extra = field.json_schema_extra
    unit = f" in {extra['unit']}" if isinstance(extra, dict) and "unit" in extra else ""
    default = "" if field.is_required() else f"; default {field.default!r}"
    return f"Meaning: {field.description}{unit}{default}"


def nearest(name: str, known: list[str]) -> str:
    """Suggest the known name that was probably meant."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}"


def locate(
    part: type[BaseModel], data: Any, loc: tuple[Any, ...]
) -> tuple[tuple[Any, ...], type[BaseModel] | None, FieldInfo | None]:
    """Follow pydantic's `loc` to (path as the user wrote it, part that owns it, field).

    pydantic puts the chosen kind of a union into the path; the user never wrote it there.
    """
    path: list[Any] = []
    owner: type[BaseModel] | None = part
    inner: type[BaseModel] | None = part
    field = None
    for name in loc:
        if isinstance(data, dict) and data.get("kind") == name and name not in data:
            inner = next((p for p in parts_of(field) if kind_of(p) == name), None)
            continue
        owner, path = inner, [*path, name]
        field = owner.model_fields.get(name, field) if owner and isinstance(name, str) else field
        inner = next(iter(parts_of(field)), None)
        data = data.get(name) if isinstance(data, dict) else None
    return tuple(path), owner, field


def parts_of(field: FieldInfo | None) -> Iterator[type[BaseModel]]:
    """The parts a field may hold."""
    if field is not None:
        yield from models_in(field.annotation)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from models_in(inner)


def kind_of(part: type[BaseModel]) -> str | None:
    field = part.model_fields.get("kind")
    return None if field is None else field.default


def shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
