"""The competing population, and STDP in it, against mathematics."""

import math

import pytest
import torch

from snnlab.learning.errors import TrainingError
from snnlab.learning.networks.diehl_cook import DiehlCook
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.problems import SpecError
from snnlab.learning.rules.stdp import STDP, Shown
from snnlab.learning.stdp.competition import Votes
from snnlab.learning.stdp.events import Events


SHAPE = (1, 4, 5)
NEURON = LIF(tau=100, dt=0.5, v_threshold=13, reset="hard")


def network(seed=0, **fields):
    built = (
        DiehlCook(neurons=4, **{"inhibition": 17, **fields})
        .build(SHAPE, 3, NEURON, seed=seed)
        .double()
    )
    built.layers.excitatory.synapse.weight.mul_(3)  # few inputs: make them strong
    return built


def spikes(steps=200, batch=1, rate=0.2, seed=0):
    chance = torch.rand((steps, batch, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return (chance < rate).double()


def online(built, rule, x):
    """The paper's algorithm for one image, written down plainly: weights change at every spike."""
    population = built.layers.excitatory
    w, theta = population.synapse.weight.clone(), population.theta.clone()
    n, dt = len(theta), NEURON.dt
    v, g_e, g_i, pre, post, slow = (torch.zeros(k).double() for k in (n, n, n, 20, n, n))
    refractory_until, count = torch.full((n,), -1), torch.zeros(n).double()
    nearest = rule.pairing == "nearest"
    for t, now in enumerate(x.flatten(1).bool()):
        pre, post = pre * math.exp(-dt / rule.tau_pre), post * math.exp(-dt / rule.tau_post)
        slow = slow * math.exp(-dt / rule.tau_slow)
        pre[now] = 1.0 if nearest else pre[now] + 1
        g_e = g_e * math.exp(-dt / 1) + w[:, now].sum(1)
        g_i = g_i * math.exp(-dt / 2)
        w[:, now] -= rule.depression * post[:, None]
        k = dt / 100
        v = (v + k * (65 * g_e - 35 * g_i)) / (1 + k * (1 + g_e + g_i))
        over = torch.where(refractory_until < t, v - (13 + theta - 20), -1e9)
        fired = (over > 0) & (torch.arange(n) == over.argmax())
        for j in fired.nonzero()[:, 0].tolist():
            w[j] += rule.potentiation * pre * (slow[j] if rule.order == "triplet" else 1)
            post[j], slow[j] = (1, 1) if nearest else (post[j] + 1, slow[j] + 1)
            v[j], refractory_until[j] = 0, t + round(5 / dt)
            g_i[torch.arange(n) != j] += 17
        theta = theta + rule.theta_plus * fired
        count += fired
        w.clamp_(0, 1)
    w *= rule.weight_sum / w.sum(1, keepdim=True)
    return w, theta * math.exp(-len(x) * dt / rule.tau_theta), count


@pytest.mark.parametrize("pairing", ["nearest", "all-to-all"])
@pytest.mark.parametrize("order", ["pair", "triplet"])
def test_one_image_at_a_time_is_the_online_rule_of_the_paper(pairing, order):
    rule = STDP(
        pairing=pairing,
        order=order,
        every=1,
        potentiation=0.05,
        depression=0.01,
        weight_sum=6,
        theta_plus=1,
    )
    built = network()
    before = built.layers.excitatory.synapse.weight.clone()
    w, theta, count = online(built, rule, spikes()[:, 0])
    list(rule.updates(built, spikes(), torch.tensor([2])))
    assert (count > 0).sum() > 1
    assert count.sum() > 10
    assert (before - w).abs().max() > 0.05
    torch.testing.assert_close(built.layers.excitatory.synapse.weight.data, w)
    torch.testing.assert_close(built.layers.excitatory.theta, theta)
    torch.testing.assert_close(built.layers.output.responses[2], count)


def test_weights_that_change_only_after_the_image_agree_as_learning_gets_slow():
    """The two differ by the second order of the learning rate."""

    def after(every, rate):
        built = network()
        start = built.layers.excitatory.synapse.weight.clone()
        start /= start.sum(1, keepdim=True)
        rule = STDP(every=every, potentiation=rate, depression=rate, weight_sum=1)
        list(rule.updates(built, spikes(), torch.tensor([0])))
        return (built.layers.excitatory.synapse.weight.data - start) / rate

    torch.testing.assert_close(after(0, 1e-7), after(1, 1e-7), rtol=1e-3, atol=1e-4)
    assert (after(0, 0.1) - after(1, 0.1)).abs().max() > 1e-2


def test_the_changes_of_a_batch_are_the_sum_of_its_images():
    rule = STDP(theta_plus=0, potentiation=0.01)
    population = network().layers.excitatory
    x, weight = spikes(batch=3).flatten(2), population.synapse.weight.t().contiguous()

    def changes(images):
        return rule.changes(population, images, weight, Shown.start(population, images))

    assert changes(x).abs().max() > 0.01
    torch.testing.assert_close(changes(x), sum(changes(x[:, [i]]) for i in range(3)))


def test_learning_never_looks_at_the_labels():
    weights = []
    for labels in [0, 1, 2], [2, 2, 0]:
        built = network()
        list(STDP().updates(built, spikes(batch=3), torch.tensor(labels)))
        weights.append(built.layers.excitatory.synapse.weight.clone())
    assert torch.equal(*weights)


def test_weights_are_normalised_and_thresholds_rise_with_every_spike():
    built = network()
    rule = STDP(weight_sum=7, theta_plus=0.5, tau_theta=1e12)
    list(rule.updates(built, spikes(batch=3), torch.tensor([0, 1, 2])))
    population, votes = built.layers.excitatory, built.layers.output
    torch.testing.assert_close(population.synapse.weight.sum(1), torch.full((4,), 7.0).double())
    torch.testing.assert_close(population.theta, 20 + 0.5 * votes.responses.sum(0))
    assert votes.responses.sum() > 10


def test_evaluation_changes_nothing():
    built = network()
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    assert built.layers.excitatory(spikes(batch=2).flatten(2)).sum() > 10
    assert all(torch.equal(before[name], now) for name, now in built.state_dict().items())


@pytest.mark.parametrize("g", [0.1, 5.0, 500.0])
def test_a_constant_conductance_drives_the_potential_to_its_weighted_reversal(g):
    population = network(tau_excitatory=1e6).layers.excitatory
    population.circuit = population.circuit._replace(v_threshold=1e3, dt=10)
    state = population.start(torch.zeros(2, 4).double())
    state.excitation.fill_(g)
    for _ in range(150):
        assert population.step(torch.zeros(2, 4).double(), state) is None
    torch.testing.assert_close(
        state.v, torch.full_like(state.v, 65 * g / (1 + g)), rtol=2e-3, atol=1e-3
    )


def test_a_spike_inhibits_all_other_neurons_of_the_same_image_only():
    population = network().layers.excitatory
    drive = torch.zeros(2, 4).double()
    drive[0, 1] = 1e3
    state = population.start(drive)
    fired = population.step(drive, state)
    assert [index.tolist() for index in fired] == [[0], [1]]
    assert state.inhibition.tolist() == [[17, 0, 17, 17], [0, 0, 0, 0]]
    assert state.v[0, 1] == 0


def test_a_refractory_neuron_stays_silent_however_strong_the_input():
    population = network(refractory=5.0).layers.excitatory
    drive = torch.zeros(1, 4).double()
    drive[0, 2] = 1e6
    state = population.start(drive)
    when = [t for t in range(30) if population.step(drive, state)]
    assert when == [0, 11, 22]  # 5 ms are ten steps


def test_of_several_neurons_the_one_furthest_above_its_threshold_fires():
    population = network().layers.excitatory
    drive = torch.tensor([[1e3, 1e3, 1e3, 1e3]]).double()
    population.theta[2] -= 1
    fired = population.step(drive, population.start(drive))
    assert fired.neuron.tolist() == [2]


def test_events_give_the_same_as_the_dense_products():
    x, w, values = spikes(1, 30, 0.3)[0].flatten(1), torch.rand(20, 4), torch.rand(30, 4)
    x = x.float()
    x[7:9], x[:, 3] = 0, 0  # samples without events, an input without
    events = Events.of(x)
    torch.testing.assert_close(events.currents(w), x @ w)
    torch.testing.assert_close(events.correlate(values, 20), x.T @ values)


def test_a_neuron_votes_for_the_class_of_its_highest_mean_response():
    votes = Votes(neurons=3, classes=2)
    votes.count(torch.tensor([[2.0, 0, 0], [2, 0, 0], [3, 1, 0]]), torch.tensor([0, 0, 1]), 1e9)
    votes.assign()
    assert votes.votes.tolist() == [[0, 0.5], [0, 0.5], [0, 0]]  # 4 spikes, but for two images
    scores = votes(torch.tensor([[[1.0, 1, 1]]]))
    assert scores.tolist() == [[[0, 1]]]


def test_old_responses_fade():
    votes = Votes(neurons=1, classes=2)
    votes.count(torch.tensor([[1.0]]), torch.tensor([0]), memory=1.0)
    votes.count(torch.tensor([[1.0]]), torch.tensor([1]), memory=1.0)
    torch.testing.assert_close(votes.responses[:, 0], torch.tensor([math.exp(-1), 1.0]))


def test_another_network_is_refused():
    other = MLP(hidden=(4,)).build(SHAPE, 3, LIF())
    with pytest.raises(TrainingError, match="only networks of kind 'diehl-cook'"):
        list(STDP().updates(other, spikes().float(), torch.tensor([0])))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": {"kind": "stdp"}}, "'stdp' cannot train network.kind 'mlp'. It trains 'diehl-c"),
        ({"network": {"kind": "diehl-cook"}}, "neuron.kind 'lif' with neuron.reset 'hard', got 'l"),
        (
            {"network": {"kind": "diehl-cook"}, "neuron": {"kind": "if", "reset": "hard"}},
            "got 'if', reset 'hard'",
        ),
        (
            {"network": {"kind": "diehl-cook"}, "neuron": {"kind": "lif", "reset": "hard"}},
            "'bptt' cannot train network.kind 'diehl-cook'. It trains",
        ),
        (
            {
                "network": {"kind": "diehl-cook"},
                "neuron": {"kind": "lif", "reset": "hard"},
                "rule": {"kind": "stdp"},
            },
            "needs input spikes: set encoder.kind to 'poisson'",
        ),
        (
            {
                "encoder": {"kind": "poisson", "signed": True},
                "network": {"kind": "diehl-cook"},
                "neuron": {"kind": "lif", "reset": "hard"},
                "rule": {"kind": "stdp"},
            },
            "encoder.signed and encoder.mean to false",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(tiny, changes, message):
    with pytest.raises(SpecError) as caught:
        tiny(**changes)
    assert message in str(caught.value)
