"""Numbers and names of results as text. Pure functions."""

import math


def significant(value: float | None) -> str:
    """Three significant digits; nothing where there is no value."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def shorten(title: str, longest: int = 60) -> str:
    """A title that fits a label."""
    return title if len(title) <= longest else f"{title[: longest - 1]}…"
