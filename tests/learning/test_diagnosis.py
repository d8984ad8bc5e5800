"""The finding of Ledinauskas et al. 2020 in shape: gradients against the width of the slope."""

import pytest

from snnlab.learning.diagnosis import diagnose
from snnlab.learning.errors import TrainingError
from snnlab.learning.problems import SpecError


WIDTHS = (0.03, 0.3, 3.0, 30.0)


@pytest.fixture
def deep(tiny):
    return tiny(network={"kind": "mlp", "hidden": [64]}, time_steps=10)


def first_layer(found):
    return {g.width: g.log10_norm for g in found if g.layer == "fc1"}


def test_the_gradient_of_the_first_layer_grows_with_the_width(deep):
    norms = first_layer(diagnose(deep, widths=WIDTHS, depths=[8]))
    assert list(norms) == list(WIDTHS)
    assert sorted(norms.values()) == list(norms.values())
    assert norms[30.0] - norms[0.03] > 5


def test_narrow_slopes_let_gradients_vanish_with_depth_and_wide_ones_explode(deep):
    shallow, deeper = (
        first_layer(diagnose(deep, widths=(0.03, 30.0), depths=[depth])) for depth in (2, 12)
    )
    assert deeper[0.03] < shallow[0.03] - 1
    assert deeper[30.0] > shallow[30.0] + 1


def test_fifty_layers_are_measured_even_where_single_precision_ends(deep):
    norms = first_layer(diagnose(deep, widths=(0.1, 10.0), depths=[50]))
    assert norms[0.1] < -20
    assert norms[10.0] > 20


def test_the_gradient_of_the_readout_does_not_depend_on_the_slope(deep):
    found = diagnose(deep, widths=WIDTHS)
    assert len({g.log10_norm for g in found if g.layer == "output"}) == 1


def test_a_higher_slope_scales_the_gradient_of_each_population_it_passes(deep):
    low, high = (
        next(iter(diagnose(deep, widths=[1.0], heights=[h], time_steps=[1], depths=[3])))
        for h in (1.0, 10.0)
    )
    assert high.log10_norm - low.log10_norm == pytest.approx(3, abs=1e-3)


def test_one_row_for_each_layer_and_each_point_of_the_grid(deep):
    grid = {
        "widths": [1.0, 2.0],
        "heights": [1.0, 3.0, 5.0],
        "time_steps": [2, 4],
        "depths": [1, 3],
    }
    found = list(diagnose(deep, **grid))
    assert len(found) == 2 * 3 * 2 * (2 + 4)
    assert {(g.depth, g.time_steps) for g in found} == {(1, 2), (1, 4), (3, 2), (3, 4)}


def test_what_has_no_slope_or_no_hidden_layers_is_refused(tiny):
    with pytest.raises(TrainingError, match="no surrogate slope"):
        next(diagnose(tiny(neuron={"kind": "clipped-relu"}), widths=[1.0]))
    with pytest.raises(TrainingError, match=r"Set network\.kind to mlp"):
        next(diagnose(tiny(network={"kind": "convnet"}), widths=[1.0], depths=[3]))
    with pytest.raises(SpecError, match="surrogate_width: must be greater than 0"):
        next(diagnose(tiny(), widths=[0.0]))
