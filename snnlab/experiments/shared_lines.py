"""What a link shows, as SQL that stands for the tables it is read from.

A line that the link does not show keeps only what the ranks of the others need, and a column that
it does not show is empty: so there is nothing to find by another address, order, filter or search.
"""

from collections.abc import Collection
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.http import QueryDict

from snnlab.experiments.leaderboard import VISIBLE, filtered, where
from snnlab.experiments.models import Entry, Share
from snnlab.experiments.scope import Scope
from snnlab.experiments.wanted import wanted_of


RANKED = ("id", "board", "kind", "team_id", "accuracy", "low", "standing", "caveat")
SHOWN = ("title", "url", "n", "missing", "high", "std", "best")
SEEDS = ("runs", "seeds", "scores")
COLUMNS: dict[str, tuple[str, ...]] = {  # what each column of a leaderboard is made of
    "best": ("best",),
    "teacher": ("teacher",),
    "gap": ("teacher",),
    "published": ("reproduces_id",),
    "method": ("method",),
    "network": ("network",),
    "neuron": ("neuron",),
    "time_steps": ("time_steps",),
    "parameters": ("parameters",),
    "macs": ("macs",),
    "acs": ("acs",),
    "synops": ("synops",),
    "sparsity": ("firing_rate",),
    "energy": ("energy", "energy_kind"),
    "latency": ("latency",),
    "area": ("area",),
    "seconds": ("seconds",),
    "date": ("finished_at", "year"),
    "verified": ("provenance", "proof", "added_at"),
    "source": ("source", "selection", "digest"),
}
SEARCHED = ("title", "method", "network", "neuron", "selection", "source", "caveat")
NOTHING = "select * from {} where false"
LISTED = """select listed.* from experiments_share share,
  jsonb_populate_recordset(null::experiments_entry, share.lines) listed
  where share.id = %(share)s"""


def scope_of(share: Share) -> Scope:
    """What this link may see. Whatever it is not of is empty."""
    lines, runs = NOTHING.format("experiments_entry"), NOTHING.format("experiments_run")
    given: dict[str, Any] = {"share": share.pk}
    if leads_to_lines(share):
        lines = LISTED if share.pinned else live(share)
        given |= frozen(share)
    else:
        runs, of_runs = runs_of(share)
        given |= of_runs
    return Scope.narrowed(
        [share.team_id], lines=lines, runs=runs, shown="entry.words is not null", params=given
    )


def leads_to_lines(share: Share) -> bool:
    """Whether it shares a leaderboard."""
    return share.kind == Share.Kind.BOARD and share.slug not in ("robustness", "curves")


def live(share: Share) -> str:
    """The lines of a leaderboard as they are now, and no more than the link shows of them."""
    asked = wanted_of(share.slug, QueryDict(share.query))
    kept = {*SHOWN, *(SEEDS if share.seeds else ())}
    kept |= {field for name in share.columns for field in COLUMNS.get(name, ())}
    cells = ", ".join(cell(field, kept) for field in Entry._meta.local_concrete_fields)
    searched = " || ' ' || ".join(f"entry.{n}" for n in SEARCHED if n in kept or n in RANKED)
    return f"""select {cells}, case when shows.it then lower({searched}) end as words
      from experiments_entry entry
      cross join lateral (select true {renamed(where(asked))}) shows (it)
      where {renamed(VISIBLE)}"""


def renamed(sql: str) -> str:
    """The same SQL with parameters that are no visitor's."""
    return sql.replace("%(", "%(frozen_")


def frozen(share: Share) -> dict[str, Any]:
    """The parameters of `live`."""
    asked = filtered(wanted_of(share.slug, QueryDict(share.query)))
    given = asked | {"board": share.slug, "teams": [share.team_id]}
    return {f"frozen_{name}": value for name, value in given.items()}


def cell(field: Any, kept: Collection[str]) -> str:
    """A column: as it is, or only in lines that are shown, or nowhere."""
    name = field.column
    if name in RANKED:
        return f"entry.{name}"
    if name in kept:
        return f"case when shows.it then entry.{name} else {blank(field)} end as {name}"
    return f"{blank(field)} as {name}"


def blank(field: Any) -> str:
    """Nothing, in the type of a column."""
    kind = field.db_type(connection)
    if field.null or isinstance(field, models.DateTimeField):
        return f"null::{kind}"
    if isinstance(field, ArrayField):
        return f"'{{}}'::{kind}"
    if isinstance(field, models.CharField | models.TextField):
        return f"''::{kind}"
    return "false" if isinstance(field, models.BooleanField) else f"0::{kind}"


def runs_of(share: Share) -> tuple[str, dict[str, Any]]:
    """The runs that a comparison or a board of curves may read, and the parameters."""
    data = QueryDict(share.query).get("data") or "mnist"
    sql = "select * from experiments_run where team_id = any(%(teams)s)"
    if share.kind == Share.Kind.BOARD:
        sql += " and board = %(of_data)s"
    if share.runs is not None:
        sql += " and id = any(%(of_runs)s)"
    if share.until is not None:
        sql += " and finished_at <= %(until)s"
    return sql, {"of_data": data, "of_runs": share.runs, "until": share.until}
