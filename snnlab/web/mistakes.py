"""What a run's network takes its test images for: all of them counted, and some taken wrongly."""

from typing import Any, NamedTuple

import numpy as np

from snnlab.experiments.queries_run import Portrait
from snnlab.web.png import address


MOST_CELLS = 20  # classes whose whole matrix is a table; more are a picture
MOST_PAIRS = 20


class Cell(NamedTuple):
    """How often; darker the larger its share of the class."""

    count: int
    share: float
    right: bool


class Wrong(NamedTuple):
    """An image that was taken wrongly."""

    address: str
    label: int
    predicted: int


def mistakes(portrait: Portrait) -> dict[str, Any]:
    """What the panel shows."""
    matrix = portrait.get("confusion")
    images, labels = portrait["wrong/images"], portrait["wrong/labels"].tolist()
    found: dict[str, Any] = {
        "wrong": [Wrong(address(i), *label) for i, label in zip(images, labels, strict=True)]
    }
    if matrix is None:
        return found
    right, total = int(matrix.trace()), int(matrix.sum())
    found |= {"total": total, "errors": total - right, "pairs": pairs(matrix)}
    if len(matrix) <= MOST_CELLS:
        return found | {"rows": rows(matrix)}
    return found | {"picture": address(picture(matrix)), "classes": len(matrix)}


def rows(matrix: Any) -> list[tuple[int, list[Cell], str]]:
    """Each true class: how often it was taken for each class, and the share that was right."""
    found = []
    for true, counts in enumerate(matrix.tolist()):
        whole = sum(counts) or 1
        cells = [Cell(n, round(n / whole, 3), true == k) for k, n in enumerate(counts)]
        found.append((true, cells, f"{100 * counts[true] / whole:.1f}"))
    return found


def pairs(matrix: Any) -> list[tuple[int, int, int]]:
    """The most frequent mistakes: (true class, taken for, how often)."""
    off = matrix - np.diag(np.diag(matrix))
    best = np.argsort(off, axis=None, kind="stable")[::-1][:MOST_PAIRS]
    places = (divmod(int(at), len(matrix)) for at in best)
    return [(i, k, int(off[i, k])) for i, k in places if off[i, k]]


def picture(matrix: Any) -> Any:
    """The matrix as grey values, a pixel a cell: black for a whole class."""
    share = matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    return (255 * (1 - np.sqrt(share))).round().astype(np.uint8)[None]
