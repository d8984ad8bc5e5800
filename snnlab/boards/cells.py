"""The cells of a leaderboard's table, as text or as safe HTML. Pure functions of a row."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe

from snnlab.boards.rows import significant
from snnlab.experiments.queries import BoardRow


FROM_ELSEWHERE = ("published", "external")
VERIFIED = {
    0: ("self-reported", "nobody but who made it says so"),
    1: ("provenance", "code version, clean tree, packages, data, seeds and definition are known"),
    2: ("re-evaluated", "a worker tested the stored checkpoint again and got the same number"),
    3: ("retrained", "all seeds trained again, their mean inside the interval"),
}


def rank(row: BoardRow) -> str:
    if row.rank is None:
        return "–"
    return f"{row.rank}{' †' if row.caveat else ''}"


def title(row: BoardRow) -> str:
    """The name, which leads to the row's own page, and what kind of row it is."""
    return named(row, reverse("boards:entry", args=[row.board, row.id]))


def name_alone(row: BoardRow) -> str:
    """The same for somebody who may not open that page: it leads to a paper, or nowhere."""
    return named(row, row.url if row.url.startswith("https://") else "")


def named(row: BoardRow, place: str) -> str:
    name = conditional_escape(row.title or row.digest[:12])
    if place:
        name = format_html('<a href="{}" rel="noreferrer">{}</a>', place, name)
    if row.standing == "withdrawn":
        name = format_html("<s>{}</s>", name)
    marks = format_html('<span class="badge {0}">{0}</span>', row.kind)
    if row.standing:
        marks += format_html(' <span class="badge {0}">{0}</span>', row.standing)
    return name + mark_safe(" ") + marks


def accuracy(row: BoardRow) -> str:
    """Mean, half the interval, number of seeds; the best seed small beside it."""
    if row.accuracy is None:
        return "no number"
    text = f"{row.accuracy:.2f}{' †' if row.caveat else ''}"
    if row.kind == "published" or not (row.n or row.missing):
        return text
    half = "" if row.high is None else f" ± {row.high - row.accuracy:.2f}"
    seeds = f"n = {row.n}" + (", no CI" if row.high is None else "")
    if row.missing:
        seeds += f", {row.missing} without a number"
    best = f"best {row.best:.2f}, " if row.n > 1 and row.best is not None else ""
    return format_html("<strong>{}</strong>{} <small>({}{})</small>", text, half, best, seeds)


def signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}".replace("-", "−")


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def energy(row: BoardRow) -> str:
    """The figure, and whether it was measured, estimated or published."""
    if row.energy is None:
        return ""
    return format_html(
        '{} <span class="badge tag" title="{}">{}</span>',
        significant(row.energy),
        ENERGY.get(row.energy_kind, ""),
        row.energy_kind,
    )


ENERGY = {
    "estimated": "from counted operations: 4.6 pJ per MAC and 0.9 pJ per AC (45 nm, Horowitz "
    "2014); memory, neurons and normalisation are not in it",
    "measured": "measured on a device",
    "published": "as its paper reports it",
}


def published(row: BoardRow) -> str:
    """The difference to the figure that was reproduced."""
    if row.to_published is None:
        return ""
    return format_html('<span title="{}">{}</span>', row.reproduces_title, signed(row.to_published))


def verified(row: BoardRow) -> str:
    if row.kind in FROM_ELSEWHERE:
        said = "source checked" if row.checked else "source not checked"
        if row.added_at is None:
            return said
        return format_html("{} <small>here since {}</small>", said, f"{row.added_at:%Y-%m-%d}")
    name, meaning = VERIFIED[row.verified]
    return format_html('<span class="level v{}" title="{}">{}</span>', row.verified, meaning, name)


def date(row: BoardRow) -> str:
    if row.finished_at is not None:
        return f"{row.finished_at:%Y-%m-%d}"
    return str(row.year or "")


def source(row: BoardRow) -> str:
    """Where it is from, and whatever makes it not comparable."""
    dagger = f"† {row.caveat}" if row.caveat else ""
    if row.kind in FROM_ELSEWHERE:
        text = row.source
    else:
        text = f"{row.source}, {row.selection}, definition {row.digest}"
    return format_html("{} <small>{}</small>", text, dagger) if dagger else text


def of(field: str) -> Callable[[BoardRow], str]:
    """A number of three significant digits."""
    return lambda row: significant(getattr(row, field))


def text(field: str) -> Callable[[BoardRow], str]:
    return lambda row: getattr(row, field)
