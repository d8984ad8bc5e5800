"""A scene as PNG: drawn twice as large, then made smaller, so that edges are smooth."""

import io
import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

from snnlab.drawing.marks import outline
from snnlab.drawing.scene import Mark, Path, Place, Scene, Text


FINE = 2


def png(scene: Scene) -> bytes:
    """The picture's bytes."""
    size = (round(scene.width * FINE), round(scene.height * FINE))
    image = Image.new("RGB", size, scene.theme.back or "#ffffff")
    draw = ImageDraw.Draw(image, "RGBA")
    for one in scene.items:
        if isinstance(one, Path):
            path(draw, one)
        elif isinstance(one, Mark):
            mark(draw, one)
        else:
            text(image, draw, one)
    small = image.resize((round(scene.width), round(scene.height)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "png", optimize=True)
    return out.getvalue()


def path(draw: Any, one: Path) -> None:
    points = [(x * FINE, y * FINE) for x, y in one.points]
    if one.fill and len(points) > 2:
        draw.polygon(points, fill=colour(one.fill, one.opacity))
    if one.colour and len(points) > 1:
        ink, width = colour(one.colour, one.opacity), max(1, round(one.width * FINE))
        for piece in pieces(points, [part * FINE for part in one.dash]):
            draw.line(piece, fill=ink, width=width, joint="curve")


def pieces(points: Sequence[Place], dash: Sequence[float]) -> Iterator[list[Place]]:
    """A line as it is, or cut into its dashes."""
    if not dash:
        yield list(points)
        return
    turn, left = 0, dash[0]
    for (x, y), (to_x, to_y) in pairwise(points):
        length, done = math.hypot(to_x - x, to_y - y), 0.0
        while length > 0 and done < length:
            step = min(left, length - done)
            ends = [
                (x + (to_x - x) * at / length, y + (to_y - y) * at / length)
                for at in (done, done + step)
            ]
            if turn % 2 == 0:
                yield ends
            done, left = done + step, left - step
            if left <= 1e-9:
                turn += 1
                left = dash[turn % len(dash)]


def mark(draw: Any, one: Mark) -> None:
    corners = [(x * FINE, y * FINE) for x, y in outline(one)]
    ink = colour(one.colour, one.opacity)
    if one.hollow:
        draw.line([*corners, corners[0]], fill=ink, width=round(1.5 * FINE), joint="curve")
    else:
        draw.polygon(corners, fill=ink)


def text(image: Any, draw: Any, one: Text) -> None:
    face, ink = font(round(one.size * FINE)), colour(one.colour, 1.0)
    heavy = 1 if one.bold else 0
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[one.anchor]
    if not one.turned:
        place = (one.x * FINE, one.y * FINE)
        draw.text(
            place, one.text, font=face, fill=ink, anchor=anchor, stroke_width=heavy, stroke_fill=ink
        )
        return
    width, height = round(face.getlength(one.text)) + 4, round(one.size * FINE * 1.4)
    board = Image.new("L", (width, height), 0)
    ImageDraw.Draw(board).text((2, height * 0.75), one.text, font=face, fill=255, anchor="ls")
    turned = board.rotate(90, expand=True)
    shift = {"start": 1.0, "middle": 0.5, "end": 0.0}[one.anchor]
    corner = (round(one.x * FINE - height * 0.75), round(one.y * FINE - width * shift))
    image.paste(Image.new("RGB", turned.size, ink[:3]), corner, turned)


def colour(name: str, opacity: float) -> tuple[int, ...]:
    red, green, blue, alpha = (*ImageColor.getrgb(name), 255)[:4]
    return red, green, blue, round(alpha * opacity)


@cache
def font(size: int) -> Any:
    """A font with more signs where the machine has one, or the one that Pillow brings."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
