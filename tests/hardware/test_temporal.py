"""Noise of the membrane and of the routing against their laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.temporal import Routing, Thermal, ktc


def tensors(*values: float) -> list[torch.Tensor]:
    return [torch.tensor(value, dtype=torch.float64) for value in values]


def walk(alpha: float, std: float, steps: int, neurons: int = 20_000) -> torch.Tensor:
    """Potentials (neurons) after some steps of v = alpha v + noise, from rest."""
    generator = torch.Generator().manual_seed(4)
    v = torch.zeros(neurons, dtype=torch.float64)
    for _ in range(steps):
        noise = torch.randn(neurons, generator=generator, dtype=torch.float64)
        v = alpha * v + std * noise
    return v


@pytest.mark.parametrize("alpha", [0.8, 0.9, 0.99])
def test_the_membrane_reaches_the_declared_spread(alpha: float) -> None:
    a, theta = tensors(alpha, 0.5)
    std = Thermal(0.1).step(a, theta, 0.0, 1e-3).item()
    stationary = math.sqrt(sum(std**2 * alpha ** (2 * k) for k in range(5000)))
    assert stationary == pytest.approx(0.1 * 0.5, rel=1e-6)
    neurons = 20_000
    v = walk(alpha, std, int(5 / -math.log(alpha)), neurons)
    assert v.std().item() == pytest.approx(0.05, rel=5 / math.sqrt(2 * neurons))


def test_half_the_step_is_the_same_physics() -> None:
    theta = torch.tensor(1.0, dtype=torch.float64)
    (alpha,) = tensors(0.9)
    whole = Thermal(0.2).step(alpha, theta, 0.0, 1e-3)
    half = Thermal(0.2).step(alpha.sqrt(), theta, 0.0, 0.5e-3)
    # two half steps add alpha_h^2 s^2 + s^2, which is what one whole step adds
    torch.testing.assert_close(half.square() * (1 + alpha), whole.square())
    per_step = Thermal(0.2, definition="per_step").step(alpha, theta, 0.0, 1e-3)
    assert per_step == 0.2  # whatever the step: that variant does depend on dt


def test_noise_forgets_as_the_membrane_does() -> None:
    alpha, n = 0.9, 200_000
    generator = torch.Generator().manual_seed(5)
    std = Thermal(1.0).step(*tensors(alpha, 1.0), 0.0, 1e-3)
    v = torch.randn(n, generator=generator, dtype=torch.float64)
    w = v.clone()
    for k in range(1, 6):
        w = alpha * w + std * torch.randn(n, generator=generator, dtype=torch.float64)
        assert (v * w).mean().item() == pytest.approx(alpha**k, abs=5 / math.sqrt(n))


@given(t=st.floats(1, 1000), sigma=st.floats(1e-3, 1))
@settings(max_examples=30)
def test_noise_grows_with_the_root_of_temperature(t: float, sigma: float) -> None:
    alpha, theta = tensors(0.9, 1.0)
    warm = Thermal(sigma, temperature=t).step(alpha, theta, 0.0, 1e-3)
    cold = Thermal(sigma).step(alpha, theta, 0.0, 1e-3)
    assert (warm / cold).item() == pytest.approx(math.sqrt(t / 300))


def test_no_temperature_is_no_noise() -> None:
    alpha, theta = tensors(1.0, 1.0)
    assert Thermal(0.5, temperature=0).step(alpha, theta, 0.0, 1e-3) == 0


def test_a_neuron_that_never_leaks_needs_a_reference_time() -> None:
    alpha, theta = tensors(1.0, 2.0)
    with pytest.raises(ValueError, match=r"thermal\.reference_time must .*per_step"):
        Thermal(0.1).step(alpha, theta, 0.0, 1e-3)
    std = Thermal(0.1, reference_time=0.01).step(alpha, theta, 0.0, 1e-3)
    assert std.item() == pytest.approx(0.1 * 2 * math.sqrt(0.1))


def test_the_code_of_buechel_injects_a_current() -> None:
    """Its noise_std = sigma tau / dt enters v by dt / tau (Euler): sigma on the membrane."""
    sigma, tau, dt, swing = 0.05, 0.02, 1e-3, 1.5
    thermal = Thermal(sigma, definition="buechel2021")
    std = thermal.step(*tensors(math.exp(-dt / tau), 1.0), -0.5, dt)
    assert std.item() == pytest.approx(sigma * swing * tau / dt * (dt / tau))


def test_three_picofarads_at_300_kelvin() -> None:
    assert ktc(3e-12) == pytest.approx(37.16e-6, rel=1e-3)  # by hand: 4.142e-21 J / 3 pF


@pytest.mark.parametrize("bad", [{"sigma": -1}, {"temperature": -3}, {"sigma": math.nan}])
def test_noise_that_is_none_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"thermal\.\w+ must be in .*, got"):
        Thermal(**bad)
    with pytest.raises(ValueError, match=r"routing\.loss"):
        Routing(loss=2)


def test_late_spikes_arrive_one_step_later_and_merge() -> None:
    spikes = torch.tensor([1.0, 1, 0, 1]).view(1, 4, 1)
    late = torch.tensor([0.0, 1, 1, 0]).view(1, 4, 1)  # the first and the last are late
    never = torch.ones(1, 4, 1)
    arrived = Routing(late=0.5).arrive(spikes, never, late)
    assert arrived.flatten().tolist() == [0, 1, 0, 0]  # the second merges; the last is too late


def test_lost_spikes_are_lost_and_none_are_made() -> None:
    generator = torch.Generator().manual_seed(6)
    spikes = (torch.rand(1, 10, 10_000, generator=generator) < 0.5).float()
    lost = torch.rand(spikes.shape, generator=generator)
    arrived = Routing(loss=0.3).arrive(spikes, lost, lost)
    assert (arrived <= spikes).all()
    assert (arrived.sum() / spikes.sum()).item() == pytest.approx(0.7, abs=0.01)
