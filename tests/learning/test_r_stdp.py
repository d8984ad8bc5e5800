"""Layers that fire once, their competition, and learning by reward, against mathematics."""

import pytest
import torch

from snnlab.learning.energy import metered
from snnlab.learning.errors import TrainingError
from snnlab.learning.networks.conv_stdp import ConvSTDP
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.rules.r_stdp import RSTDP
from snnlab.learning.stdp.once import (
    Choice,
    FireOnce,
    FirstPool,
    difference_of_gaussians,
    latencies,
    ranked,
    spikes_at,
    winners,
)


STEPS = 6
FIELDS = {
    "maps": [3],
    "kernels": [2],
    "pools": [2],
    "thresholds": [1.5],
    "per_class": 2,
    "contrast": 0.05,
}
ONE = {"images": [10], "thresholds": [1.0], "winners": [1], "radii": [0]}


def network(seed=0, **fields):
    return ConvSTDP(**{**FIELDS, **fields}).build((1, 9, 8), 2, IF(), seed=seed)


def images(count=2, seed=0):
    drawn = torch.rand((count, 1, 9, 8), generator=torch.Generator().manual_seed(seed))
    return drawn.expand(STEPS, *drawn.shape)


def random_spikes(*shape, seed=0):
    """Each input fires once, or never."""
    moment = torch.randint(0, STEPS + 1, shape, generator=torch.Generator().manual_seed(seed))
    return spikes_at(moment.float(), STEPS)


def test_latencies_and_spikes_are_each_others_reverse():
    latency = torch.tensor([[0.0, 3, 5, 6]])
    spikes = spikes_at(latency, STEPS)
    assert spikes.sum(0).tolist() == [[1, 1, 1, 0]]
    assert spikes[3].tolist() == [[0, 1, 0, 0]]
    assert torch.equal(latencies(spikes), latency)


def test_contrast_is_coded_by_order_with_equally_many_spikes_in_a_step():
    strength = torch.tensor([[0.9, 0.1, 0.5, 0.8, 0.3, 0.0, 0.6]])
    assert ranked(strength, 3, threshold=0.1).tolist() == [[0, 3, 1, 0, 2, 3, 1]]


def test_the_filter_of_contrast_sees_no_uniform_image():
    kernel = difference_of_gaussians()
    assert kernel.sum().abs() < 1e-6
    assert kernel.clamp(min=0).sum().item() == pytest.approx(1, rel=1e-5)
    assert kernel[3, 3] == kernel.max()
    dark, bright = torch.full((1, 1, 9, 8), 0.2), torch.full((1, 1, 9, 8), 0.9)
    for image in dark, bright:
        assert network().layers.contrast(image.expand(STEPS, 1, 1, 9, 8)).sum() == 0


def test_a_bright_spot_is_seen_by_the_first_map_and_a_dark_one_by_the_second():
    spot = torch.zeros(2, 1, 9, 8)
    spot[0, 0, 4, 4], spot[1, 0, 4, 4] = 5, -5
    first = network().layers.contrast(spot.expand(STEPS, *spot.shape))[0]
    assert first[:, :, 4, 4].tolist() == [[1, 0], [0, 1]]


def test_neurons_fire_once_when_the_sum_of_weights_first_reaches_the_threshold():
    x = random_spikes(4, 2, 5, 5)
    layer = FireOnce(2, 3, 2, threshold=4.0)
    spikes = layer(x)
    v = torch.zeros(4, 3, 4, 4)
    done = torch.zeros(4, 3, 4, 4, dtype=torch.bool)
    for now, expected_input in zip(spikes, x, strict=True):
        v = v + layer.synapse(expected_input)
        fires = (v >= 4.0) & ~done
        assert torch.equal(now, fires.float())
        done |= fires
    assert 0 < spikes.sum() < done.numel()


def test_with_inhibition_only_the_first_map_fires_at_a_place_and_of_equals_the_strongest():
    layer = FireOnce(1, 3, 1, threshold=1.0, inhibition=True)
    layer.synapse.weight.copy_(torch.tensor([0.5, 1.0, 1.2]).view(3, 1, 1, 1))
    x = spikes_at(torch.tensor([[[[2.0, 6.0]]]]), STEPS)
    assert layer(x).nonzero().tolist() == [[2, 0, 2, 0, 0]]


def test_many_steps_are_counted_right():
    layer = FireOnce(1, 1, 1, threshold=0.5)
    x = spikes_at(torch.tensor([[[[290.0, 300.0]]]]), 300)
    assert latencies(layer(x)).tolist() == [[[[290, 300]]]]


def test_pooling_keeps_the_earliest_spike_only():
    latency = torch.tensor([[[[4.0, 2, 6, 6], [3, 5, 6, 6]]]])
    assert latencies(FirstPool(2)(spikes_at(latency, STEPS))).tolist() == [[[[2, 6]]]]


def test_the_output_adds_up_to_the_highest_potential_of_each_class():
    layer = Choice(5, classes=2, per_class=3)
    x = random_spikes(4, 5)
    v = (x.cumsum(0) @ layer.synapse.weight.T).view(STEPS, 4, 2, 3)
    torch.testing.assert_close(layer(x).cumsum(0), v.amax(3))


def test_first_wins_then_inhibits_its_map_and_its_neighbourhood():
    rank = torch.zeros(2, 3, 5, 5)
    rank[0, 0, 1, 1] = 6.5  # wins
    rank[0, 0, 4, 4] = 6.4  # same map
    rank[0, 1, 2, 2] = 6.3  # one pixel away
    rank[0, 2, 3, 1] = 5.0  # two pixels away: wins
    rank[1, 2, 0, 0] = 1.0  # another image
    assert [w.tolist() for w in winners(rank, 3, radius=1)] == [
        [0, 1, 0],
        [0, 2, 2],
        [1, 0, 3],
        [1, 0, 1],
    ]
    assert len(winners(rank, 1, radius=1).map) == 2
    assert (0, 1, 2, 2) in zip(*(w.tolist() for w in winners(rank, 2, radius=0)), strict=True)


def test_a_known_order_of_spikes_changes_the_winner_by_its_closed_form():
    """Inputs at 0, 2, 4 and never; the neuron fires with the second: two grow, two decline."""
    layer = FireOnce(1, 2, 2, threshold=1.0)
    w = torch.tensor([[0.4, 0.7], [0.6, 0.9]])
    layer.synapse.weight.copy_(torch.stack([w, w / 2]).unsqueeze(1))
    x = spikes_at(torch.tensor([[[[0.0, 2.0], [4.0, 6.0]]]]), STEPS)
    RSTDP(**ONE, potentiation=0.1, depression=0.03).compete(layer, x, 0)
    signs = torch.tensor([[0.1, 0.1], [-0.03, -0.03]])
    torch.testing.assert_close(layer.synapse.weight[0, 0], w + signs * w * (1 - w))
    assert torch.equal(layer.synapse.weight[1, 0], w / 2)  # inhibited: it learns nothing


def test_a_map_learns_the_mean_of_what_its_winners_ask_for():
    rule = RSTDP(**ONE, potentiation=0.2, depression=0.1)
    x = random_spikes(3, 1, 4, 4, seed=2)
    asked = []
    for part in *x.split(1, 1), x:
        layer = FireOnce(1, 1, 2, threshold=1.0)
        layer.synapse.weight.fill_(0.6)
        rule.compete(layer, part, 0)
        asked.append(layer.synapse.weight - 0.6)
    assert asked[0].abs().min() > 0.01
    torch.testing.assert_close(asked[3], sum(asked[:3]) / 3)


def chooser(weights):
    layer = Choice(3, classes=2, per_class=1)
    layer.synapse.weight.copy_(torch.tensor(weights))
    layer.wrong.fill_(0.3)
    return layer


SIGNS = {0: (0.3, -0.3 * 0.75), 1: (-0.7, 0.7 / 8)}  # by label; neuron 0 chooses


@pytest.mark.parametrize("label", SIGNS)
def test_reward_strengthens_what_fired_and_punishment_reverses_the_sign(label):
    layer = chooser([[0.7, 0.5, 0.4], [0.3, 0.3, 0.3]])
    before = layer.synapse.weight.clone()
    fired, silent = SIGNS[label]
    rule = RSTDP(**ONE, reward=0.1, dropout=0)
    rule.choose(layer, spikes_at(torch.tensor([[0.0, 5, 6]]), STEPS), torch.tensor([label]))
    w = before[0]
    expected = w + 0.1 * torch.tensor([fired, fired, silent]) * w * (1 - w)
    torch.testing.assert_close(layer.synapse.weight[0], expected)
    assert torch.equal(layer.synapse.weight[1], before[1])
    assert (layer.wrong > 0.3) == (label == 1)


@pytest.mark.parametrize("label", [0, 1])
def test_prediction_moves_the_winner_along_the_gradient_of_its_prediction_error(label):
    """Equal to logistic regression of the reward, for the neuron that chose."""
    layer = chooser([[0.7, -0.5, 0.4], [0.1, -0.8, 0.3]])
    w = layer.synapse.weight[0].clone().requires_grad_()
    x, reward = torch.tensor([1.0, 1, 0]), torch.tensor(1.0 if label == 0 else 0.0)
    torch.nn.functional.binary_cross_entropy_with_logits(w @ x, reward).backward()
    rule = RSTDP(**ONE, choice="prediction", reward=0.1, dropout=0)
    rule.choose(layer, spikes_at(torch.tensor([[0.0, 5, 6]]), STEPS), torch.tensor([label]))
    torch.testing.assert_close(layer.synapse.weight[0], w.detach() - 0.1 * w.grad)
    assert torch.equal(layer.synapse.weight[1], torch.tensor([0.1, -0.8, 0.3]))


def test_the_rate_is_halved_after_settling():
    early, late = (chooser([[0.5, 0.5, 0.5], [0.3, 0.3, 0.3]]) for _ in range(2))
    late.shown.fill_(101)
    early.shown.fill_(1)
    x = spikes_at(torch.tensor([[0.0, 5, 6]]), STEPS)
    for layer in early, late:
        RSTDP(**ONE, dropout=0, settling=100).choose(layer, x, torch.tensor([0]))
    moved = [layer.synapse.weight[0] - 0.5 for layer in (early, late)]
    torch.testing.assert_close(moved[0], 2 * moved[1])


def test_weights_stay_within_their_bounds_however_fast_they_learn():
    built = network()
    rule = RSTDP(**ONE, potentiation=1, depression=1, reward=10, margin=0.1)
    for seed in range(12):
        list(rule.updates(built, images(5, seed), torch.tensor([0, 1, 1, 0, 1])))
    features, choices = built.layers.conv1.synapse.weight, built.layers.output.synapse.weight
    assert 0 <= features.min() < features.max() <= 1
    assert choices.min().item() == pytest.approx(0.1)
    assert choices.max().item() == pytest.approx(0.9)


def test_layers_learn_in_turn_and_features_never_look_at_the_labels():
    kept = []
    for labels in [0, 1], [1, 1]:
        built, rule = network(), RSTDP(**ONE)
        start = {name: p.clone() for name, p in built.state_dict().items()}
        for seed in range(5):
            list(rule.updates(built, images(2, seed), torch.tensor(labels)))
        weight = built.layers.conv1.synapse.weight.clone()
        assert not torch.equal(weight, start["layers.conv1.synapse.weight"])
        choices = built.layers.output.synapse.weight
        assert torch.equal(choices, start["layers.output.synapse.weight"])
        list(rule.updates(built, images(2), torch.tensor(labels)))
        assert torch.equal(built.layers.conv1.synapse.weight, weight)
        assert not torch.equal(choices, start["layers.output.synapse.weight"])
        kept.append(weight)
    assert torch.equal(*kept)


def test_evaluation_changes_nothing_and_its_costs_are_counted():
    built = network().eval()
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    with torch.no_grad(), metered(built) as meter:
        built(images(3))
    meter.images = 3
    counted = meter.metrics()
    assert counted["macs"] == pytest.approx(72 * 2 * 49, rel=0.4)  # less at the border
    assert counted["acs"] > 0
    assert 0 < counted["firing_rate/conv1"] <= 1 / STEPS
    assert all(torch.equal(before[name], now) for name, now in built.state_dict().items())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"thresholds": [0.0]}, "greater than 0"),
        ({"kernels": [5, 5]}, "kernels must have as many entries as maps, 1, got 2"),
    ],
)
def test_a_network_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        ConvSTDP(**{**FIELDS, **fields})


def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="convolution 1 and its pooling leave nothing"):
        network(kernels=[8])


CONV = {"network": {"kind": "conv-stdp"}, "neuron": {"kind": "if"}}
REFUSED = [
    ({"rule": {"kind": "r-stdp"}}, "'r-stdp' cannot train network.kind 'mlp'. It trains 'conv-st"),
    ({**CONV, "neuron": {"kind": "lif"}}, "'conv-stdp' needs neuron.kind 'if', got 'lif'"),
    (CONV, "'bptt' cannot train network.kind 'conv-stdp'"),
    (
        {**CONV, "rule": {"kind": "r-stdp"}, "encoder": {"kind": "latency"}},
        "set encoder.kind to 'direct'",
    ),
    (
        {**CONV, "rule": {"kind": "r-stdp", "radii": [1]}},
        "rule.radii: must have one entry for each of the 2 convolutions of network.maps, got 1",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_does_not_fit_together_is_refused_in_words(tiny, changes, message):
    with pytest.raises(ValueError, match=r"kind|radii") as caught:
        tiny(**changes)
    assert message in str(caught.value)


def test_another_network_is_refused():
    other = MLP(hidden=(4,)).build((1, 9, 8), 2, LIF())
    with pytest.raises(TrainingError, match="only networks of kind 'conv-stdp'"):
        list(RSTDP(**ONE).updates(other, images(), torch.tensor([0, 1])))


def test_images_that_move_are_refused():
    with pytest.raises(TrainingError, match="to 'direct'"):
        network()(torch.rand(STEPS, 2, 1, 9, 8))
