"""Rules of plasticity against closed forms, their definitions in words, and published shapes."""

import math

import pytest
import torch

from snnlab.learning.stdp.pairs import Window, pair, window
from snnlab.learning.stdp.protocols import (
    pairing,
    post_pre_post,
    pre_post_pre,
    quadruplet,
    stimulus,
)
from snnlab.learning.stdp.reward import rewarded
from snnlab.learning.stdp.triplets import Triplet, triplet
from snnlab.learning.stdp.voltage import Voltage, voltage


SHAPE = Window(a_plus=0.7, a_minus=0.4, tau_plus=17, tau_minus=34)


def trains(seed, spikes=40, length=2000.0):
    """Random spikes of an input and a neuron, in ms."""
    times = torch.rand(2, spikes, generator=torch.Generator().manual_seed(seed)) * length
    return (sorted(row.tolist()) for row in times.double())


@pytest.mark.parametrize("lag", [-80.0, -10.0, -0.5, 0.5, 10.0, 80.0])
@pytest.mark.parametrize("scheme", ["all-to-all", "nearest", "pre-centred", "restricted"])
def test_one_pair_changes_a_synapse_by_the_window(lag, scheme):
    change = pair(*stimulus([100.0], [100.0 + lag]), SHAPE, scheme).sum()
    expected = 0.7 * math.exp(-lag / 17) if lag > 0 else -0.4 * math.exp(lag / 34)
    assert change.item() == pytest.approx(expected, rel=1e-12)
    assert window(torch.tensor(lag), SHAPE).item() == pytest.approx(expected, rel=1e-6)


def test_spikes_at_the_same_moment_are_no_pair():
    assert pair(*stimulus([5.0], [5.0]), SHAPE).sum() == 0
    assert window(torch.tensor(0.0), SHAPE) == 0


def pairs_that_count(pre, post, scheme):
    """Each scheme in the words of its definition: (input spike, neuron's spike) for each pair."""

    def last_before(t, times):
        return max((x for x in times if x < t), default=None)

    def first_after(t, times):
        return min((x for x in times if x > t), default=None)

    if scheme == "all-to-all":
        return [(s, z) for s in pre for z in post]
    up = [(last_before(z, pre), z) for z in post]
    down = [(s, last_before(s, post)) for s in pre]
    if scheme == "pre-centred":
        up = [(s, first_after(s, post)) for s in pre]
    if scheme == "restricted":
        both = sorted([*pre, *post])
        up = [(s, z) for s, z in up if s is not None and both[both.index(s) + 1] == z]
        down = [(s, z) for s, z in down if z is not None and both[both.index(z) + 1] == s]
    return [(s, z) for s, z in up + down if s is not None and z is not None]


@pytest.mark.parametrize("scheme", ["all-to-all", "nearest", "pre-centred", "restricted"])
@pytest.mark.parametrize("seed", range(5))
def test_traces_give_the_sum_of_the_window_over_the_pairs_that_count(scheme, seed):
    pre, post = trains(seed)
    lags = [z - s for s, z in pairs_that_count(pre, post, scheme)]
    expected = window(torch.tensor(lags, dtype=torch.float64), SHAPE).sum()
    torch.testing.assert_close(pair(*stimulus(pre, post), SHAPE, scheme).sum(), expected)


def test_a_regular_grid_gives_the_same_as_only_the_moments_with_spikes():
    pre = (torch.rand(300, 2, generator=torch.Generator().manual_seed(1)) < 0.1).double()
    post = (torch.rand(300, 2, generator=torch.Generator().manual_seed(2)) < 0.1).double()
    dense = pair(pre, post, torch.full((300,), 0.5).double(), SHAPE).sum(0)
    for synapse in range(2):
        times = [(0.5 * x[:, synapse].nonzero()[:, 0]).tolist() for x in (pre, post)]
        torch.testing.assert_close(pair(*stimulus(*times), SHAPE).sum(), dense[synapse])


@pytest.mark.parametrize("scheme", ["all-to-all", "nearest"])
def test_without_its_triplet_terms_the_triplet_rule_is_the_pair_rule(scheme):
    shape = Triplet(0.7, 0.0, 0.4, 0.0, tau_plus=17, tau_minus=34)
    random = stimulus(*trains(3))
    torch.testing.assert_close(triplet(*random, shape, scheme), pair(*random, SHAPE, scheme))


def test_all_to_all_triplets_are_the_sum_over_every_pair_and_triple_of_spikes():
    pre, post = trains(4, spikes=15, length=500)
    p = Triplet(0.3, 0.5, 0.2, 0.4)
    total = 0.0
    for z in post:
        r1 = sum(math.exp(-(z - s) / p.tau_plus) for s in pre if s < z)
        o2 = sum(math.exp(-(z - other) / p.tau_y) for other in post if other < z)
        total += r1 * (p.a2_plus + p.a3_plus * o2)
    for s in pre:
        o1 = sum(math.exp(-(s - z) / p.tau_minus) for z in post if z < s)
        r2 = sum(math.exp(-(s - other) / p.tau_x) for other in pre if other < s)
        total -= o1 * (p.a2_minus + p.a3_minus * r2)
    assert triplet(*stimulus(pre, post), p).sum().item() == pytest.approx(total, rel=1e-10)


FIRST, SECOND = 5.0, 15.0


def test_lone_triplets_have_their_closed_forms():
    p = Triplet(0.3, 0.5, 0.2, 0.4)
    both = FIRST + SECOND
    up = math.exp(-FIRST / p.tau_plus) * p.a2_plus
    down = math.exp(-SECOND / p.tau_minus) * (p.a2_minus + p.a3_minus * math.exp(-both / p.tau_x))
    one = triplet(*pre_post_pre(FIRST, SECOND, times=1), p).sum()
    assert one.item() == pytest.approx(up - down, rel=1e-12)
    down = math.exp(-FIRST / p.tau_minus) * p.a2_minus
    up = math.exp(-SECOND / p.tau_plus) * (p.a2_plus + p.a3_plus * math.exp(-both / p.tau_y))
    other = triplet(*post_pre_post(FIRST, SECOND, times=1), p).sum()
    assert other.item() == pytest.approx(up - down, rel=1e-12)


def test_a_triplet_that_ends_with_the_neuron_potentiates_and_its_mirror_does_not():
    """The asymmetry of Wang et al. 2005; a symmetric pair rule sees no difference."""
    for lag in (5.0, 10.0):
        assert triplet(*post_pre_post(lag, lag)).sum() > triplet(*pre_post_pre(lag, lag)).sum()
        same = [pair(*kind(lag, lag), SHAPE).sum() for kind in (post_pre_post, pre_post_pre)]
        torch.testing.assert_close(*same, rtol=1e-6, atol=1e-6)


RATES = [0.1, 1.0, 10.0, 20.0, 40.0, 50.0]


def curve(lag):
    return [triplet(*pairing(lag, rate)).sum().item() for rate in RATES]


def test_potentiation_grows_with_the_frequency_of_pairing():
    """The shape of Sjöström et al. 2001, from 0.1 to 50 Hz: none at 0.1 Hz, then ever more."""
    before = curve(10.0)
    assert abs(before[0]) < 1e-3
    assert before == sorted(before)
    assert before[-1] > 0.2


def test_post_before_pre_depresses_at_low_and_potentiates_at_high_frequency():
    after = curve(-10.0)
    assert after[0] < after[1] * 0.9 < 0
    assert after[2] < 0 < after[-1]


def test_no_pair_rule_potentiates_more_at_higher_frequency():
    symmetric = Window(a_plus=1, a_minus=1.05, tau_plus=16.8, tau_minus=33.7)
    total = [pair(*pairing(10.0, rate), symmetric).sum().item() for rate in RATES]
    assert total == sorted(total, reverse=True)
    assert total[0] > 0 > total[-1]


def test_at_0_1_hz_pairs_do_not_feel_each_other():
    p = Triplet()
    expected = -60 * math.exp(-10 / p.tau_minus) * p.a2_minus
    assert curve(-10.0)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("distance", [-60.0, -20.0, 20.0, 60.0])
def test_a_quadruplet_is_four_pairs_and_a_pair_rule_does_not_see_their_order(distance):
    change = pair(*quadruplet(distance, lag=5.0, times=1), SHAPE).sum()
    lags = torch.tensor([-5.0, 5.0, distance, -distance]).double()
    torch.testing.assert_close(change, window(lags, SHAPE).sum())


@pytest.mark.parametrize("distance", [10.0, 20.0, 60.0])
def test_the_triplet_rule_potentiates_most_if_pre_post_comes_last(distance):
    """The asymmetry of quadruplets in Wang et al. 2005."""
    last, first = (triplet(*quadruplet(d, lag=5.0)).sum() for d in (distance, -distance))
    assert last > first


def test_a_change_counts_only_if_reward_follows_and_the_less_the_later():
    changes = torch.zeros(5, 1).double()
    changes[1] = 0.3  # one pair, at 10 ms
    gaps = torch.tensor([0.0, 10, 400, 1, 500]).double()
    pulse = torch.tensor([0.0, 0, 0, 2, 0]).double()  # 2 per ms, during 1 ms
    total = rewarded(changes, pulse, gaps, tau=1000.0).sum().item()
    exact = 0.3 * 2 * 1000 * (math.exp(-0.4) - math.exp(-0.401))
    assert total == pytest.approx(exact, rel=1e-9)
    early = torch.tensor([0.0, 2, 0, 0, 0]).double()  # before the pair
    assert rewarded(changes, early, gaps).sum() == 0


def test_constant_reward_gives_the_whole_change_and_a_baseline_takes_it():
    changes = torch.zeros(2, 3).double()
    changes[0] = torch.tensor([0.1, -0.2, 0.3])
    gaps, one = torch.tensor([0.0, 1e5]).double(), torch.ones(2).double()
    torch.testing.assert_close(rewarded(changes, one, gaps, tau=50.0).sum(0), 50 * changes.sum(0))
    assert rewarded(changes, one, gaps, baseline=1.0).abs().sum() == 0
    torch.testing.assert_close(
        rewarded(changes, one * 0, gaps, tau=50.0, baseline=1.0).sum(0), -50 * changes.sum(0)
    )


DT = 0.25


def clamped(potential, spikes=20, shape=Voltage()):  # noqa: B008
    """Changes by input spikes at 20 Hz while the potential is held, as in a voltage clamp."""
    pre = torch.zeros(int(spikes * 50 / DT), len(potential)).double()
    pre[int(25 / DT) :: int(50 / DT)] = 1
    u = torch.tensor(potential).double().expand_as(pre)
    return voltage(pre, u, DT, rest=potential[0] if len(potential) == 1 else -70.6, shape=shape)


def test_depression_of_a_clamped_neuron_is_linear_in_its_depolarisation():
    change = clamped([-60.0], spikes=20).sum().item()
    assert change == pytest.approx(-20 * 14e-5 * (-60 + 70.6), rel=1e-6)


def test_potentiation_by_one_spike_of_a_clamped_neuron_is_the_product_of_both_distances():
    shape = Voltage(a_depression=0)
    pre = torch.zeros(600, 1).double()
    pre[0] = 1
    u = torch.full_like(pre, -30.0)
    change = voltage(pre, u, DT, rest=-30.0, shape=shape).sum().item()
    assert change == pytest.approx(8e-5 * (45.3 - 30) * (70.6 - 30), rel=0.01)


def test_a_held_potential_first_does_nothing_then_depresses_then_potentiates():
    """The two thresholds of Artola, Bröcher & Singer 1990, which the rule is built to show."""
    hold = [-80.0, -71.0, -60.0, -50.0, -20.0, 0.0]
    rest, below, low, middle, high, higher = clamped(hold).sum(0).tolist()
    assert rest == below == 0
    assert middle < low < 0 < high < higher


def waveform(post, steps):
    """A potential: 1 ms at 20 mV in a spike, then 20 mV above rest that decay with 40 ms."""
    u, after = torch.full((steps, 1), -70.6).double(), 0.0
    spikes = {round(t / DT) for t in post}
    for step in range(steps):
        after = after * math.exp(-DT / 40) + 20 * (step in spikes)
        u[step] += after
    for step in spikes:
        u[step : step + int(1 / DT)] = 20
    return u


def paired(lag, rate, pairs=5):
    """The change by voltage plasticity of a few pairs of spikes at a frequency."""
    pre = [100 + i * 1000 / rate for i in range(pairs)]
    steps = int((pre[-1] + 200) / DT)
    train = torch.zeros(steps, 1).double()
    train[[round(t / DT) for t in pre]] = 1
    return voltage(train, waveform([t + lag for t in pre], steps), DT).sum().item()


def test_voltage_plasticity_potentiates_the_more_the_higher_the_frequency_of_pairs():
    """The shape of Sjöström et al. 2001, for which Clopath et al. 2010 built the rule."""
    before, after = ([paired(lag, rate) for rate in (10.0, 20, 50)] for lag in (10.0, -10.0))
    assert 0 < before[0] < before[1] < before[2] / 5
    assert after[0] < 0 < after[2]


def test_of_many_synapses_the_one_that_precedes_the_reward_grows():
    """The distal reward problem of Izhikevich 2007: reward comes late, after other spikes."""
    generator = torch.Generator().manual_seed(1)
    steps, synapses = 20_000, 20  # of 1 ms
    pre, post = (
        (torch.rand((steps, n), generator=generator) < 0.002).double() for n in (synapses, 1)
    )
    reward = torch.zeros(steps).double()
    for start in range(0, steps, 1000):
        pre[start + 100, 0] = post[start + 105] = 1
        reward[start + 500] = 1
    shape = Window(a_plus=1.0, a_minus=1.5)
    gaps = torch.ones(steps).double()
    wanted = pair(pre, post.expand_as(pre), gaps, shape)
    change = rewarded(wanted, reward, gaps, tau=300.0).sum(0)
    assert change.argmax() == 0
    assert change[0] > 2 * change[1:].abs().max()
