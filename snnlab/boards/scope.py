"""Whose results a request may see: said by its session, never by what the browser sent."""

from typing import Any

from snnlab.experiments.queries import teams_of


def scope(request: Any) -> list[int]:
    """The teams of the user who is signed in."""
    return teams_of(request.user)
