"""What can be said of a few seeds: intervals, tests of differences, ranks. Pure functions.

A mean of fewer than three seeds has no interval and no p-value: two numbers say next to nothing of
their spread.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np


FEWEST = 3
LEVEL = 0.95
DRAWS = 10_000

Values = Sequence[float]


class Interval(NamedTuple):
    """Where a mean lies with a confidence of 95 %."""

    low: float
    high: float


class Difference(NamedTuple):
    """How a configuration differs from another one, by seeds.

    `paired` where the same seeds were used, n of them; otherwise n is the smaller number of seeds.
    `effect` is the mean in units of the spread: d_z if paired (Cohen 1988), else Hedges' g (1981).
    """

    n: int
    mean: float
    interval: Interval | None
    p: float | None
    effect: float | None
    paired: bool = False


def finite(values: Sequence[float | None]) -> list[float]:
    """The numbers among them: what is missing, NaN or infinite is left out."""
    return [value for value in values if value is not None and math.isfinite(value)]


def interval(values: Values, level: float = LEVEL) -> Interval | None:
    """Student's interval of the mean, or nothing for fewer than three values."""
    if len(values) < FEWEST:
        return None
    half = quantile(level, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half)


def bootstrap(values: Values, level: float = LEVEL, seed: int = 0) -> Interval | None:
    """The percentile bootstrap's interval of the mean (Efron 1979): for values of no normal law.

    It is too narrow for few values; `seed` makes it the same each time.
    """
    if len(values) < FEWEST:
        return None
    drawn = np.random.default_rng(seed).choice(np.asarray(values), (DRAWS, len(values)))
    low, high = np.quantile(drawn.mean(1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def difference(ours: Mapping[int, float], other: Mapping[int, float]) -> Difference:
    """Ours minus the other, each given as the value of each seed.

    Seeds that both have are paired, if there are three of them: then the spread that both share
    falls out. Otherwise Welch's test (1947), which assumes no equal spread.
    """
    shared = sorted(ours.keys() & other.keys())
    if len(shared) >= FEWEST:
        return _paired([ours[seed] - other[seed] for seed in shared])
    return _welch(list(ours.values()), list(other.values()))


def _paired(gaps: Values) -> Difference:
    n, mean, spread = len(gaps), fmean(gaps), stdev(gaps)
    p = two_sided(_ratio(mean, spread / math.sqrt(n)), n - 1)
    effect = _ratio(mean, spread) if spread else None
    return Difference(n, mean, interval(gaps), p, effect, paired=True)


def _welch(ours: Values, other: Values) -> Difference:
    n, mean = min(len(ours), len(other)), fmean(ours) - fmean(other)
    if n < FEWEST:
        return Difference(n, mean, None, None, None)
    parts = [stdev(group) ** 2 / len(group) for group in (ours, other)]
    error = math.sqrt(sum(parts))
    if error == 0:
        p = two_sided(_ratio(mean, 0.0), 1)
        return Difference(n, mean, Interval(mean, mean), p, None)
    freedoms = (len(ours) - 1, len(other) - 1)
    freedom = error**4 / sum(part**2 / f for part, f in zip(parts, freedoms, strict=True))
    half = quantile(LEVEL, freedom) * error
    within = Interval(mean - half, mean + half)
    p = two_sided(mean / error, freedom)
    return Difference(n, mean, within, p, hedges(ours, other))


def _ratio(mean: float, spread: float) -> float:
    """mean / spread; without any spread a difference is infinitely many of them."""
    if spread == 0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / spread


def hedges(ours: Values, other: Values) -> float | None:
    """Hedges' g: the difference of means over the pooled spread, corrected for few values."""
    freedom = len(ours) + len(other) - 2
    squares = sum((len(group) - 1) * stdev(group) ** 2 for group in (ours, other))
    if squares == 0:
        return None
    return (fmean(ours) - fmean(other)) / math.sqrt(squares / freedom) * (1 - 3 / (4 * freedom - 1))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction (1979) for having asked many times; what has no p-value gets none."""
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        corrected[place] = largest
    return corrected


def compared_with_all(
    ours: Mapping[int, float], others: Sequence[Mapping[int, float]]
) -> list[Difference]:
    """The difference to each of the others, its p-value by Holm's correction."""
    found = [difference(ours, other) for other in others]
    corrected = holm([each.p for each in found])
    return [each._replace(p=p) for each, p in zip(found, corrected, strict=True)]


def rank(high: float, lows: Sequence[float]) -> int:
    """1 and one more for each interval that lies wholly above `high`; `lows` rise.

    So rows whose intervals overlap the best one's share its rank. A row without an interval is a
    point: low and high are its mean.
    """
    return 1 + len(lows) - bisect_right(lows, high)


# --- Student's t ------------------------------------------------------------------------------


def two_sided(t: float, freedom: float) -> float:
    r"""P(|T| > |t|) = I_x(n/2, 1/2) with :math:`x = n / (n + t^2)`.

    For a small t as its complement: x would be rounded to almost 1.
    """
    if math.isinf(t):
        return 0.0
    if t * t < freedom:
        return 1 - beta(0.5, freedom / 2, t * t / (freedom + t * t))
    return beta(freedom / 2, 0.5, freedom / (freedom + t * t))


@cache
def quantile(level: float, freedom: float) -> float:
    """The t within which, on both sides, lies this share of Student's law; by bisection."""
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > 1 - level:
        high *= 2
    return _bisected(lambda t: two_sided(t, freedom) > 1 - level, low, high)


def _bisected(above: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2


def beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction.

    The fraction is DLMF 8.17.22 (https://dlmf.nist.gov/8.17), evaluated from the front by Lentz's
    method; it converges quickly below (a + 1) / (a + b + 2), and above that I is mirrored.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta(b, a, 1 - x)
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(logs + a * math.log(x) + b * math.log1p(-x)) / a / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    value, up, down = 1.0, 1.0, 0.0
    for step in range(1, 500):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        down = 1 / (1 + term * down)
        up = 1 + term / up
        value *= up * down
        if abs(up * down - 1) < 1e-15:
            break
    return value
