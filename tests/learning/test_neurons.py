import inspect
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnlab.learning.neuron import Neuron
from snnlab.learning.neurons.clipped_relu import ClippedReLU
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.part import members
from snnlab.learning.problems import SpecError


NEURONS = members(Neuron, "snnlab.learning.neurons")
EVERY = pytest.mark.parametrize("neuron", NEURONS, ids=lambda n: n.__name__)
EVERY_SPIKING = pytest.mark.parametrize(
    "neuron", [n for n in NEURONS if n.spiking], ids=lambda n: n.__name__
)


@EVERY
def test_every_neuron_survives_json(neuron):
    assert neuron.parse(neuron().model_dump(mode="json")) == neuron()


@EVERY
def test_every_neuron_says_its_equation_and_source(neuron):
    text = inspect.getmodule(neuron).__doc__
    assert ".. math::" in text
    assert "Source:" in text


@EVERY_SPIKING
def test_every_neuron_fires_more_with_more_current(neuron):
    rates = [neuron().scan(torch.full((1, 1), i), 50).mean() for i in (0.0, 0.7, 3.0)]
    assert rates[0] == 0 < rates[1] < rates[2]


@EVERY_SPIKING
def test_every_fused_neuron_equals_its_steps(neuron):
    current = torch.randn(20, 3, 4, dtype=torch.float64) + 0.5
    assert torch.equal(neuron().scan(current, 20), neuron().unrolled(current, 20))


@given(tau=st.floats(1, 100), dt=st.floats(0.01, 5), i=st.floats(0, 0.99), steps=st.integers(1, 50))
def test_below_threshold_lif_is_the_analytic_solution_at_any_step(tau, dt, i, steps):
    neuron = LIF(tau=tau, dt=dt, scale_input=True)
    current = torch.full((1,), i, dtype=torch.float64)
    state = neuron.init(current)
    for _ in range(steps):
        spikes, state = neuron.step(current, state)
    expected = i * (1 - math.exp(-steps * dt / tau))
    assert math.isclose(state["v"].item(), expected, rel_tol=1e-9, abs_tol=1e-12)
    assert spikes.item() == 0


@given(i=st.floats(0, 1), steps=st.integers(1, 200))
def test_the_rate_of_if_with_soft_reset_is_its_current_less_what_is_left(i, steps):
    """r(T) = i - v(T) / T: Rueckauer et al. 2017, section 2.1."""
    neuron, current = IF(), torch.full((1,), i, dtype=torch.float64)
    state, fired = neuron.init(current), 0.0
    for _ in range(steps):
        spikes, state = neuron.step(current, state)
        fired += spikes.item()
    assert math.isclose(fired / steps, i - state["v"].item() / steps, abs_tol=1e-9)


def test_a_hard_reset_forgets_what_exceeded_the_threshold():
    current = torch.tensor([[5.0], [0.5], [0.5]])
    soft, hard = (IF(reset=reset).scan(current, 3).flatten().tolist() for reset in ("soft", "hard"))
    assert soft == [1, 1, 1]
    assert hard == [1, 0, 1]


@given(i=st.floats(0, 1), v=st.floats(0, 0.99), steps=st.integers(1, 100))
def test_a_neuron_that_starts_charged_fires_as_often_as_its_charge_allows(i, v, steps):
    """Nothing is lost: v(0) + T i = spikes + v(T), with v(T) in [0, 1) for a current of 0..1."""
    current = torch.full((1, 1), i, dtype=torch.float64)
    fired = IF(v_initial=v).scan(current, steps).sum().item()
    assert -1e-9 < v + steps * i - fired < 1 + 1e-9


def test_a_neuron_at_its_threshold_fires():
    assert IF(v_threshold=0.5).scan(torch.full((1, 1), 0.5), 1).item() == 1


def test_the_clipped_relu_is_linear_between_zero_and_its_ceiling():
    current = torch.tensor([[-1.0, 0.0, 0.7, 2.0, 5.0]])
    output = ClippedReLU(ceiling=2.0).scan(current, 3)
    assert output.tolist() == [[0.0, 0.0, pytest.approx(0.7), 2.0, 2.0]] * 3


POSITIVE = [
    (neuron, name)
    for neuron in NEURONS
    for name in neuron.model_fields
    if name.startswith("tau") or name in ("dt", "v_threshold", "surrogate_width", "ceiling")
]


@pytest.mark.parametrize(("neuron", "name"), POSITIVE, ids=lambda x: getattr(x, "__name__", x))
@pytest.mark.parametrize("value", [0, -1.5])
def test_no_time_constant_threshold_or_width_is_zero_or_negative(neuron, name, value):
    kind = neuron.model_fields["kind"].default
    with pytest.raises(SpecError, match=f"{name}: must be greater than .*, got {value}"):
        neuron.parse({"kind": kind, name: value})
