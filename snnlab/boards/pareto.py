"""Which results nothing else beats on both counts. Pure, in O(n log n)."""

from collections.abc import Sequence


Point = tuple[float, float]


def front(points: Sequence[Point]) -> list[bool]:
    """For each (cost, gain): whether no other costs at most as much and gains at least as much,
    one of them strictly. Equal points are all on the front or all off it.
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    on = [False] * len(points)
    best: Point | None = None
    for i in order:
        if best is None or points[i][1] > best[1] or points[i] == best:
            on[i], best = True, points[i]
    return on
