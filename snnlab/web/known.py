"""Offers results that are known already, before anybody queues the same again."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from snnlab.experiments.reuse import known
from snnlab.experiments.seeds import parse_seeds
from snnlab.teams import queries as teams


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec
    from snnlab.learning.sweep import Sweep

SHOWN = 10
MOST_POINTS = 300  # of a sweep: to name its points takes a third of a millisecond each


def offer(user: Any, data: Mapping[str, Any], spec: "Spec | None") -> str:
    """What is known of the runs that a form would queue, as HTML; nothing if there is none."""
    try:
        seeds = parse_seeds(str(data.get("seeds", "")))
    except ValueError:
        return ""
    return shown(user, data, [(spec.digest(), seed) for seed in seeds] if spec else [])


def offer_sweep(user: Any, data: Mapping[str, Any], sweep: "Sweep | None") -> str:
    """The same for a sweep. What a search will try is not known before."""
    if sweep is None or sweep.learns or sweep.size() > MOST_POINTS:
        return ""
    points = [point.digest for point in islice(sweep.points(), MOST_POINTS) if point.digest]
    return shown(user, data, [(digest, seed) for digest in points for seed in sweep.seeds])


def shown(user: Any, data: Mapping[str, Any], wanted: Sequence[tuple[str, int]]) -> str:
    """Links to the results among what is wanted that the team in the form has."""
    team = {team.slug: team for team in teams.teams_of(user, "read")}.get(str(data.get("team", "")))
    if team is None or not wanted:
        return ""
    found = sorted(known(team, wanted).values(), key=lambda run: run.pk)
    if not found:
        return ""
    context = {"runs": found[:SHOWN], "more": len(found) - SHOWN, "all": len(wanted)}
    return render_to_string("web/known.html", context | {"count": len(found)})
