"""The record of what people did: one line an act, never changed afterwards."""

from snnlab.teams.models import Act, Team


def note(
    team: Team, actor: str, verb: str, what: str = "", number: int | None = None, words: str = ""
) -> None:
    """Add a line; `words` longer than a line are cut."""
    Act.objects.create(
        team=team, actor=actor, verb=verb, what=what, number=number, words=words[:300]
    )
