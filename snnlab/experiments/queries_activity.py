"""What happened in the user's teams, newest first, read from the rows that tell it.

Four kinds of rows do: what people did (teams.Act), experiments that were asked, runs that ended,
links that were made. Each team and kind is read along its index, only as far as a page needs.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from snnlab.experiments.sql import rows
from snnlab.teams.models import User


class Place(NamedTuple):
    """Where a page ends: nothing happens twice at the same place."""

    at: datetime
    kind: int
    id: int


@dataclass
class Line:
    """Something that happened; `count` runs of an experiment that ended alike are one line.

    `verb` says what: an act's own, or submitted, a state in which runs ended, or shared.
    """

    place: Place
    team: str
    slug: str
    actor: str
    verb: str
    what: str
    number: int | None
    words: str
    reason: str
    count: int = 1


ACTS = """select act.at, 1 as kind, act.id, act.actor, act.verb, act.what, act.number, act.words,
    '' as reason, null::bigint as whole
  from teams_act act where act.team_id = line.team"""
ASKED = """select e.created_at as at, 2, e.id, e.actor, 'submitted', 'experiment', e.id, e.name, '',
    null
  from experiments_experiment e where e.team_id = line.team"""
ENDED = """select run.finished_at as at, 3, run.id, '', run.state, 'run', run.id, e.name,
    run.reason, run.experiment_id
  from experiments_run run join experiments_experiment e on e.id = run.experiment_id
  where run.team_id = line.team and run.finished_at is not null"""
SHARED = """select share.created_at as at, 4, share.id, coalesce(u.username, ''), 'shared',
    share.kind, share.run_id, share.title, '', null
  from experiments_share share left join teams_user u on u.id = share.created_by_id
  where share.team_id = line.team"""
KINDS = (  # SQL of ours, the column of its time, its number and its key
    (ACTS, "act.at", 1, "act.id"),
    (ASKED, "e.created_at", 2, "e.id"),
    (ENDED, "run.finished_at", 3, "run.id"),
    (SHARED, "share.created_at", 4, "share.id"),
)


def activity(
    user: User, limit: int, before: Place | None = None, team: str = ""
) -> tuple[list[Line], Place | None]:
    """A page of at most so many rows, in one query, and where the next one begins."""
    found = rows(
        f"""
        select line.name as team, line.slug, found.* from (
          select team_id as team, team.name, team.slug from teams_membership
          join teams_team team on team.id = team_id
          where user_id = %(user)s and (%(slug)s = '' or team.slug = %(slug)s)) line
        cross join lateral ({" union all ".join(_kind(*kind, before) for kind in KINDS)}) found
        order by at desc, kind desc, id desc limit %(limit)s""",
        user=user.pk,
        slug=team,
        limit=limit + 1,
        **(before._asdict() if before else {}),
    )
    shown = found[:limit]
    more = _place(shown[-1]) if len(found) > limit else None
    return _folded(shown), more


def _kind(sql: str, at: str, kind: int, key: str, before: Place | None) -> str:
    past = f"and {at} <= %(at)s and ({at}, {kind}, {key}) < (%(at)s, %(kind)s, %(id)s)"
    return f"({sql} {past if before else ''} order by {at} desc, {key} desc limit %(limit)s)"


def _place(row: dict[str, Any]) -> Place:
    return Place(row["at"], row["kind"], row["id"])


def _folded(found: list[dict[str, Any]]) -> list[Line]:
    """Neighbours that are runs of one experiment with the same end become one line."""
    lines: list[Line] = []
    last = None
    for row in found:
        same = (row.pop("whole"), row["verb"], row["reason"])
        place = Place(row.pop("at"), row.pop("kind"), row.pop("id"))
        if place.kind == 3 and same == last:
            lines[-1].count += 1
            lines[-1].what, lines[-1].number = "experiment", same[0]
        else:
            lines.append(Line(place, **row))
        last = same if place.kind == 3 else None
    return lines
