"""Rules that cut the past off: each against the equation that defines it."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.problems import SpecError
from snnlab.learning.rules.bptt import BPTT
from snnlab.learning.rules.ottt import OTTT
from snnlab.learning.rules.sltt import SLTT
from snnlab.learning.rules.tbptt import TBPTT
from tests.learning.saved import most_saved


STEPS, BATCH = 7, 5
WIDE = LIF(tau=4, surrogate_width=2)


def built(shape, neuron=WIDE):
    return shape.build((1, 6, 6), 3, neuron, seed=1).double()


def batch(steps=STEPS):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(steps, BATCH, 1, 6, 6, dtype=torch.float64, generator=generator)
    return inputs, torch.tensor([0, 1, 2, 0, 1])


def gradients(rule, network, steps=STEPS):
    list(rule.updates(network, *batch(steps)))
    return {name: p.grad for name, p in network.named_parameters()}


def plain(network, x, states):
    """One step through the layers, from `states`, which are replaced; nothing is cut off."""
    x = x.flatten(1)
    for name in ("fc1", "fc2"):
        layer = network.layers.get_submodule(name)
        current = layer.synapse(x)
        state = states.get(name) or layer.neuron.init(current)
        x, states[name] = layer.neuron.step(current, state)
    return network.layers.output.synapse(x)


def cut(states):
    return {name: {k: v.detach() for k, v in s.items()} for name, s in states.items()}


TWO_LAYERS = MLP(hidden=(8, 6), norm="none")
SHAPES = [TWO_LAYERS, MLP(hidden=(8,), readout="potential"), ConvNet(channels=(3, 4), kernel=3)]


@pytest.mark.parametrize("shape", SHAPES, ids=("mlp", "potential", "convnet"))
def test_a_window_of_all_steps_is_bptt(shape):
    whole, windowed = (gradients(r, built(shape)) for r in (BPTT(), TBPTT(window=STEPS)))
    assert whole["layers.output.synapse.weight"].abs().max() > 1e-3
    torch.testing.assert_close(windowed, whole)


def test_each_window_takes_the_past_as_given():
    network, reference = built(TWO_LAYERS), built(TWO_LAYERS)
    inputs, labels = batch()
    states, windows = {}, inputs.split(3)
    for _, window in zip(TBPTT(window=3).updates(network, inputs, labels), windows, strict=True):
        states = cut(states)
        outputs = torch.stack([plain(reference, x, states) for x in window])
        cross_entropy(outputs.mean(0), labels).backward()
        for ours, theirs in zip(network.parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad)
        network.zero_grad()
        reference.zero_grad()


def test_sltt_is_the_gradient_of_the_network_whose_states_are_cut_off_at_each_step():
    network, reference = built(TWO_LAYERS), built(TWO_LAYERS)
    inputs, labels = batch()
    [loss] = SLTT().updates(network, inputs, labels)
    states, losses = {}, []
    for x in inputs:
        states = cut(states)
        losses.append(cross_entropy(plain(reference, x, states), labels))
    expected = sum(losses) / STEPS
    expected.backward()
    assert loss == pytest.approx(expected.item())
    for ours, theirs in zip(network.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_without_memory_sltt_is_bptt_and_with_memory_it_is_not():
    every_step = BPTT(loss="tet", tet_weight=0)
    for tau, same in ((1e-3, True), (4.0, False)):
        neuron = WIDE.model_copy(update={"tau": tau})
        ours, theirs = (gradients(r, built(TWO_LAYERS, neuron)) for r in (SLTT(), every_step))
        name = "layers.fc1.synapse.weight"
        assert ours[name].abs().max() > 1e-4
        assert torch.allclose(ours[name], theirs[name]) == same


def test_ottt_is_errors_times_traces():
    """The sum over steps of g a^T, with a = lambda a + s and g by hand, in two layers."""
    network = built(TWO_LAYERS)
    inputs, labels = batch()
    ours = gradients(OTTT(mse_share=0), network)
    reference = built(TWO_LAYERS)
    states, traces, expected = {}, {}, {}
    for x in inputs:
        states, received = cut(states), {"fc1": x.flatten(1)}
        hooks = [
            reference.layers.get_submodule(name).synapse.register_forward_hook(
                lambda _, given, current, name=name, received=received: received.update(
                    {name: given[0].detach(), f"{name}/current": current}
                )
            )
            for name in ("fc1", "fc2")
        ]
        loss = cross_entropy(plain(reference, x, states), labels) / STEPS
        for name in ("fc1", "fc2"):
            (g,) = torch.autograd.grad(loss, received[f"{name}/current"], retain_graph=True)
            traces[name] = received[name] + traces.get(name, 0) * WIDE.alpha
            weight, bias = f"layers.{name}.synapse.weight", f"layers.{name}.synapse.bias"
            expected[weight] = expected.get(weight, 0) + g.T @ traces[name]
            expected[bias] = expected.get(bias, 0) + g.sum(0)
        for hook in hooks:
            hook.remove()
    assert min(g.abs().max() for g in expected.values()) > 1e-4
    torch.testing.assert_close({name: ours[name] for name in expected}, expected)


@pytest.mark.parametrize(
    "shape", [MLP(hidden=(8,), norm="none"), ConvNet(channels=(4,), norm="none")]
)
def test_with_one_layer_of_neurons_ottt_is_bptt(shape):
    ours, theirs = (
        gradients(r, built(shape)) for r in (OTTT(mse_share=0), BPTT(loss="tet", tet_weight=0))
    )
    weights = [name for name in ours if name.endswith("weight")]
    assert len(weights) == 2
    for name in weights:
        assert ours[name].abs().max() > 1e-4
        torch.testing.assert_close(ours[name], theirs[name])


def test_ottt_changes_weights_after_each_step_if_asked_to():
    losses = list(OTTT(update="step").updates(built(TWO_LAYERS), *batch()))
    assert len(losses) == STEPS
    assert len(list(OTTT().updates(built(TWO_LAYERS), *batch()))) == 1


@pytest.mark.parametrize("rule", [SLTT(), OTTT(), TBPTT(window=2)], ids=lambda r: r.kind)
def test_memory_is_independent_of_time(rule):
    def most(rule, steps):
        network = built(TWO_LAYERS)
        return most_saved(lambda: list(rule.updates(network, *batch(steps))))

    assert most(rule, 64) == most(rule, 4) > 0
    assert most(BPTT(), 64) > 10 * most(BPTT(), 4)


@pytest.mark.parametrize("rule", [SLTT(), OTTT(), TBPTT(window=2)], ids=lambda r: r.kind)
def test_the_network_is_as_before_when_the_rule_is_done(rule):
    network = built(TWO_LAYERS)
    inputs, labels = batch()
    before = network(inputs)
    list(rule.updates(network, inputs, labels))
    next(iter(rule.updates(network, inputs, labels)))  # and also when it was left half-way
    assert torch.equal(network(inputs), before)


@pytest.mark.parametrize("kind", ["tbptt", "sltt"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm": "bntt"}, "Set network.norm to none, batch or tdbn"),
        ({"readout": "first"}, "Set network.readout to current, potential or count"),
    ],
)
def test_what_has_to_see_all_steps_at_once_is_refused(tiny, kind, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(rule={"kind": kind}, network={"kind": "mlp", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": {"kind": "mlp"}}, "Set network.norm to none"),
        (
            {"network": {"kind": "mlp", "norm": "none", "readout": "potential"}},
            "network.readout to current",
        ),
        ({"neuron": {"kind": "clipped-relu"}}, "Set neuron.kind to lif"),
        (
            {"network": {"kind": "resnet", "norm": "none"}},
            "before every population, and block1_1.enter sums up currents",
        ),
    ],
)
def test_ottt_refuses_what_its_traces_do_not_hold_for(tiny, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(rule={"kind": "ottt"}, **changes)
