"""The page that describes the API, written by the server: nothing is loaded from another host."""

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from snnlab.api.door import api


class Operation(NamedTuple):
    """One thing that can be asked."""

    method: str
    path: str
    summary: str
    parameters: list[dict[str, Any]]
    body: list[tuple[str, str, str]]  # field, type, meaning
    answers: list[str]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation, with its fields."""
    schema = api.get_openapi_schema()
    made = [
        operation(method, path, said, schema)
        for path, methods in schema["paths"].items()
        for method, said in methods.items()
    ]
    return render(request, "api/docs.html", {"operations": made, "schema": schema["info"]})


def operation(method: str, path: str, said: dict[str, Any], schema: dict[str, Any]) -> Operation:
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    ref = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    wanted = schema["components"]["schemas"].get(ref, {})
    needed = wanted.get("required", ())
    body = [
        (name, kind(field) + ("" if name in needed else ", optional"), field.get("description", ""))
        for name, field in wanted.get("properties", {}).items()
    ]
    parameters = [p | {"kind": kind(p["schema"])} for p in said.get("parameters", ())]
    answers = [str(status) for status in said["responses"]]
    return Operation(method.upper(), path, said.get("description", ""), parameters, body, answers)


def kind(schema: dict[str, Any]) -> str:
    """The type of a value, in a word."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kinds = [one.get("type", "") for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return str(schema.get("type") or "or ".join(kinds) or "any")
