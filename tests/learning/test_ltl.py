"""Local tandem learning: its gradient by hand, its memory, and what it refuses."""

from itertools import pairwise
from math import ceil

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from snnlab.learning.errors import TrainingError
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.networks.resnet import ResNet
from snnlab.learning.neurons.clipped_relu import ClippedReLU
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.problems import SpecError
from snnlab.learning.rules.ltl_offline import LTLOffline
from snnlab.learning.rules.ltl_online import LTLOnline
from snnlab.learning.stepping import watched
from snnlab.learning.train import Training, train
from tests.learning.saved import most_saved


STEPS, BATCH, WIDTH = 9, 5, 0.8
LEAKY = LIF(tau=5, surrogate="boxcar", surrogate_width=WIDTH, surrogate_height=1 / WIDTH)
NEURONS = [
    LEAKY,
    LEAKY.model_copy(update={"detach_reset": False}),
    IF(surrogate="boxcar", surrogate_width=WIDTH, surrogate_height=1 / WIDTH, detach_reset=False),
]


def tandem(neuron, hidden=(8, 6)):
    """A student and its teacher, both at random weights, in double precision."""
    shape = MLP(hidden=hidden, norm="none")
    network = shape.build((1, 4, 4), 3, neuron, seed=1).double()
    network.teacher = shape.build((1, 4, 4), 3, ClippedReLU(), seed=2).double()
    network.teacher.requires_grad_(requires_grad=False)
    return network


def batch(steps=STEPS):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(BATCH, 1, 4, 4, dtype=torch.float64, generator=generator)
    return images.expand(steps, *images.shape), torch.tensor([0, 1, 2, 0, 1])


def by_hand(network, inputs):
    """(name, input, potential before the reset, spikes) of each population, in a plain loop."""
    x = inputs.flatten(2)
    for name in ("fc1", "fc2"):
        layer = network.layers.get_submodule(name)
        neuron, current = layer.neuron, layer.synapse(x)
        v, h, s = torch.zeros_like(current[0]), [], []
        for i in current:
            h.append(neuron.alpha * v + i)
            s.append((h[-1] >= neuron.v_threshold).double())
            v = h[-1] - neuron.v_threshold * s[-1]
        h, s = torch.stack(h).detach(), torch.stack(s)
        yield layer, x, h, s
        x = s


def boxcar(h):
    """Eq. 8: 1 / p where a potential is nearer to the threshold than p / 2."""
    return ((h - 1).abs() < WIDTH / 2) / WIDTH


def targets_by_hand(network, images, percentile):
    x = images.flatten(1)
    for name in ("fc1", "fc2"):
        x = network.teacher.layers.get_submodule(name).synapse(x).clamp(0, 2)
        yield x / x.flatten().sort().values[ceil(percentile / 100 * x.numel()) - 1]


@pytest.mark.parametrize("neuron", NEURONS, ids=("lif", "lif-reset", "if-reset"))
def test_the_offline_gradient_is_the_exact_recursion_within_each_layer(neuron):
    network, (inputs, labels) = tandem(neuron), batch()
    [loss] = LTLOffline(percentile=90).updates(network, inputs, labels)
    expected = 0.0
    targets = targets_by_hand(network, inputs[0], 90)
    for (layer, x, h, s), target in zip(by_hand(network, inputs), targets, strict=True):
        error = target - s.mean(0)
        expected += error.square().sum() / BATCH
        delta_last = -2 / STEPS * error / BATCH
        g, weight, bias = torch.zeros_like(error), 0.0, 0.0
        for t in reversed(range(STEPS)):
            through_reset = 0 if neuron.detach_reset else neuron.alpha * neuron.v_threshold * g
            g = neuron.alpha * g + (delta_last - through_reset) * boxcar(h[t])
            weight, bias = weight + g.T @ x[t], bias + g.sum(0)
        assert weight.abs().max() > 1e-3
        torch.testing.assert_close(layer.synapse.weight.grad, weight)
        torch.testing.assert_close(layer.synapse.bias.grad, bias)
    output = network.layers.output.synapse
    rates = s.mean(0)
    wrong = output(rates).softmax(1) - one_hot(labels, 3)
    torch.testing.assert_close(output.weight.grad, wrong.T @ rates / BATCH)
    assert loss == pytest.approx((expected + cross_entropy(output(rates), labels)).item())


def test_the_online_gradient_is_the_error_of_the_moment_times_slope_times_input():
    """Eq. 10 and 11, summed over the steps after warm-up; the loss of Eq. 9 as the code has it."""
    network, (inputs, labels) = tandem(LEAKY), batch()
    [loss] = LTLOnline(variant="code", percentile=90, warm_up=0.4).updates(network, inputs, labels)
    expected = 0.0
    targets = targets_by_hand(network, inputs[0], 90)
    for (layer, x, h, s), target in zip(by_hand(network, inputs), targets, strict=True):
        weight = torch.zeros_like(layer.synapse.weight)
        for t in range(4, STEPS + 1):  # 40 % of nine steps are three
            error = target.clamp(max=1) - s[:t].sum(0) / t
            zeta = -2 / t * error / error.numel()
            weight += (zeta * boxcar(h[t - 1])).T @ x[t - 1]
            expected += error.square().mean().item()
        assert weight.abs().max() > 1e-4
        torch.testing.assert_close(layer.synapse.weight.grad, weight)
    output = network.layers.output.synapse
    for t in range(4, STEPS + 1):
        expected += cross_entropy(output(s[:t].mean(0)), labels).item()
    assert loss == pytest.approx(expected / 6)


def test_online_as_in_the_paper_changes_weights_after_every_step_but_those_of_warm_up():
    network, (inputs, labels) = tandem(LEAKY), batch()
    before = network.layers.fc1.synapse.weight.clone()
    losses = []
    for loss in LTLOnline(warm_up=0.5).updates(network, inputs, labels):
        losses.append(loss)
        assert network.layers.fc1.synapse.weight.grad.abs().max() > 0
        network.zero_grad()
    assert len(losses) == 5
    assert torch.equal(network.layers.fc1.synapse.weight, before)


def test_the_memory_of_online_learning_is_independent_of_time_and_depth():
    def most(rule, steps, hidden=(20, 20)):
        network = tandem(LEAKY, hidden)
        return most_saved(lambda: list(rule.updates(network, *batch(steps))))

    assert most(LTLOnline(), 64) == most(LTLOnline(), 4) == most(LTLOnline(), 4, (20,) * 6)
    assert most(LTLOffline(), 64) > 4 * most(LTLOffline(), 4)
    assert most(LTLOffline(), 64, (20,) * 6) == most(LTLOffline(), 64)


def test_the_teacher_is_the_analog_network_of_the_same_shape(tiny):
    spec = tiny(rule={"kind": "ltl-offline"}, network={"kind": "mlp", "norm": "none"})
    teacher = spec.rule.teacher(spec)
    assert teacher.neuron == ClippedReLU()
    assert (teacher.time_steps, teacher.rule.kind, teacher.network.norm) == (1, "bptt", "batch")
    assert (teacher.dataset, teacher.validation) == (spec.dataset, spec.validation)


def test_a_teacher_is_trained_once_and_does_not_change_while_it_teaches(tiny):
    spec = tiny(rule={"kind": "ltl-offline", "teacher_epochs": 2}, epochs=2)
    phases, checkpoints = [], []
    for item in train(spec, seed=3):
        if hasattr(item, "phase"):
            phases.append(item.phase)
        else:
            checkpoints.append(item)
    assert phases == ["teacher"] * 8 + [""] * 8
    first, last = ({k: v for k, v in c.network.items() if "teacher" in k} for c in checkpoints)
    assert all(torch.equal(first[name], last[name]) for name in first | last)
    assert not any(getattr(item, "phase", "") for item in train(spec, seed=3))


def test_a_student_is_measured_beside_its_teacher(tiny):
    spec = tiny(rule={"kind": "ltl-offline", "teacher_epochs": 2}, epochs=1)
    taught = list(train(spec.rule.teacher(spec), seed=3))[-1]
    learned = list(train(spec, seed=3))[-1]
    assert learned.metrics["teacher_accuracy"] == taught.metrics["test_accuracy"]


def test_a_student_does_not_begin_with_its_teachers_first_weights(tiny):
    spec = tiny(rule={"kind": "ltl-offline"}, network={"kind": "mlp", "norm": "none"})
    student = Training(spec, "cpu", 1).network
    teacher = Training(spec.rule.teacher(spec), "cpu", 1).network
    assert not torch.equal(student.layers.fc1.synapse.weight, teacher.layers.fc1.synapse.weight)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("ltl-offline", {"encoder": {"kind": "poisson"}}, "Set encoder.kind to direct"),
        ("ltl-offline", {"neuron": {"kind": "clipped-relu"}}, "trains neurons that spike"),
        (
            "ltl-offline",
            {"network": {"kind": "mlp", "readout": "count"}},
            "Set network.readout to current",
        ),
        ("ltl-online", {"network": {"kind": "mlp"}}, "Set network.norm to none"),
    ],
)
def test_what_cannot_be_taught_is_refused(tiny, kind, changes, message):
    with pytest.raises(SpecError, match=message):
        tiny(rule={"kind": kind}, **changes)


def test_a_silent_teacher_is_refused():
    network = tandem(LEAKY)
    network.teacher.layers.fc2.synapse.bias.fill_(-100)
    with pytest.raises(TrainingError, match="the teacher's layer fc2 is silent"):
        list(LTLOffline().updates(network, *batch()))


def test_pairs_of_layers_pass_no_error():
    """The first layer's gradient is the same whatever the layers after it are."""
    gradients = []
    for width in (6, 7):
        network = tandem(LEAKY, (8, width))
        reference = tandem(LEAKY)
        network.layers.fc1.load_state_dict(reference.layers.fc1.state_dict())
        network.teacher.layers.fc1.load_state_dict(reference.teacher.layers.fc1.state_dict())
        list(LTLOffline().updates(network, *batch()))
        gradients.append(network.layers.fc1.synapse.weight.grad)
    assert all(torch.equal(a, b) for a, b in pairwise(gradients))


RESIDUAL = ResNet(depth=20, width=0.15, norm="none")
FIRST = {  # the first population that a current reaches, by the block or layer it comes from
    "stem": "block1_1.enter",
    "block1_1": "block1_2.enter",
    "block1_3": "block2_1.enter",
    "block2_1": "block2_2.enter",
    "block3_3": "last",
}


def residual(steps=STEPS):
    network = RESIDUAL.build((1, 8, 8), 3, LEAKY, seed=1).double()
    network.teacher = RESIDUAL.build((1, 8, 8), 3, ClippedReLU(), seed=2).double()
    network.teacher.requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(1)
    images = 3 * torch.rand(4, 1, 8, 8, dtype=torch.float64, generator=generator)
    return network, images.expand(steps, *images.shape), torch.tensor([0, 1, 2, 0])


def test_a_current_of_a_residual_network_learns_from_the_first_population_it_reaches(monkeypatch):
    """Against autograd through the whole shortcut, one population's loss at a time."""
    monkeypatch.setattr(LIF, "scan", lambda self, i, steps, overwrite: self.unrolled(i, steps))
    rule, (network, inputs, labels) = LTLOffline(percentile=90), residual()
    targets, losses = rule.targets(network, inputs[0]), {}

    def cut(name, spikes):
        losses[name] = rule.distance(spikes.mean(0), targets[name])
        return spikes.detach()

    with watched(network, cut):
        network(inputs)
    [_] = rule.updates(network, inputs, labels)
    for place, population in FIRST.items():
        block = network.layers.get_submodule(place)
        parts = [block] if place == "stem" else [block.leave, block.project]
        for part in filter(None, parts):
            weight = part.synapse.weight
            (expected,) = torch.autograd.grad(losses[population], weight, retain_graph=True)
            assert expected.abs().max() > 1e-4, place
            torch.testing.assert_close(weight.grad, expected)


@pytest.mark.parametrize("rule", [LTLOffline(), LTLOnline(), LTLOnline(variant="code")])
def test_a_residual_network_learns_its_teachers_rates(rule):
    network, inputs, labels = residual(steps=4)
    optimizer, losses = torch.optim.Adam(network.parameters(), 0.01), []
    for _ in range(15):
        for loss in rule.updates(network, inputs, labels):
            assert all(p.grad is not None for p in network.layers.parameters())
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss)
    assert losses[-1] < 0.7 * losses[0]
