"""Chips as they usually come."""

import pytest

from hardware.frozen import Spread
from hardware.nonidealities import Nonidealities
from hardware.profile import load
from hardware.typical import typical


def test_an_analog_chip_has_the_spreads_that_were_measured() -> None:
    assert typical(load("dynapse2"), bits=4) == Nonidealities(
        bits=4, spread=Spread(0.276, 0.10, 0.117, "lognormal")
    )


@pytest.mark.parametrize("name", ["ideal", "loihi1", "dynapcnn"])
def test_digital_and_ideal_chips_are_all_alike(name: str) -> None:
    assert typical(load(name)) == Nonidealities()


def test_a_spread_that_nobody_has_published_is_not_zero() -> None:
    with pytest.raises(ValueError, match=r"spread.weight must be known .* brainscales2 is not pub"):
        typical(load("brainscales2"))
