"""Student's t, for intervals of a mean; the standard library has the normal law only."""

import math


def student(freedom: int) -> float:
    """The 97.5th percentile of Student's t, by bisection of its distribution function."""
    low, high = 0.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, freedom) > 0.025 else (low, middle)
    return (low + high) / 2


def tail(t: float, freedom: int) -> float:
    r"""P(T > t): half the incomplete beta function, as an integral over an angle.

    With :math:`t = \sqrt{n} \tan\phi` the density is proportional to :math:`\cos^{n-1}\phi`.
    """
    start, steps = math.atan(t / math.sqrt(freedom)), 4000
    width = (math.pi / 2 - start) / steps
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    middles = (math.cos(start + (k + 0.5) * width) ** (freedom - 1) for k in range(steps))
    return constant / math.sqrt(math.pi) * width * sum(middles)
