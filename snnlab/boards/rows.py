"""A leaderboard's rows as text and as table rows. Pure functions."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from django.urls import reverse

from snnlab.experiments.queries import BoardRow


TEXTS = ("title", "method", "network", "neuron", "selection", "source", "caveat")


def key(row: BoardRow) -> str:
    """A name that a row keeps while the board is filtered."""
    if row.kind == "measured":
        return f"measured:{row.experiment_id}:{row.digest}"
    return "|".join(
        str(part) for part in (row.title, row.network, row.method, row.time_steps, row.accuracy)
    )


def select(rows: Sequence[BoardRow], kinds: Collection[str], search: str) -> list[BoardRow]:
    """The rows of these kinds in which every searched word stands."""
    words = search.casefold().split()
    return [row for row in rows if row.kind in kinds and all(w in text(row) for w in words)]


def text(row: BoardRow) -> str:
    """All words of a row, for searching."""
    return " ".join(getattr(row, field) for field in TEXTS).casefold()


def grid_row(row: BoardRow) -> dict[str, Any]:
    """A row of the table: values to sort by and texts to read."""
    measured = row.kind == "measured"
    return {
        "key": key(row),
        "kind": row.kind,
        "title": row.title,
        "link": reverse("web:run", args=[row.run_id]) if measured else row.url,
        "method": row.method,
        "network": row.network,
        "neuron": row.neuron,
        "time_steps": row.time_steps,
        "accuracy": row.accuracy,
        "accuracy_text": accuracy(row),
        "n": row.n if measured else None,
        "energy": row.energy,
        "energy_text": significant(row.energy),
        "synops": row.synops,
        "synops_text": significant(row.synops),
        "firing_rate": row.firing_rate,
        "firing_rate_text": significant(row.firing_rate),
        "year": row.year,
        "selection": row.selection,
        "note": row.caveat or row.source,
    }


def accuracy(row: BoardRow) -> str:
    """The accuracy with its spread; a dagger where it must be read with a caveat."""
    spread = "" if row.std is None else f" ± {row.std:.2f}"
    return f"{row.accuracy:.2f}{spread} %{' †' if row.caveat else ''}"


def significant(value: float | None) -> str:
    """Three significant digits; nothing where there is no value."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def shorten(title: str, longest: int = 60) -> str:
    """A title that fits a label."""
    return title if len(title) <= longest else f"{title[: longest - 1]}…"
