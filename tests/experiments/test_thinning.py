"""A long curve made short keeps what matters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlab.experiments.thinning import kept


@given(st.integers(1, 5000), st.integers(4, 300), st.integers(0, 2**32 - 1))
def test_a_thinned_curve_is_short_and_keeps_its_ends_and_extremes(n, most, seed):
    values = np.random.default_rng(seed).normal(size=n)
    places = kept(values, most)
    assert len(places) <= max(most, min(n, 4))
    assert {0, n - 1, values.argmin(), values.argmax()} <= set(places.tolist())
    assert (np.diff(places) > 0).all()


def test_a_spike_of_one_step_survives_and_no_number_hides_it():
    values = np.zeros(10_000)
    values[1::2] = np.nan
    values[4321] = 7.0
    values[4322] = -np.inf
    places = kept(values, 100)
    assert {4321, 4322} <= set(places.tolist())
    assert len(places) <= 100


@pytest.mark.parametrize("n", [1, 2, 100])
def test_a_short_curve_stays_as_it_is(n):
    assert kept(np.arange(n), 100).tolist() == list(range(n))
