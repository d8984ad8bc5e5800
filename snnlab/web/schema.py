"""The fields of a form, read from a part's JSON schema. No part is known here by name.

A part is a `Group`; a union told apart by `kind` is a `Choice` between groups; all else is an
`Input`. A dot path (`neuron.tau`) says where a value stands in the definition.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


NONE = ""  # the kind that stands for "without this part"
ON = "on"  # the kind of a part that has no kinds, but may be left out
Schema = dict[str, Any]
TYPES = {"integer": "integer", "number": "number", "boolean": "checkbox", "string": "text"}
BOUNDS = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}


@dataclass(frozen=True)
class Input:
    """One value: a number, a text, a tick, one of several, a list, or JSON where nothing fits."""

    place: str
    label: str
    type: str
    help: str = ""
    unit: str = ""
    default: Any = None
    required: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Any, ...] = ()
    items: str = "text"


@dataclass(frozen=True)
class Group:
    """The values of one part."""

    place: str
    label: str
    help: str
    members: tuple["Node", ...]
    kind: str = ""


@dataclass(frozen=True)
class Choice:
    """One part out of several kinds; the kind "" leaves it out."""

    place: str
    label: str
    help: str
    options: dict[str, Group]
    default: dict[str, Any] | None


Node = Input | Group | Choice


def form_of(schema: Schema) -> Group:
    """The whole form of a part whose JSON schema this is."""
    return Reader(schema.get("$defs", {})).group(schema, "")


def inputs(node: Node) -> Iterator[Input]:
    """Every input below a node, of all kinds."""
    if isinstance(node, Input):
        yield node
        return
    for child in node.members if isinstance(node, Group) else node.options.values():
        yield from inputs(child)


@dataclass(frozen=True)
class Reader:
    """Reads schemas whose `$ref`s point into `definitions`."""

    definitions: dict[str, Schema]

    def group(self, schema: Schema, place: str, kind: str = "") -> Group:
        """The form of one part; its `kind`, being fixed, is no field."""
        properties = ((name, self.resolve(s)) for name, s in schema["properties"].items())
        required = set(schema.get("required", ()))
        members = tuple(
            self.node(s, f"{place}.{name}".lstrip("."), required=name in required)
            for name, s in properties
            if "const" not in s
        )
        return Group(place, label(place), about(schema), members, kind)

    def node(self, schema: Schema, place: str, *, required: bool) -> Node:
        """What a property becomes."""
        inner, optional = self.without_null(schema)
        if "discriminator" in inner or "oneOf" in inner:
            return self.choice(schema, self.members(inner), place, optional=optional)
        if "properties" in inner and "kind" in inner["properties"]:
            only = {inner["properties"]["kind"]["const"]: inner}
            return self.choice(schema, only, place, optional=optional)
        if "properties" in inner and optional:
            return self.choice(schema, {ON: inner}, place, optional=True)
        if "properties" in inner:
            return self.group(inner, place)
        return value(inner | schema, inner, place, required=required)

    def choice(
        self, schema: Schema, kinds: dict[str, Schema], place: str, *, optional: bool
    ) -> Choice:
        """A union, whose kinds stand in the order of their names."""
        options = {kind: self.group(kinds[kind], place, kind) for kind in sorted(kinds)}
        if optional:
            options = {NONE: Group(place, "none", "", ())} | options
        return Choice(
            place, label(place), schema.get("description", ""), options, schema.get("default")
        )

    def members(self, schema: Schema) -> dict[str, Schema]:
        """The kinds of a union and their schemas."""
        resolved = [self.resolve(one) for one in schema["oneOf"]]
        return {one["properties"]["kind"]["const"]: one for one in resolved}

    def without_null(self, schema: Schema) -> tuple[Schema, bool]:
        """The schema of a value that may be absent, and whether it may."""
        some = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if len(some) != 1:
            return schema, False
        return self.resolve(some[0]), True

    def resolve(self, schema: Schema) -> Schema:
        """A `$ref` followed; what stands beside it wins, but the part's own words are kept."""
        if "$ref" not in schema:
            return schema
        found = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return found | {"about": found.get("description", "")} | beside


def value(schema: Schema, inner: Schema, place: str, *, required: bool) -> Input:
    """The input for a single value or a list of them."""
    type_ = "select" if "enum" in inner else TYPES.get(inner.get("type", ""), "json")
    items = (inner.get("items") or {}).get("type", "")
    if inner.get("type") == "array" and items in TYPES:
        type_ = "list"
    return Input(
        place,
        label(place),
        type_,
        schema.get("description", ""),
        schema.get("unit", ""),
        schema.get("default"),
        required,
        bounds(inner, type_),
        tuple(inner.get("enum", ())),
        TYPES.get(items, "text"),
    )


def bounds(schema: Schema, type_: str) -> dict[str, Any]:
    """HTML's own limits; an open bound of a real number can only be checked by the server."""
    found = {html: schema[key] for key, html in BOUNDS.items() if key in schema}
    if type_ == "integer":
        found["step"] = schema.get("multipleOf", 1)
        if "exclusiveMinimum" in schema:
            found["min"] = schema["exclusiveMinimum"] + 1
        if "exclusiveMaximum" in schema:
            found["max"] = schema["exclusiveMaximum"] - 1
    elif type_ == "number":
        found["step"] = "any"
    return found


def label(place: str) -> str:
    """A name for people: `neuron.v_threshold` becomes `V threshold`."""
    return place.rsplit(".", 1)[-1].replace("_", " ").capitalize()


def about(schema: Schema) -> str:
    """The first paragraph of a part's description, without the mark-up of docstrings."""
    first = schema.get("about", schema.get("description", "")).split("\n\n")[0]
    return " ".join(first.replace("`", "").split())
