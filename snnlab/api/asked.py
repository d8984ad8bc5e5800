"""What a request for an experiment may say, read strictly: each error stands at its field."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from pydantic import Field

from snnlab.learning.part import Part
from snnlab.learning.problems import MISSING, Problem, SpecError


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

REF = "#/components/schemas/{model}"
MOST_SPECS = 1000


class Unreadable(Exception):
    """The body of a request is no JSON."""

    def __init__(self, error: SpecError) -> None:
        super().__init__(str(error))
        self.problems = error.problems


class NewExperiment(Part):
    """An experiment to queue: one run for each spec and seed."""

    name: str = Field(min_length=1, max_length=200, description="what to look for in lists")
    spec: dict[str, Any] | None = Field(None, description="the definition; or several in `specs`")
    specs: tuple[dict[str, Any], ...] = Field(
        (), max_length=MOST_SPECS, description="several definitions, all different"
    )
    seeds: tuple[int, ...] = Field(
        (1,), min_length=1, max_length=1000, description="one run of each definition for each seed"
    )
    notes: str = Field("", max_length=10_000, description="what you ask, what you expect")
    tags: tuple[str, ...] = Field((), max_length=20, description="words to find it by")
    team: str | None = Field(None, description="slug of the team; none for your only one")
    key: str | None = Field(
        None, min_length=1, max_length=200, description="the same key gives the same experiment"
    )
    pool: str = Field("cpu", description="whose workers: cpu, gpu, or yours")
    labels: tuple[str, ...] = Field((), description="what a worker must have")
    priority: int = Field(0, description="within the team")

    def definitions(self) -> "list[Spec]":
        """The specs, each of which fits onto its chip if it names one. Raises SpecError."""
        if (self.spec is None) == (not self.specs):
            rule = "must be given, or specs, and not both"
            raise SpecError([Problem("spec", rule, MISSING, "Give one of them")])
        if self.spec is not None:
            return [defined("spec", self.spec)]
        return [defined(f"specs.{n}", data) for n, data in enumerate(self.specs)]


def read(request: HttpRequest) -> NewExperiment:
    """The body of a request. Raises Unreadable, or SpecError for JSON that says something wrong."""
    from snnlab.learning.spec import json_data

    try:
        data = json_data(request.body.decode())
    except UnicodeDecodeError as error:
        problem = Problem("", f"is no UTF-8: {error.reason}", MISSING, "Send JSON as UTF-8")
        raise Unreadable(SpecError([problem])) from error
    except SpecError as error:
        raise Unreadable(error) from error
    return NewExperiment.parse(data)


def defined(place: str, data: dict[str, Any]) -> "Spec":
    """A spec; what is wrong with it stands at its place in the request."""
    from snnlab.learning.landing import demand
    from snnlab.learning.spec import Spec

    try:
        spec = Spec.parse(data)
        demand(spec)
    except SpecError as error:
        raise SpecError([within(place, problem) for problem in error.problems]) from error
    return spec


def within(place: str, problem: Problem) -> Problem:
    return problem._replace(place=f"{place}.{problem.place}".rstrip("."))


def components() -> dict[str, Any]:
    """The schemas of a request and of a spec with all its parts."""
    from snnlab.learning.spec import Spec

    spec = Spec.model_json_schema(ref_template=REF)
    parts = spec.pop("$defs")
    asked = NewExperiment.model_json_schema(ref_template=REF)
    one = {"$ref": REF.format(model="Spec")}
    asked["properties"]["spec"] = one
    asked["properties"]["specs"] |= {"items": one}
    return parts | {"Spec": spec, "NewExperiment": asked}


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": REF.format(model="NewExperiment")}}},
    }
}
