"""The cores of a chip as a picture: a square each, filled as far as its fullest limit is used."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple


if TYPE_CHECKING:
    from snnlab.learning.landing import Core

SIDE, GAP, IN_A_ROW, MOST = 22, 4, 16, 256


class Square(NamedTuple):
    """One core, in units of the picture; `top` and `level` are those of its filling."""

    x: int
    y: int
    top: float
    level: float
    title: str
    layers: int  # how many share it


class Map(NamedTuple):
    """The whole picture, and the same as rows."""

    width: int
    height: int
    squares: list[Square]
    limits: list[str]
    rows: list[tuple[int, str, list[str]]]
    more: int  # cores that are not drawn


def picture(cores: "Sequence[Core]") -> Map:
    drawn = cores[:MOST]
    rows = -(-len(drawn) // IN_A_ROW)
    limits = list(dict.fromkeys(name for core in cores for name in core.shares))
    return Map(
        min(len(drawn), IN_A_ROW) * (SIDE + GAP) - GAP,
        rows * (SIDE + GAP) - GAP,
        [square(place, core) for place, core in enumerate(drawn)],
        limits,
        [(core.number, held(core), shares(core, limits)) for core in drawn],
        len(cores) - len(drawn),
    )


def square(place: int, core: "Core") -> Square:
    row, column = divmod(place, IN_A_ROW)
    level = SIDE * min(1.0, core.fullest)
    x, y = column * (SIDE + GAP), row * (SIDE + GAP)
    used = ", ".join(f"{name} {share:.0%}" for name, share in core.shares.items())
    title = f"core {core.number}: {held(core)}" + (f"; {used}" if used else "")
    return Square(x, y, y + SIDE - level, level, title, len(core.layers))


def held(core: "Core") -> str:
    return ", ".join(f"{layer} ({neurons})" for layer, neurons in core.layers.items())


def shares(core: "Core", limits: Sequence[str]) -> list[str]:
    return [f"{core.shares.get(name, 0):.0%}" for name in limits]
