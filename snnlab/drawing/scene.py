"""What a picture consists of, before it is SVG or PNG."""

from collections.abc import Sequence
from typing import NamedTuple


Place = tuple[float, float]


class Theme(NamedTuple):
    """The colours of all that is no data."""

    ink: str = "#1a1d21"
    quiet: str = "#545c66"
    grid: str = "#d5d9de"
    back: str = "#ffffff"


LIGHT = Theme()
INHERITED = Theme("currentColor", "currentColor", "var(--line, #888888)", "")  # inside a page


class Path(NamedTuple):
    """A line, or with `fill` an area."""

    points: Sequence[Place]
    colour: str = ""
    width: float = 1.0
    dash: tuple[float, ...] = ()
    fill: str = ""
    opacity: float = 1.0


class Mark(NamedTuple):
    """A sign at a place; `hollow` ones are drawn as an outline."""

    x: float
    y: float
    symbol: str
    size: float
    colour: str
    opacity: float = 1.0
    hollow: bool = False
    title: str = ""


class Text(NamedTuple):
    """Words; `anchor` is start, middle or end, `turned` ones are read from below."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: str = "start"
    turned: bool = False
    bold: bool = False


Item = Path | Mark | Text


class Scene(NamedTuple):
    """A picture."""

    width: float
    height: float
    items: list[Item]
    theme: Theme = LIGHT
    title: str = ""


def box(x: float, y: float, width: float, height: float) -> list[Place]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
