"""What is usually wrong with a chip of a kind, as far as that is published."""

from typing import cast

from hardware.frozen import Law, Spread
from hardware.nonidealities import Nonidealities
from hardware.profile import Profile
from hardware.unknown import Unknown


def typical(profile: Profile, bits: int | None = None) -> Nonidealities:
    """The spread between devices of an analog chip; none on the others, which compute exactly.

    Raises ValueError for an analog chip whose spreads nobody has published.
    """
    if profile.engine != "analog":
        return Nonidealities(bits=bits)
    law = cast("Law", profile.word("spread.law") or "lognormal")
    weight, threshold, tau = (spread(profile, name) for name in ("weight", "threshold", "tau"))
    return Nonidealities(bits=bits, spread=Spread(weight, threshold, tau, law))


def spread(profile: Profile, name: str) -> float:
    level = profile.number(f"spread.{name}")
    if isinstance(level, Unknown):
        raise ValueError(
            f"spread.{name} must be known for an analog chip, got {level}. Give one of your own"
        )
    return level
