"""A scene as SVG."""

from collections.abc import Sequence
from html import escape

from snnlab.drawing.marks import outline
from snnlab.drawing.scene import Mark, Path, Place, Scene, Text, box


FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def svg(scene: Scene) -> str:
    """The whole picture: it loads nothing, and runs nothing."""
    width, height = n(scene.width), n(scene.height)
    back = []
    if scene.theme.back:
        back = [path(Path(box(0, 0, scene.width, scene.height), fill=scene.theme.back))]
    label = f"<title>{escape(scene.title)}</title>" if scene.title else ""
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" font-family="{escape(FONT)}">{label}',
            *back,
            *map(item, scene.items),
            "</svg>",
        )
    )


def item(one: Path | Mark | Text) -> str:
    if isinstance(one, Path):
        return path(one)
    return mark(one) if isinstance(one, Mark) else text(one)


def path(one: Path) -> str:
    tail = "Z" if one.fill else ""
    return f'<path d="{way(one.points)}{tail}"{paint(one)}/>'


def paint(one: Path) -> str:
    said = f' fill="{escape(one.fill or "none")}"'
    if one.colour:
        said += f' stroke="{escape(one.colour)}" stroke-width="{n(one.width)}"'
        said += ' stroke-linejoin="round"'
    if one.dash:
        said += f' stroke-dasharray="{" ".join(map(n, one.dash))}"'
    return said + (f' opacity="{n(one.opacity)}"' if one.opacity < 1 else "")


def mark(one: Mark) -> str:
    hollow = Path([], one.colour, 1.5, opacity=one.opacity)
    full = Path([], "", fill=one.colour, opacity=one.opacity)
    look = paint(hollow if one.hollow else full)
    told = f"<title>{escape(one.title)}</title>" if one.title else ""
    if one.symbol == "circle":
        shape = f'<circle cx="{n(one.x)}" cy="{n(one.y)}" r="{n(one.size / 2)}"{look}'
    else:
        shape = f'<path d="{way(outline(one))}Z"{look}'
    return f"{shape}>{told}</{'circle' if one.symbol == 'circle' else 'path'}>"


def text(one: Text) -> str:
    turn = f' transform="rotate(-90 {n(one.x)} {n(one.y)})"' if one.turned else ""
    weight = ' font-weight="650"' if one.bold else ""
    return (
        f'<text x="{n(one.x)}" y="{n(one.y)}" font-size="{n(one.size)}" '
        f'fill="{escape(one.colour)}" text-anchor="{one.anchor}"{weight}{turn}>'
        f"{escape(one.text)}</text>"
    )


def way(points: Sequence[Place]) -> str:
    return "M" + "L".join(f"{n(x)} {n(y)}" for x, y in points)


def n(value: float) -> str:
    """A number as short as a pixel's tenth allows."""
    return f"{value:.1f}".removesuffix(".0")
