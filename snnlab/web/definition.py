"""What a visitor has defined so far: by fields or by TOML, right or wrong."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import tomli_w

from snnlab.learning.part import SpecError
from snnlab.learning.problems import Problem
from snnlab.web.schema import Group, form_of
from snnlab.web.values import Flat, define, flatten


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

PREFIX = "spec."  # before every field of the definition, so that none meets a field of the page
MAX_TOML = 100_000


@dataclass(frozen=True)
class Definition:
    """A definition as text and as fields, the spec if it is one, and what is wrong if not."""

    toml: str
    flat: Flat
    spec: "Spec | None" = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> list[str]:
        """The problems that no shown field can carry."""
        shown = self.flat.keys() | {place.removesuffix(".kind") for place in self.flat}
        return [text for place, text in self.problems.items() if place not in shown]


@cache
def form() -> Group:
    """The form of a spec. Built once: it loads the learning package."""
    from snnlab.learning.spec import Spec

    return form_of(Spec.model_json_schema())


def from_fields(data: Mapping[str, Any]) -> Definition:
    """The definition that a sent form holds."""
    flat = {k.removeprefix(PREFIX): str(v) for k, v in data.items() if k.startswith(PREFIX)}
    raw = define(form(), flat)
    spec, problems = parse(raw)
    return Definition(spec.to_toml() if spec else written(raw), flat, spec, problems)


def from_toml(text: str) -> Definition:
    """The definition that a TOML text holds."""
    if len(text) > MAX_TOML:
        return Definition("", {}, None, {"": f"TOML must be at most {MAX_TOML} characters long."})
    from snnlab.learning.spec import toml_data  # here, because it takes PyTorch along

    try:
        raw = toml_data(text.replace("\r\n", "\n"))
    except SpecError as error:
        return Definition(text, {}, None, by_place(error.problems))
    spec, problems = parse(raw)
    shown = spec.model_dump(mode="json") if spec else raw
    return Definition(text, flatten(form(), shown), spec, problems)


def demanded(defined: Definition) -> Definition:
    """The definition, refused if its network does not fit onto its chip."""
    if defined.spec is None:
        return defined
    from snnlab.learning.landing import demand  # here, because it takes PyTorch along

    try:
        demand(defined.spec)
    except SpecError as error:
        return replace(defined, spec=None, problems=by_place(error.problems))
    return defined


def parse(raw: dict[str, Any]) -> tuple["Spec | None", dict[str, str]]:
    """The spec, or its problems by their place."""
    from snnlab.learning.spec import Spec

    try:
        return Spec.parse(raw), {}
    except SpecError as error:
        return None, by_place(error.problems)


def sent(data: Mapping[str, Any]) -> Definition:
    """The definition in a sent form: its TOML or its fields, whichever decides."""
    if data.get("source") == "toml":
        return from_toml(str(data.get("toml", "")))
    return from_fields(data)


def by_place(found: Iterable[Problem]) -> dict[str, str]:
    """One message for each field, in the order in which they were found.

    What is wrong with an item of a list belongs to the list.
    """
    problems: dict[str, str] = {}
    for problem in found:
        problems.setdefault(re.sub(r"(\.\d+)+$", "", problem.place), str(problem))
    return problems


def written(raw: dict[str, Any]) -> str:
    """A definition that is not a spec yet, as TOML, each list on one line."""
    text = tomli_w.dumps(without_null(raw))
    return re.sub(r"\[\n([^\]]*?),\n\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def toml_of(raw: dict[str, Any]) -> str:
    """A stored definition as TOML, in the order of a spec where it still is one."""
    spec, _ = parse(raw)
    return spec.to_toml() if spec else written(raw)


def without_null(value: Any) -> Any:
    """The value without what TOML cannot say."""
    if isinstance(value, Mapping):
        return {k: without_null(v) for k, v in value.items() if v is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_null(v) for v in value if v is not None]
    return value
