"""A part is one choice in an experiment: fields are hyperparameters, methods are behaviour."""

import json
from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snnlab.learning.problems import SpecError, problems


P = TypeVar("P", bound="Part")  # not Self: the shape checker of the tests cannot read it


class Part(BaseModel):
    """Base of every part. Frozen, so that a spec can be compared, hashed and sent anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls: type[P], data: Any) -> P:
        """Build the part from plain data, as JSON would hold it.

        Strict, unlike calling the class: "10" and true are no numbers. Raises SpecError.
        """
        try:
            return cls.model_validate_json(json.dumps(data), strict=True)
        except ValidationError as error:
            raise SpecError(problems(cls, data, error)) from None


def members(base: type[Part], package: str) -> list[type[Part]]:
    """Every final `base` defined in a module of `package`, by name."""
    modules = {m.name for m in iter_modules(import_module(package).__path__, f"{package}.")}
    for module in modules:
        import_module(module)
    found = [part for part in descendants(base) if part.__module__ in modules]
    return sorted(found, key=lambda part: part.__name__)


def descendants(base: type[Part]) -> list[type[Part]]:
    children = base.__subclasses__()
    return children + [part for child in children for part in descendants(child)]


def one_of(base: type[Part], package: str) -> Any:
    """The type "any `base` defined in `package`", told apart by the field `kind`.

    Dropping a module into the package is all it takes to offer a new part.
    """
    parts = members(base, package)
    if len(parts) == 1:  # a union of one is no union: pydantic would refuse the discriminator
        return parts[0]
    return Annotated[reduce(or_, parts), Field(discriminator="kind")]
