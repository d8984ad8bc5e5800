"""Takes rows of others onto a board. Each is an event; to withdraw one is `standing.mark`."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from snnlab.experiments.actions import Refused
from snnlab.experiments.external import Line, digest
from snnlab.experiments.models import Entry, Judgement
from snnlab.teams.models import Team


BOARDS = ("mnist", "cifar-10", "cifar-100", "tiny-imagenet")
SAME = ("title", "method", "network", "neuron", "time_steps", "accuracy", "low", "high", "best",
        "teacher", "parameters", "macs", "acs", "synops", "energy", "energy_kind", "latency",
        "year", "caveat", "n")  # fmt: skip


@transaction.atomic
def take(team: Team, actor: str, board: str, lines: Sequence[Line]) -> tuple[int, int]:
    """Put checked rows on a team's board; how many are new, and how many were known already."""
    if board not in BOARDS:
        raise Refused(f"board must be one of {', '.join(BOARDS)}, got {board!r}")
    Team.objects.select_for_update().get(pk=team.pk)
    named = {digest(team.pk, line): line for line in lines}
    of_team = Entry.objects.filter(kind="external", board=board, team=team)
    known = set(of_team.filter(digest__in=named).values_list("digest", flat=True))
    fresh = [entry(team, board, name, line) for name, line in named.items() if name not in known]
    made = Entry.objects.bulk_create(fresh)
    Judgement.objects.bulk_create(
        Judgement(entry=one, kind="imported", actor=actor, detail={"source": one.url})
        for one in made
    )
    return len(made), len(lines) - len(made)


def entry(team: Team, board: str, name: str, line: Line) -> Entry:
    fields: dict[str, Any] = {key: line[key] for key in SAME if key in line}
    if "sparsity" in line:
        fields["firing_rate"] = 1 - line["sparsity"] / 100
    return Entry(
        kind="external",
        board=board,
        team=team,
        digest=name,
        source=line["source_url"],
        url=line["source_url"],
        provenance=line.get("checked") == "yes",
        **fields,
    )
