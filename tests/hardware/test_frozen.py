"""Mismatch, faults and drift against their laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.chips import normal, uniform
from hardware.frozen import Drift, Faults, Spread, faulty


N = 1_000_000


def factors(law: str, level: float, reference: float | None = None) -> torch.Tensor:
    spread = Spread(weight=level, law=law, reference=reference)
    return 1 + level * spread.z(normal(1, range(1), "w", (N,)).double(), level)


@pytest.mark.parametrize("law", ["lognormal", "gaussian"])
@pytest.mark.parametrize("level", [0.05, 0.2, 0.3])
def test_factors_have_mean_one_and_the_declared_spread(law: str, level: float) -> None:
    factor = factors(law, level)
    assert abs(factor.mean() - 1) < 5 * level / math.sqrt(N)
    assert factor.std() / factor.mean() == pytest.approx(level, rel=0.01)


@pytest.mark.parametrize("law", ["lognormal", "gaussian"])
def test_factors_follow_the_declared_law(law: str) -> None:
    level = 0.3
    factor = factors(law, level).sort().values.flatten()
    s = math.sqrt(math.log(1 + level**2))
    x = (factor.log() + s * s / 2) / s if law == "lognormal" else (factor - 1) / level
    declared = torch.special.ndtr(x)
    steps = torch.arange(1, N + 1, dtype=torch.float64) / N
    assert (declared - steps).abs().max() < 1.63 / math.sqrt(N)  # Kolmogorov-Smirnov at 1 %


@given(level=st.floats(0, 1), extra=st.floats(0, 1))
@settings(max_examples=30)
def test_lognormal_factors_below_the_reference_are_positive(level: float, extra: float) -> None:
    spread = Spread(level, level, level, reference=level + extra)
    factor = spread.factor(normal(2, range(1), "tau", (1000,)), level)
    assert (factor > 0).all()


def test_levels_below_the_reference_have_their_own_spread() -> None:
    factor = factors("lognormal", 0.2, reference=0.5)
    assert factor.std() == pytest.approx(0.2, rel=0.01)
    assert factor.mean() == pytest.approx(1, abs=1e-3)


def test_a_chip_is_the_same_whatever_is_drawn_beside_it() -> None:
    assert torch.equal(normal(7, range(4), "w", (50,))[3], normal(7, range(32), "w", (50,))[3])
    assert torch.equal(normal(7, range(3, 4), "w", (50,))[0], normal(7, range(32), "w", (50,))[3])
    assert torch.equal(uniform(7, range(3, 5), "w", (50,))[0], uniform(7, range(9), "w", (50,))[3])


def test_chips_and_parameters_are_not_correlated() -> None:
    n = 100_000
    rows = torch.cat([normal(7, range(4), "w", (n,)), normal(7, range(4), "v", (n,))])
    rows = torch.cat([rows, normal(8, range(4), "w", (n,))])
    off = torch.corrcoef(rows) - torch.eye(len(rows))
    assert off.abs().max() < 5 / math.sqrt(n)


def test_the_code_of_buechel_folds_negative_time_constants() -> None:
    spread = Spread(0.5, 0.5, 0.5, "buechel2021")
    epsilon = torch.tensor([-3.0, -1.0, 2.0])
    assert spread.factor(epsilon, 0.5).tolist() == [0.5, 0.5, 2.0]  # |1 + 0.5 epsilon|
    assert (1 + 0.5 * spread.z(epsilon, 0.5)).tolist() == [-0.5, 0.5, 2.0]  # weights keep signs


def test_a_gaussian_that_makes_time_negative_is_refused() -> None:
    Spread(tau=0.32, law="gaussian")  # P = Phi(-1 / 0.32) = 0.00089
    with pytest.raises(ValueError, match=r"spread\.tau must .*lognormal"):
        Spread(tau=0.33, law="gaussian")
    with pytest.raises(ValueError, match=r"spread\.threshold"):
        Spread(threshold=0.5, law="gaussian")
    Spread(weight=0.5, law="gaussian")  # a weight may change its sign
    Spread(tau=0.5)


@pytest.mark.parametrize("bad", [-0.1, 6.0, math.nan])
def test_a_spread_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"spread\.weight must be in 0\.\.5"):
        Spread(weight=bad)


@given(share=st.floats(0, 1), size=st.integers(1, 300))
@settings(max_examples=50)
def test_exact_mode_breaks_the_rounded_share(share: float, size: int) -> None:
    first, last = Faults(silent=share).broken(uniform(3, range(3), "f", (size,)), share, 0)
    assert first.sum(1).tolist() == [round(share * size)] * 3
    assert not last.any()


def test_a_higher_share_breaks_the_same_parts_and_more() -> None:
    u = uniform(3, range(2), "f", (20, 20))
    few, _ = Faults().broken(u, 0.1, 0)
    many, hot = Faults().broken(u, 0.3, 0.7)
    assert (few <= many).all()
    assert (many ^ hot).all()


def test_independent_faults_break_a_share_on_average() -> None:
    dead, stuck = Faults(mode="independent").broken(uniform(3, range(1), "f", (N,)), 0.2, 0.3)
    assert dead.float().mean() == pytest.approx(0.2, abs=5 * math.sqrt(0.16 / N))
    assert stuck.float().mean() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / N))
    assert not (dead & stuck).any()


def test_dead_synapses_conduct_nothing_and_stuck_ones_the_most() -> None:
    weight = torch.tensor([[0.5, -0.2, 0.1, -0.9]])
    dead = torch.tensor([[True, False, False, False]])
    stuck = torch.tensor([[False, True, True, False]])
    expected = torch.tensor([[0.0, -2.0, 2.0, -0.9]])
    assert torch.equal(faulty(weight, dead, stuck, 2.0), expected)


@pytest.mark.parametrize("bad", [{"silent": 1.2}, {"dead": -0.1}, {"silent": 0.7, "hot": 0.7}])
def test_shares_outside_zero_to_one_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"faults\..* must be in 0\.\.1, got"):
        Faults(**bad)


def test_conductance_falls_by_a_power_of_time() -> None:
    weight, epsilon = torch.tensor([[1.0, -0.5]]), torch.zeros(1, 1, 2)
    factor = Drift(2000.0, exponent=0.1).factor(weight, epsilon)
    assert factor.flatten().tolist() == pytest.approx([100**-0.1] * 2)
    # phase-change memory: x = 1 and 0.5 both give mu = 0.049, the lower clamp
    factor = Drift(2000.0).factor(weight, epsilon)
    assert factor.flatten().tolist() == pytest.approx([100**-0.049] * 2)
    # x = 0.01: mu = -0.0155 ln 0.01 + 0.0244 = 0.0958
    factor = Drift(2000.0).factor(torch.tensor([[1.0, 0.01]]), epsilon)
    assert factor.flatten()[1].item() == pytest.approx(100 ** (0.0155 * math.log(0.01) - 0.0244))


def test_drift_before_its_start_is_refused() -> None:
    with pytest.raises(ValueError, match=r"drift\.seconds must be 0 or at least .*20 s"):
        Drift(5.0)
