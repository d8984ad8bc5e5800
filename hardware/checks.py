"""Refusals of bad input: place, rule, value and way out."""


def within(place: str, value: float, low: float, high: float, way_out: str) -> None:
    """Raise ValueError unless low <= value <= high; NaN is refused too."""
    if not low <= value <= high:
        raise ValueError(f"{place} must be in {low:g}..{high:g}, got {value!r}. {way_out}")


def one_of(place: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(
            f"{place} must be one of {', '.join(choices)}, got {value!r}. Choose one of them"
        )
