"""Long curves made short for a chart. Pure functions of arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


Array = NDArray[Any]


def kept(values: Array, most: int) -> NDArray[np.int64]:
    """Places of at most that many values: the smallest and the largest of each stretch.

    So a spike of one step survives. A value that is no number is only kept where a stretch has
    nothing else. Both ends are kept.
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    width = -(-n // max(1, most // 2 - 1))
    rows = np.pad(values.astype(float), (0, -n % width), mode="edge").reshape(-1, width)
    starts = width * np.arange(len(rows))
    low = np.where(np.isnan(rows), np.inf, rows).argmin(1) + starts
    high = np.where(np.isnan(rows), -np.inf, rows).argmax(1) + starts
    return np.unique(np.concatenate([low, high, [0, n - 1]]).clip(max=n - 1))
