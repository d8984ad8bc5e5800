"""The list of runs that a search finds: sorted, in pages, each with its tags and stars."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from snnlab.experiments.models import Run, RunTag, SavedSearch, Star
from snnlab.experiments.search.conditions import Condition, condition
from snnlab.experiments.sql import rows
from snnlab.learning.metrics import METRICS
from snnlab.teams.models import User
from snnlab.teams.queries import teams_of


MOST_COUNTED = 1000
# What runs may be sorted by: each is indexed, or cheap.
OWN = {
    "run": "run.id",
    "accuracy": "run.score",
    "finished": "run.finished_at",
    "seed": "run.seed",
    "priority": "run.priority",
}
SORTS = (*OWN, *(name for name in METRICS if name not in ("accuracy", "test_accuracy")))


@dataclass(frozen=True)
class Asked:
    """Which runs, in which order: `sort` is one of SORTS, with a minus before it the largest first.

    `after` is the last run that was seen.
    """

    text: str = ""
    sort: str = "-run"
    after: int | None = None
    size: int = 50

    @property
    def key(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def down(self) -> bool:
        return self.sort.startswith("-")


class Page(NamedTuple):
    """Some runs; `after` is where more begins, if there is more.

    `total` is how many there are in all, counted to MOST_COUNTED and one more, if it was asked for.
    """

    runs: list[Run]
    after: int | None
    total: int | None = None


def page(user: User, asked: Asked, *, counted: bool = False) -> Page:
    """A page of the runs that a search finds. Raises SearchError.

    What is sorted by and missing comes last, in both directions.
    """
    wanted = max(asked.size, MOST_COUNTED) if counted else asked.size
    ids = _ids(user, replace(asked, size=wanted + 1))
    shown = ids[: asked.size]
    after = shown[-1] if len(ids) > asked.size else None
    return Page(dressed(user, shown), after, len(ids) if counted else None)


def dressed(user: User, ids: list[int]) -> list[Run]:
    """These runs in this order, each with its experiment, `tags` and `starred`, in two queries."""
    starred = Star.objects.filter(user=user.pk, run=OuterRef("pk"))
    found = {
        run.pk: run
        for run in Run.objects.filter(pk__in=ids)
        .select_related("experiment__team")
        .annotate(starred=Exists(starred))
    }
    tags: dict[int, list[str]] = {}
    for run, tag in RunTag.objects.filter(run__in=ids).order_by("tag").values_list("run", "tag"):
        tags.setdefault(run, []).append(tag)
    for run in found.values():
        run.tags = sorted({*tags.get(run.pk, []), *run.experiment.tags})
        run.own_tags = tags.get(run.pk, [])
    return [found[pk] for pk in ids if pk in found]


def matching(user: User, text: str, limit: int) -> list[int]:
    """The newest runs that a search finds. Raises SearchError."""
    return _ids(user, Asked(text, size=limit))


def _ids(user: User, asked: Asked) -> list[int]:
    """Those that have what is sorted by come first; then, by number, those that have not."""
    wanted = condition(asked.text, user)
    anchor = _anchor(user, asked)
    found: list[int] = []
    if anchor is None or anchor["value"] is not None:
        found = _have(user, asked, wanted, anchor)
    if len(found) < asked.size and asked.key != "run":
        past = asked.after if anchor is not None and anchor["value"] is None else None
        found += _have_not(user, asked, wanted, past, asked.size - len(found))
    return found


def _value(asked: Asked) -> tuple[str, str, dict[str, Any]]:
    """What is sorted by: its SQL, the join that it takes, and their parameters."""
    if asked.key in OWN:
        return OWN[asked.key], "", {}
    join = """left join experiments_figure sorted on sorted.run_id = run.id
      and sorted.team_id = run.team_id and sorted.metric = %(metric)s"""
    return "sorted.value", join, {"metric": asked.key}


def _anchor(user: User, asked: Asked) -> dict[str, Any] | None:
    """The last run that was seen, if it is one of the user's, with what it was sorted by."""
    if asked.after is None:
        return None
    if asked.key == "run":
        return {"id": asked.after, "value": asked.after}
    value, join, params = _value(asked)
    found = rows(
        f"""select run.id, {value} as value from experiments_run run {join}
        where run.id = %(after)s and run.team_id = any(%(teams)s)""",
        **params,
        after=asked.after,
        teams=_teams(user),
    )
    return found[0] if found else None


def _teams(user: User) -> list[int]:
    return list(teams_of(user).values_list("pk", flat=True))


def _have(user: User, asked: Asked, wanted: Condition, anchor: dict[str, Any] | None) -> list[int]:
    """Each team is read along its own index, only as far as needed."""
    value, join, params = _value(asked)
    way, sign = ("desc", "<") if asked.down else ("asc", ">")
    seen = f"and ({value}, run.id) {sign} (%(seen)s, %(after)s)" if anchor else ""
    order = "id" if asked.key == "run" else "value"
    return _read(
        f"""
        select id from unnest(%(teams)s::bigint[]) line (team) cross join lateral (
          select run.id, {value} as value from experiments_run run {join.removeprefix("left ")}
          where run.team_id = line.team and {value} is not null {seen} and {wanted.sql}
          order by {value} {way}, run.id {way} limit %(size)s) found
        order by {order} {way}, id {way} limit %(size)s""",
        wanted.params
        | params
        | {"teams": _teams(user), "size": asked.size, "after": asked.after}
        | {"seen": anchor and anchor["value"]},
    )


def _have_not(
    user: User, asked: Asked, wanted: Condition, past: int | None, size: int
) -> list[int]:
    value, join, params = _value(asked)
    seen = "and run.id < %(past)s" if past is not None else ""
    return _read(
        f"""
        select id from unnest(%(teams)s::bigint[]) line (team) cross join lateral (
          select run.id from experiments_run run {join}
          where run.team_id = line.team and {value} is null {seen} and {wanted.sql}
          order by run.id desc limit %(size)s) found
        order by id desc limit %(size)s""",
        wanted.params | params | {"teams": _teams(user), "size": size, "past": past},
    )


def _read(sql: str, params: dict[str, Any]) -> list[int]:
    return [row["id"] for row in rows(sql, **params)]


def writable(user: User, ids: Iterable[int]) -> dict[int, bool]:
    """Those of these runs that the user may see, each with whether it may be changed."""
    mine = set(teams_of(user, "write").values_list("pk", flat=True))
    found = Run.objects.filter(pk__in=list(ids), team__in=_teams(user))
    return {pk: team in mine for pk, team in found.values_list("pk", "team").order_by("pk")}


def saved(user: User) -> QuerySet[SavedSearch]:
    """The user's own searches, and those of the user's teams."""
    theirs = Q(owner=user.pk) | Q(team__memberships__user=user.pk)
    found = SavedSearch.objects.filter(theirs).distinct()
    return found.select_related("owner", "team").order_by("name", "pk")
