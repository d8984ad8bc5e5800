"""Against scipy, and against tables worked out by hand."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

from snnlab.experiments import statistics
from snnlab.experiments.statistics import (
    bootstrap,
    compared_with_all,
    difference,
    finite,
    holm,
    interval,
    quantile,
    rank,
    two_sided,
)


ACCURACIES = [97.1, 96.4, 98.0, 97.7, 96.9]
OTHERS = [96.0, 96.1, 97.2, 96.5, 96.6, 95.2]
values = st.lists(st.floats(0, 100), min_size=3, max_size=12).filter(lambda v: max(v) - min(v) > 1)


@given(freedom=st.floats(1, 300), t=st.floats(-60, 60))
@example(freedom=1.0, t=1.5e-7)
def test_students_law_is_scipys(freedom, t):
    expected = 2 * stats.t.sf(abs(t), freedom)
    assert two_sided(t, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@given(a=st.floats(0.3, 80), b=st.floats(0.3, 80), x=st.floats(0, 1))
def test_the_incomplete_beta_function_is_scipys(a, b, x):
    expected = special.betainc(a, b, x)
    assert statistics.beta(a, b, x) == pytest.approx(expected, rel=1e-9, abs=1e-13)


# Student 1908 in the form of any printed table, two-sided 95 %
@pytest.mark.parametrize(("freedom", "t"), [(1, 12.706), (2, 4.303), (4, 2.776), (30, 2.042)])
def test_the_quantile_is_that_of_printed_tables(freedom, t):
    assert quantile(0.95, freedom) == pytest.approx(t, abs=5e-4)


def test_an_interval_by_hand():
    # mean 2, spread 1, error 1 / sqrt(3), t(2) = 4.302653
    low, high = interval([1.0, 2.0, 3.0])
    assert (low, high) == (pytest.approx(-0.484138, abs=1e-6), pytest.approx(4.484138, abs=1e-6))


@given(values)
def test_an_interval_is_scipys(values):
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert tuple(interval(values)) == pytest.approx(tuple(expected), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("few", [[], [97.0], [97.0, 99.0]])
def test_fewer_than_three_seeds_have_no_interval(few):
    assert interval(few) is None
    assert bootstrap(few) is None


def test_the_bootstrap_is_scipys_percentile_method():
    ours = bootstrap(ACCURACIES)
    theirs = stats.bootstrap(
        [ACCURACIES], lambda x, axis: x.mean(axis), method="percentile", rng=0
    ).confidence_interval
    assert tuple(ours) == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert bootstrap(ACCURACIES) == ours


def test_shared_seeds_are_paired():
    ours, other = dict(enumerate(ACCURACIES)), dict(enumerate(OTHERS))
    found = difference(ours, other)
    test = stats.ttest_rel(ACCURACIES, OTHERS[:5])
    gaps = [a - b for a, b in zip(ACCURACIES, OTHERS, strict=False)]
    assert (found.paired, found.n) == (True, 5)
    assert found.p == pytest.approx(test.pvalue, rel=1e-9)
    assert tuple(found.interval) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert found.effect == pytest.approx(stats.tmean(gaps) / stats.tstd(gaps))


def test_seeds_of_their_own_are_welchs():
    ours = dict(enumerate(ACCURACIES))
    found = difference(ours, dict(enumerate(OTHERS, 100)))
    test = stats.ttest_ind(ACCURACIES, OTHERS, equal_var=False)
    assert (found.paired, found.n) == (False, 5)
    assert found.p == pytest.approx(test.pvalue, rel=1e-9)
    assert tuple(found.interval) == pytest.approx(tuple(test.confidence_interval(0.95)))


def test_hedges_g_by_hand():
    # means 2 and 5, both spreads 1: d = -3, and J = 1 - 3 / (4 * 4 - 1) = 0.8
    assert statistics.hedges([1, 2, 3], [4, 5, 6]) == pytest.approx(-2.4)


def test_two_seeds_shared_are_no_test():
    found = difference({1: 97.0, 2: 98.0}, {1: 96.0, 2: 96.0})
    assert found == (2, pytest.approx(1.5), None, None, None, False)


def test_values_that_never_vary_differ_surely_or_not_at_all():
    same = dict.fromkeys((1, 2, 3), 97.0)
    assert difference(same, same).p == 1.0
    assert difference(same, dict.fromkeys((1, 2, 3), 96.0)).p == 0.0
    assert difference(same, dict.fromkeys((4, 5, 6), 96.0)).p == 0.0
    assert difference(same, same).effect is None


def test_holm_by_hand():
    # sorted 0.01 0.02 0.03 0.04 times 4 3 2 1, never falling: 0.04 0.06 0.06 0.06
    assert holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx([0.06, 0.04, None, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_asking_often_is_corrected_for():
    ours = dict(enumerate(ACCURACIES))
    others = [dict(enumerate(OTHERS)), {seed: v - 0.2 for seed, v in enumerate(OTHERS)}]
    alone = [difference(ours, other).p for other in others]
    assert [found.p for found in compared_with_all(ours, others)] == holm(alone)


def test_what_is_no_number_is_left_out():
    assert finite([None, math.nan, math.inf, -math.inf, 3.0]) == [3.0]


def test_overlapping_intervals_share_a_rank():
    # A 98..99, B 97.5..98.2 overlaps A, C 96..97.6 overlaps B but not A, D is the point 90
    lows = sorted([98.0, 97.5, 96.0, 90.0])
    assert [rank(high, lows) for high in (99.0, 98.2, 97.6, 90.0)] == [1, 1, 2, 4]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=20))
def test_a_rank_counts_what_is_surely_better(pairs):
    lows = sorted(float(low) for low, _ in pairs)
    for low, width in pairs:
        better = sum(other > low + width for other, _ in pairs)
        assert rank(low + width, lows) == 1 + better
