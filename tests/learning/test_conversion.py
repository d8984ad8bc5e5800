"""Conversion against mathematics: what must be equal is equal, what must be bounded is bounded."""

import pytest
import torch

from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.conversion.activations import Activations
from snnlab.learning.conversion.chain import convert, populations
from snnlab.learning.conversion.folding import fold_, folded, put
from snnlab.learning.conversion.normalise import scales
from snnlab.learning.conversion.pooling import Count, Gate
from snnlab.learning.conversion.winner import WinnerTakesAll
from snnlab.learning.encoders import Poisson
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import Spiking
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.networks.resnet import ResNet
from snnlab.learning.networks.vgg import VGG
from snnlab.learning.neurons.clipped_relu import ClippedReLU
from snnlab.learning.neurons.if_ import IF
from snnlab.learning.neurons.qcfs import QCFS
from snnlab.learning.rules.conversion import Conversion
from snnlab.learning.stepping import watched
from snnlab.learning.train import train


SHAPE, CLASSES = (2, 6, 6), 5
NETWORKS = {
    "mlp": MLP(hidden=(40, 30)),
    "plain": MLP(hidden=(40, 30), norm="none"),
    "average": ConvNet(channels=(6, 8), kernel=3, pool="average"),
    "max": ConvNet(channels=(6, 8), kernel=3),
}
RESIDUAL = {"residual": ResNet(depth=20, width=0.2, zero_start=False)}
DEEP = {
    f"{network.kind}-{network.depth}-{getattr(network, 'pool', network.norm)}": network
    for network in (
        *(VGG(depth=d, pool=p, width=0.06) for d in (9, 16) for p in ("max", "average", "stride")),
        VGG(depth=11, width=0.06),
        VGG(depth=13, width=0.06, norm="none"),
        *(ResNet(depth=d, width=0.06, zero_start=False) for d in (18, 19, 20, 34, 50)),
        ResNet(depth=20, width=0.2, norm="none"),
    )
}
EVERY_NETWORK = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
METHODS = ("percentile", "data", "model", "spike")


def images(number, seed=1, shape=SHAPE):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(number, *shape, generator=generator, dtype=torch.float64)


def random_teacher(network, shape=SHAPE):
    """A teacher in 64 bit whose batch-norm and biases do something."""
    teacher = network.build(shape, CLASSES, ClippedReLU(ceiling=1e6), seed=2).double()
    generator = torch.Generator().manual_seed(3)
    for module in teacher.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 2, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.uniform_(-0.5, 0.5, generator=generator)
        elif isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and module.bias is not None:
            module.bias.data.uniform_(-0.3, 0.3, generator=generator)
    return teacher.eval()


def learner(network, rule, neuron=None, shape=SHAPE):
    """A network ready for its first batch, with a random teacher."""
    student = network.build(shape, CLASSES, neuron or IF(), seed=4).double()
    student.teacher = random_teacher(network, shape)
    rule.prepare(student)
    return student.double()


def converted(network, rule, neuron=None, steps=1, x=None):
    x = images(100) if x is None else x
    student = learner(network, rule, neuron, x.shape[-3:])
    assert list(rule.updates(student, x.expand(steps, *x.shape), labels(x))) == []
    rule.settle(student)
    return student


def labels(x):
    return torch.zeros(len(x), dtype=torch.int64)


@torch.no_grad()
def outputs(network, x):
    """What each population gives to the next, first to last."""
    found = []
    with watched(network, lambda _, y: found.append(y)):
        network(x)
    return found


@torch.no_grad()
def rates(student, x, steps):
    return [spikes.mean(0) for spikes in outputs(student, x.expand(steps, *x.shape))]


def activations(student, x):
    return [y[0] for y in outputs(student.teacher, x[None])]


@EVERY_NETWORK
def test_folded_layers_do_exactly_what_layers_and_norms_did(network):
    teacher, x = random_teacher(network), images(7)[None]
    for layer in teacher.layers:
        if isinstance(layer, Spiking):
            y = layer(x)
            weight, bias = folded(layer.synapse, layer.norm)
            fold_(layer.synapse)
            put(layer.synapse, weight, bias)
            layer.norm = torch.nn.Identity()
            torch.testing.assert_close(layer(x), y, rtol=1e-12, atol=1e-12)
            assert layer(x).std() > 0.1
        x = layer(x)


@pytest.mark.parametrize("threshold", [1.0, 0.3])
@pytest.mark.parametrize("charge", [0.0, 0.5])
@pytest.mark.parametrize("steps", [1, 7, 64])
def test_the_rate_of_the_first_layer_is_the_activation_but_for_one_spike(threshold, charge, steps):
    """r(T) = a / scale - (v(T) - v(0)) / (T theta), with v(T) in [0, theta): Rueckauer 2017."""
    neuron = IF(v_threshold=threshold, v_initial=charge * threshold)
    student = converted(MLP(hidden=(200,)), Conversion(percentile=100), neuron)
    (rate,), (activation,) = rates(student, images(100), steps), activations(student, images(100))
    error = (rate - activation / activation.max()) * steps
    assert error.max() <= charge + 1e-9
    assert error.min() >= charge - 1 - 1e-9
    assert error.max() - error.min() > 0.9


@EVERY_NETWORK
def test_the_mean_output_tends_to_that_of_the_teacher(network):
    student, x = converted(network, Conversion(percentile=100, max_pool="count")), images(20)
    with torch.no_grad():
        wanted = student.teacher(x[None])[0]
        errors = [
            (student(x.expand(t, *x.shape)).mean(0) - wanted).abs().max().item()
            for t in (16, 128, 1024)
        ]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.02 * wanted.abs().max()


@pytest.mark.parametrize("network", DEEP.values(), ids=DEEP)
def test_the_rates_of_every_layer_of_a_deep_network_tend_to_the_activations(network):
    """Even of 50 layers: the mean error of each layer falls, and in the end it is small."""
    x = images(4, shape=(1, 32, 32) if network.kind == "vgg" else (1, 8, 8))
    student = converted(network, Conversion(percentile=100, max_pool="count"), x=x)
    wanted = [y / y.max() for y in activations(student, x)]
    errors = [
        [(rate - y).abs().mean().item() for rate, y in zip(found, wanted, strict=True)]
        for found in (rates(student, x, 16), rates(student, x, 256))
    ]
    assert all(y.mean() > 0.01 for y in wanted)
    assert all(late < early / 2 for early, late in zip(*errors, strict=True))
    assert max(errors[1]) < 0.05


@pytest.mark.parametrize("method", ["percentile", "data"])
def test_a_stream_keeps_the_teachers_units_whatever_the_scales(method):
    """What leaves a block of a residual network tends to what leaves that of its teacher."""
    rule = Conversion(normalisation=method, percentile=100)
    x = images(20)
    student = converted(RESIDUAL["residual"], rule, steps=50, x=x)
    for part in (4, 8):
        with torch.no_grad():
            current = student.layers[:part](x.expand(512, *x.shape)).mean(0)
            wanted = student.teacher.layers[:part](x[None])[0]
        assert (current - wanted).abs().mean() < 0.05 * wanted.abs().mean()


@pytest.mark.parametrize(
    ("network", "method"),
    [*((NETWORKS["max"], m) for m in METHODS), *((RESIDUAL["residual"], m) for m in METHODS[:3])],
)
def test_no_normalised_activation_of_the_data_exceeds_one_but_for_the_percentile(method, network):
    student = learner(network, Conversion(normalisation=method, max_pool="count"))
    rule, x = Conversion(normalisation=method, max_pool="count"), images(100)
    list(rule.updates(student, x.expand(50, *x.shape), labels(x)))
    found = scales(student, student.activations, method, 99.0)
    for scale, activation in zip(found, activations(student, x), strict=True):
        above = (activation > scale).sum() / (activation > 0).sum()
        assert above <= (0.01 if method == "percentile" else 0.0)
        if method == "percentile":
            assert above > 0.005


def test_percentiles_are_right_to_the_width_of_a_bin():
    seen = Activations(1)
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(1)).exp()
    for part in x.split(30_000):
        seen.note(0, part)
    for percent in (1.0, 50.0, 99.9):
        exact = x.quantile(percent / 100).item()
        assert exact <= seen.percentile(0, percent) <= exact * 2 ** (1 / 64) * 1.001
    assert seen.percentile(0, 100.0) == x.max().item()


def test_zeros_are_left_out_of_a_percentile():
    seen = Activations(1)
    seen.note(0, torch.tensor([0.0] * 97 + [1.0, 2.0, 3.0]))
    assert seen.percentile(0, 100 / 3) == pytest.approx(1, rel=0.011)


def test_data_based_scales_are_the_largest_activation_or_weight():
    """Diehl et al. 2015 as in its code: two layers, one input, weights 3 and 0.1."""
    network = MLP(hidden=(1, 1), norm="none")
    student = network.build((1, 1, 1), 2, IF())
    student.teacher = network.build((1, 1, 1), 2, ClippedReLU(ceiling=1e6)).eval()
    for layer, weight in zip(populations(student.teacher), (3.0, 0.1), strict=True):
        layer.synapse.weight.data.fill_(weight)
    rule = Conversion(normalisation="data")
    rule.prepare(student)
    x = torch.tensor([0.5, 0.2]).view(2, 1, 1, 1)
    list(rule.updates(student, x[None], labels(x)))
    assert scales(student, student.activations, "data", 0.0) == pytest.approx([3.0, 0.15])
    rule.settle(student)
    weights = [layer.synapse.weight.item() for layer in populations(student)]
    assert weights == pytest.approx([1.0, 0.1 * 3 / 0.15])


def test_model_based_scales_bound_what_any_input_in_the_range_can_cause():
    rule = Conversion(normalisation="model")
    student = learner(NETWORKS["max"], rule)
    x = images(50)
    list(rule.updates(student, x[None], labels(x)))
    found = scales(student, student.activations, "model", 0.0)
    first = populations(student.teacher)[0]
    gain = first.norm.weight / (first.norm.running_var + first.norm.eps).sqrt()
    for channel, weight in enumerate(first.synapse.weight * gain.view(-1, 1, 1, 1)):
        worst = torch.where(weight > 0, x.max(), x.min())
        image = torch.zeros(1, *SHAPE).double()
        image[0, :, :3, :3] = worst
        reached = outputs(student.teacher, image[None])[0][0, 0, channel, 1, 1]
        assert reached <= found[0] * (1 + 1e-12)
        found.append(reached.item())
    assert max(found[2:]) == pytest.approx(found[0])


def test_with_spike_norm_the_largest_current_of_every_layer_is_the_threshold():
    rule, neuron = Conversion(normalisation="spike"), IF(v_threshold=0.7)
    x = images(50)
    student = converted(NETWORKS["plain"], rule, neuron, steps=30, x=x)
    current = x.expand(30, *x.shape)
    for layer in student.layers[:-1]:
        if isinstance(layer, Spiking):
            with torch.no_grad():
                highest = layer.synapse(current.flatten(0, 1)).max().item()
            assert highest == pytest.approx(0.7)
        current = layer(current)


def test_a_layer_after_a_gate_sees_the_rate_of_the_most_active_input():
    """Counts of the pooled train, at every step, are the largest counts of its inputs."""
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(40, 3, 2, 7, 6, generator=generator) < 0.3).float()
    expected = torch.nn.functional.max_pool2d(spikes.cumsum(0).flatten(0, 1), 2)
    pooled = Count()(spikes)
    assert torch.equal(pooled.cumsum(0).flatten(0, 1), expected)
    assert set(pooled.unique().tolist()) == {0.0, 1.0}


def test_the_gate_passes_on_the_input_that_fired_most_so_far():
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(40, 1, 1, 2, 2, generator=generator) < 0.3).float()
    counts = spikes.cumsum(0).flatten(1)
    expected = [s.flatten()[c.tolist().index(c.max())] for s, c in zip(spikes, counts, strict=True)]
    assert Gate()(spikes).flatten().tolist() == torch.stack(expected).tolist()


@pytest.mark.parametrize("gate", [Gate(), Count()])
def test_gates_keep_the_layout_in_memory(gate):
    spikes = torch.ones(6, 3, 4, 4).to(memory_format=torch.channels_last).view(2, 3, 3, 4, 4)
    assert gate(spikes)[0].is_contiguous(memory_format=torch.channels_last)


def test_without_gates_max_pooled_rates_are_too_high():
    x, pooled = images(20), {}
    for choice in "any", "gate", "count":
        student = converted(NETWORKS["max"], Conversion(percentile=100, max_pool=choice))
        with torch.no_grad():
            pooled[choice] = student.layers[:2](x.expand(256, *x.shape)).mean(0)
        wanted = student.teacher.layers[:2](x[None])[0] / activations(student, images(100))[0].max()
    bias = {choice: (rate - wanted).mean().item() for choice, rate in pooled.items()}
    worst = {choice: (rate - wanted).abs().max().item() for choice, rate in pooled.items()}
    assert bias["any"] > 0.02
    assert abs(bias["gate"]) < 0.005
    assert worst["count"] <= 1 / 256 + 1e-9 < worst["gate"] < worst["any"]


def test_a_soft_reset_is_closer_to_the_teacher_than_a_hard_one():
    x, errors = images(100), {}
    for reset in "soft", "hard":
        student = converted(NETWORKS["mlp"], Conversion(percentile=100), IF(reset=reset))
        with torch.no_grad():
            output = student(x.expand(64, *x.shape)).mean(0)
            errors[reset] = (output - student.teacher(x[None])[0]).square().mean().item()
    assert errors["soft"] < errors["hard"] / 4


@pytest.mark.parametrize("steps", [1, 4, 7, 32])
def test_with_half_a_threshold_to_begin_the_mean_error_is_zero_at_any_time(steps):
    """Bu et al. 2022: for activations spread evenly over 0..1; without it, -1/(2T)."""
    even = (torch.arange(8960, dtype=torch.float64) + 0.5) / 8960
    errors = {
        v: (IF(v_initial=v).scan(even[None], steps).mean(0) - even).mean().item()
        for v in (0.0, 0.5)
    }
    assert errors[0.5] == pytest.approx(0, abs=1e-6)
    assert errors[0.0] == pytest.approx(-1 / (2 * steps), abs=1e-6)


@pytest.mark.parametrize("levels", [1, 4, 13])
def test_qcfs_is_the_rate_of_a_half_charged_neuron_after_as_many_steps_as_it_has_levels(levels):
    current = torch.linspace(-1, 3, 4001, dtype=torch.float64)[None] + 1e-7
    charged = IF(v_threshold=1.7, v_initial=0.85).scan(current, levels).mean(0) * 1.7
    analog = QCFS(levels=levels, ceiling=1.7).scan(current, 1)[0]
    torch.testing.assert_close(charged, analog)
    assert len(analog.unique()) == levels + 1


def test_a_shallow_qcfs_network_is_converted_without_any_error():
    network, rule = MLP(hidden=(50,)), Conversion(normalisation="ceiling")
    student = learner(network, rule, IF(v_initial=0.5))
    for layer in populations(student.teacher):
        layer.neuron = QCFS(levels=6, ceiling=0.8, train_ceiling=False)
    x = images(30)
    list(rule.updates(student, x[None], labels(x)))
    rule.settle(student)
    with torch.no_grad():
        wanted = student.teacher(x[None])[0]
        assert wanted.std() > 0.1
        torch.testing.assert_close(student(x.expand(6, *x.shape)).mean(0), wanted)


def calibrated(network, method, steps, reset="soft", x=None):
    """Without calibration and with it, by scales of the same data."""
    rules = (Conversion(calibration=c, max_pool="count") for c in ("none", method))
    return [converted(network, rule, IF(reset=reset), steps, x) for rule in rules]


@pytest.mark.parametrize("method", ["bias", "potential"])
def test_calibration_adds_what_the_mean_of_each_neuron_lacks(method):
    """Li et al. 2021: bias by the lack, potential by T times the lack; first layer by hand."""
    steps, x = 6, images(40)
    plain, corrected = calibrated(MLP(hidden=(30,)), method, steps, x=x)
    (rate,), (activation,) = rates(plain, x, steps), activations(plain, x)
    lack = activation.mean(0) / found_scale(plain) - rate.mean(0)
    before, after = (populations(n)[0] for n in (plain, corrected))
    if method == "bias":
        torch.testing.assert_close(after.synapse.bias - before.synapse.bias, lack)
    else:
        torch.testing.assert_close(after.norm.potential, steps * lack)
        assert torch.equal(after.synapse.bias, before.synapse.bias)


def found_scale(student):
    """Activation that is rate 1: the ratio of the readouts' weights."""
    last, taught = student.layers[-1].synapse, student.teacher.layers[-1].synapse
    return (last.weight / taught.weight).mean()


@pytest.mark.parametrize("network", (NETWORKS | RESIDUAL).values(), ids=NETWORKS | RESIDUAL)
@pytest.mark.parametrize("method", ["bias", "potential"])
def test_calibration_brings_the_output_after_few_steps_nearer_to_the_teachers(network, method):
    x, other = images(200), images(200, seed=7)
    errors = []
    for student in calibrated(network, method, 6, x=x):
        with torch.no_grad():
            error = student(other.expand(6, *x.shape)).mean(0) - student.teacher(other[None])[0]
        errors.append(error.square().mean().item())
    assert errors[1] < 0.75 * errors[0]


def test_a_charge_is_an_initial_potential():
    network = MLP(hidden=(20,))
    plain = converted(network, Conversion(), IF(v_initial=0.4))
    charged = converted(network, Conversion(calibration="potential"), steps=3)
    for layer, model in zip(populations(charged), populations(plain), strict=True):
        layer.norm.potential.fill_(0.4)
        put(layer.synapse, model.synapse.weight.data, model.synapse.bias.data)
    x = images(30)
    for spikes, expected in zip(rates(charged, x, 9), rates(plain, x, 9), strict=True):
        assert torch.equal(spikes, expected)


def test_without_biases_a_teacher_is_trained_that_has_none(tiny):
    plain = {"kind": "mlp", "hidden": [8], "norm": "none"}
    rule = {"bias": False, "teacher_epochs": 1}
    spec = conversion(tiny, rule=rule, network=plain, time_steps=2)
    *_, last = (c for c in train(spec, seed=1) if isinstance(c, Checkpoint))
    assert [name for name in last.network if "teacher" in name] == [
        "teacher.layers.fc1.synapse.weight",
        "teacher.layers.output.synapse.weight",
    ]
    assert not any(b.any() for name, b in last.network.items() if name.endswith("bias"))


def test_measuring_ends_with_the_images_asked_for_and_begins_anew_each_epoch():
    rule = Conversion(images=50)
    student = learner(NETWORKS["mlp"], rule)
    for seed in 1, 2, 3:
        x = images(30, seed)
        list(rule.updates(student, x[None], labels(x)))
    assert student.activations.images == 60
    rule.settle(student)
    assert all(bool((buffer == 0).all()) for buffer in student.activations.buffers())


def test_a_silent_teacher_is_named():
    rule = Conversion()
    student = learner(NETWORKS["plain"], rule)
    populations(student.teacher)[1].synapse.bias.data.fill_(-1e6)
    x = images(10)
    list(rule.updates(student, x[None], labels(x)))
    with pytest.raises(TrainingError, match="population 2 is silent"):
        rule.settle(student)


class Other(MLP):
    def layers(self, shape, classes, neuron):
        return super().layers(shape, classes, neuron) | {"fc1": torch.nn.Tanh()}


def test_a_layer_that_conversion_does_not_know_is_refused_before_anything_is_trained(tiny):
    spec = tiny(neuron={"kind": "if"}).model_copy(update={"network": Other()})
    with pytest.raises(ValueError, match=r"got Tanh \(fc1\). Choose"):
        Conversion().check(spec)


def conversion(tiny, **changes):
    rule = {"kind": "conversion", "teacher_epochs": 8} | changes.pop("rule", {})
    optimizer = {"kind": "adam", "lr": 0.01}
    return tiny(**{"neuron": {"kind": "if"}, "epochs": 1} | changes, rule=rule, optimizer=optimizer)


@pytest.fixture
def results(tiny):
    """Metrics of the last checkpoint, and the accuracy of the teacher on the test images."""

    def run(**changes):
        spec = conversion(tiny, **changes)
        *_, last = (c for c in train(spec, seed=1) if isinstance(c, Checkpoint))
        teaching = spec.rule.teacher(spec)
        *_, taught = (c for c in train(teaching, seed=1) if isinstance(c, Checkpoint))
        return last.metrics, taught.metrics["test_accuracy"]

    return run


def test_with_time_a_converted_network_becomes_as_good_as_its_teacher(results):
    metrics, teacher = results(time_steps=256)
    assert teacher > 70
    assert abs(metrics["test_accuracy"] - teacher) <= 0.5
    at = [metrics[f"accuracy_at/{t}"] for t in (1, 8, 256)]
    assert at[0] < at[1] <= at[2] + 1
    assert "loss" not in metrics


@pytest.mark.parametrize("method", ["percentile", "spike"])
@pytest.mark.parametrize("calibration", ["none", "potential"])
def test_a_resumed_conversion_ends_with_the_same_bits(tiny, tmp_path, method, calibration):
    """Each epoch measures other images, so its scales are others."""
    rule = {"normalisation": method, "images": 50, "percentile": 90.0, "teacher_epochs": 1}
    rule["calibration"] = calibration
    spec = conversion(tiny, rule=rule, time_steps=4).model_copy(update={"epochs": 2})
    straight = [c for c in train(spec, seed=1) if isinstance(c, Checkpoint)]
    save(straight[0], tmp_path / "checkpoint")
    resumed = train(spec, seed=1, resume=load(tmp_path / "checkpoint"))
    *_, last = (c for c in resumed if isinstance(c, Checkpoint))
    assert weights_digest(last) == weights_digest(straight[-1]) != weights_digest(straight[0])
    assert last.metrics["test_loss"] == straight[-1].metrics["test_loss"]


@pytest.mark.parametrize(
    ("rule", "changes", "words"),
    [
        ({}, {"neuron": {"kind": "lif"}}, "neuron must keep all its charge .* got LIF. Choose if"),
        ({}, {"neuron": {"kind": "clipped-relu"}}, "got ClippedReLU"),
        ({}, {"neuron": {"kind": "if", "reset": "hard", "v_reset": -1.0}}, "with v_reset 0"),
        ({}, {"neuron": {"kind": "if", "refractory": 1}}, "refractory 0"),
        ({}, {"neuron": {"kind": "if", "train_v_threshold": True}}, "that is not trained"),
        ({}, {"encoder": {"kind": "latency"}}, "encoder must be direct or poisson for conversion"),
        ({"bias": False}, {}, "network.norm must be none if rule.bias is false, .* got batch"),
        ({}, {"network": {"kind": "mlp", "norm": "bntt"}}, "norm must be one of none, batch, tdbn"),
        (
            {},
            {"network": {"kind": "mlp", "readout": "count"}},
            "readout must be one of current, pot",
        ),
        ({"activation": "qcfs"}, {}, "rule.ceiling must be less than 1,000,000 .* Set it"),
        ({"normalisation": "ceiling"}, {}, "rule.ceiling must be less than 1,000,000"),
    ],
)
def test_what_cannot_be_converted_is_refused_in_words(tiny, rule, changes, words):
    spec = tiny(**({"neuron": {"kind": "if"}} | changes))
    with pytest.raises(ValueError, match=words):
        Conversion(**rule).check(spec)


def test_a_qcfs_teacher_learns_its_ceilings_and_its_network_needs_few_steps(results):
    rule = {"activation": "qcfs", "levels": 4, "ceiling": 4.0, "normalisation": "ceiling"}
    neuron = {"kind": "if", "v_initial": 0.5}
    metrics, teacher = results(rule=rule, neuron=neuron, time_steps=8)
    assert teacher > 70
    assert metrics["accuracy_at/4"] > teacher - 3


def test_scales_carry_through_to_the_readout():
    student = learner(NETWORKS["plain"], Conversion())
    convert(student, [2.0, 5.0])
    last, taught = student.layers[-1].synapse, student.teacher.layers[-1].synapse
    torch.testing.assert_close(last.weight, taught.weight * 5)
    torch.testing.assert_close(last.bias, taught.bias)


@pytest.mark.parametrize("network", [NETWORKS["plain"], RESIDUAL["residual"]])
def test_balancing_by_spikes_leaves_weights_that_convert_would_give(network):
    """Layer by layer, while the network runs, and all at once: the same weights."""
    rule, x = Conversion(normalisation="spike"), images(10)
    student = learner(network, rule)
    list(rule.updates(student, x.expand(20, *x.shape), labels(x)))
    before = {name: x.clone() for name, x in student.layers.state_dict().items()}
    convert(student, student.activations.scales.tolist())
    last = student.layers[-1]
    for name, tensor in student.layers.state_dict().items():
        torch.testing.assert_close(tensor, before[name])
    assert last.synapse.weight.abs().max() > 0


@pytest.mark.parametrize("signed", [False, True])
def test_the_mean_of_poisson_input_is_what_the_teacher_sees(signed):
    pixels = torch.rand(3, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    normalise = torch.tensor([0.5, 0.2]).view(2, 1, 1), torch.tensor([0.3, 0.2]).view(2, 1, 1)
    encoder = Poisson(max_rate=0.8, signed=signed)
    mean = encoder.model_copy(update={"mean": True})
    generator = torch.Generator().manual_seed(2)
    spikes = encoder.encode(pixels, 4000, normalise, generator)
    expected = mean.encode(pixels, 1, normalise, generator)[0]
    assert spikes.unique().tolist() == ([-1.0, 0.0, 1.0] if signed else [0.0, 1.0])
    assert (spikes.mean(0) - expected).abs().max() < 0.04
    if signed:
        image = (pixels - normalise[0]) / normalise[1]
        torch.testing.assert_close(expected, image * 0.8 / (0.8 / 0.2))
    else:
        torch.testing.assert_close(expected, pixels * 0.8)


def test_a_signed_spike_is_one_of_two_inputs_with_opposite_weights():
    """Weights W and -W, for positive and negative values: the two channels of a signed input."""
    generator = torch.Generator().manual_seed(1)
    spikes = torch.randint(-1, 2, (30, 4, 2, 6, 6), generator=generator).double()
    layer = random_teacher(NETWORKS["average"]).layers[0].synapse
    weight, bias = folded(layer, torch.nn.Identity())
    pair = torch.cat([weight, -weight], 1)
    two = torch.cat([spikes.clamp(min=0), (-spikes).clamp(min=0)], 2)
    expected = torch.nn.functional.conv2d(two.flatten(0, 1), pair, bias, padding=1)
    torch.testing.assert_close(layer(spikes.flatten(0, 1)), expected)


@pytest.mark.parametrize("signed", [False, True])
def test_a_network_converted_for_poisson_input_becomes_as_good_as_its_teacher(results, signed):
    metrics, teacher = results(time_steps=64, encoder={"kind": "poisson", "signed": signed})
    assert teacher > 70
    assert abs(metrics["test_accuracy"] - teacher) <= 2
    assert metrics["accuracy_at/1"] < teacher - 10


def test_shares_of_the_spikes_of_a_softmax_tend_to_its_probabilities():
    synapse = torch.nn.Linear(3, 4).double()
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(1)).double()
    spikes = WinnerTakesAll(synapse, 0.5)(x.expand(20_000, *x.shape))
    assert spikes.sum(2).unique().tolist() == [0, 1]
    assert spikes.sum(2).mean() == pytest.approx(0.5, abs=0.01)
    shares = spikes.sum(0) / spikes.sum((0, 2)).unsqueeze(1)
    torch.testing.assert_close(shares, synapse(x).softmax(1), atol=0.015, rtol=0)


def test_the_softmax_of_a_converted_network_tends_to_its_teachers():
    x = images(12)
    student = converted(MLP(hidden=(40,)), Conversion(percentile=100, output="softmax"), x=x)
    with torch.no_grad():
        shares = student(x.expand(4000, *x.shape)).mean(0)
        wanted = student.teacher(x[None])[0].softmax(1)
    assert wanted.max(1).values.min() < 0.9
    assert (shares - wanted).abs().max() < 0.05


def test_a_softmax_decides_as_its_teacher_does(results):
    metrics, teacher = results(time_steps=128, rule={"output": "softmax", "clock": 0.5})
    assert abs(metrics["test_accuracy"] - teacher) <= 2
    assert metrics["accuracy_at/1"] < teacher - 10


def test_one_pass_gives_the_accuracy_at_every_power_of_two_and_who_never_or_always_fires(results):
    metrics, _ = results(time_steps=512)
    assert [f"accuracy_at/{2**i}" in metrics for i in range(10)] == [True] * 10
    assert 0 <= metrics["silent/fc1"] < 100
    assert 0 <= metrics["saturated/fc1"] < 5
    hasty, _ = results(time_steps=512, rule={"percentile": 30.0})
    assert hasty["saturated/fc1"] > 5
