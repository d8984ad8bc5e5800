"""The outlines of signs."""

import math
from collections.abc import Sequence

from snnlab.drawing.scene import Mark, Place


CROSS = (
    (-1, -0.33), (-0.33, -0.33), (-0.33, -1), (0.33, -1), (0.33, -0.33), (1, -0.33),
    (1, 0.33), (0.33, 0.33), (0.33, 1), (-0.33, 1), (-0.33, 0.33), (-1, 0.33),
)  # fmt: skip
SHAPES: dict[str, Sequence[Place]] = {
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "triangle-up": ((0, -1.1), (1, 0.8), (-1, 0.8)),
    "triangle-down": ((0, 1.1), (1, -0.8), (-1, -0.8)),
    "cross": CROSS,
    "x": [((a - b) * 0.75, (a + b) * 0.75) for a, b in CROSS],
}


def outline(mark: Mark) -> list[Place]:
    """The corners of a sign."""
    half = mark.size / 2
    return [(mark.x + x * half, mark.y + y * half) for x, y in shape(mark.symbol)]


def shape(symbol: str) -> Sequence[Place]:
    if symbol in SHAPES:
        return SHAPES[symbol]
    if symbol == "star":
        return [around(n, 10, 1.2 if n % 2 == 0 else 0.5) for n in range(10)]
    corners = 6 if symbol == "hexagon" else 24
    return [around(n, corners, 1.0) for n in range(corners)]


def around(n: int, corners: int, radius: float) -> Place:
    angle = 2 * math.pi * n / corners - math.pi / 2
    return radius * math.cos(angle), radius * math.sin(angle)
