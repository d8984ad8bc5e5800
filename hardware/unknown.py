"""A number that nobody has published: it is not zero, and nothing computed from it is known."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """Stands where a number is missing, and in every sum and product that would need it."""

    reason: str

    def joined(self, other: object) -> "Unknown":
        if not isinstance(other, Unknown) or other.reason in self.reason:
            return self
        return Unknown(f"{self.reason}; {other.reason}")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = joined
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = joined

    def __neg__(self) -> "Unknown":
        return self

    def __bool__(self) -> bool:
        raise TypeError(f"unknown is neither true nor false: {self.reason}. Ask is_known first")

    def __float__(self) -> float:
        raise TypeError(f"unknown is no number: {self.reason}. Ask is_known first")

    def __str__(self) -> str:
        return f"unknown: {self.reason}"


Quantity = float | Unknown


def is_known(quantity: Quantity) -> bool:
    return not isinstance(quantity, Unknown)
