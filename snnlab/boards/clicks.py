"""What the browser says of a click on a chart: to be looked up, never believed."""

from collections.abc import Collection
from typing import Any

from dash.exceptions import PreventUpdate
from django.urls import reverse

from snnlab.boards.bridge import django_request
from snnlab.boards.scope import link


def told(click: Any) -> Any:
    """What the chart has told with the point that was clicked; None if nothing was."""
    points = click.get("points") if isinstance(click, dict) else None
    point = points[0] if isinstance(points, list) and points else None
    return point.get("customdata") if isinstance(point, dict) else None


def clicked(click: Any) -> int | None:
    """The id of the point that was clicked."""
    pk = told(click)
    return pk if isinstance(pk, int) and 0 < pk < 2**63 else None


def run_page(clicks: Collection[Any], known: Collection[int]) -> str:
    """The page of the run whose point was clicked, if it is one of those that are shown.

    A link leads to no page of a run.
    """
    run = next((pk for pk in map(clicked, clicks) if pk in known), None)
    if run is None or link(django_request()):
        raise PreventUpdate
    return reverse("web:run", args=[run])
