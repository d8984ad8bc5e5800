"""Runs of a sweep's points, thousands at a time: made of the points' rows by the database itself.

Django would send each definition to and fro and every field of every run as a parameter; that takes
seven times as long.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models.expressions import DatabaseDefault

from snnlab.experiments.models import Run
from snnlab.experiments.sql import rows


VARIES = {  # what a run has from its point, and where it stands there
    "point_id": "p.id",
    "definition": "p.definition",
    "digest": "p.digest",
    "board": "p.board",
    "caveat": "p.caveat",
    "seed": "wanted.seed",
}


def insert(like: Run, wanted: Sequence[Mapping[str, Any]]) -> list[Run]:
    """Make a run for each point and seed in this order, equal to `like` in all that is not theirs.

    Gives the runs with their number, digest and seed.
    """
    columns, params = constant(like)
    named, values = ", ".join((*VARIES, *columns)), ", ".join((*VARIES.values(), *columns.values()))
    made = rows(
        f"""
        insert into experiments_run ({named}) select {values}
        from unnest(%(points)s::bigint[], %(seeds)s::bigint[]) with ordinality
          wanted (point, seed, place) join experiments_point p on p.id = wanted.point
        order by wanted.place returning id, digest, seed""",
        points=[row["id"] for row in wanted],
        seeds=[row["seed"] for row in wanted],
        **params,
    )
    experiment = like.experiment
    return [
        Run(pk=r["id"], digest=r["digest"], seed=r["seed"], experiment=experiment) for r in made
    ]


def constant(like: Run) -> tuple[dict[str, str], dict[str, Any]]:
    """The columns that all these runs share: their SQL and its parameters."""
    columns, params = {}, {}
    for field in Run._meta.local_concrete_fields:
        if field.primary_key or field.generated or field.column in VARIES:
            continue
        value = getattr(like, field.attname)
        if not isinstance(value, DatabaseDefault):
            columns[field.column] = f"%({field.column})s::{field.db_type(connection)}"
            params[field.column] = field.get_db_prep_save(value, connection)
    return columns, params
