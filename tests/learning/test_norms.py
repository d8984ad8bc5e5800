import pytest
import torch
from torch import nn

from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.energy import metered
from snnlab.learning.errors import TrainingError
from snnlab.learning.layers import Spiking
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.norms import BNTT, TEBN, norm
from snnlab.learning.train import train


STEPS = 5
SYNAPSES = [(nn.Linear(7, 3), (4, 3)), (nn.Conv2d(2, 3, 3), (4, 3, 5, 6))]
EVERY_SYNAPSE = pytest.mark.parametrize(("synapse", "shape"), SYNAPSES, ids=["linear", "conv"])
PER_STEP = pytest.mark.parametrize("kind", ["bntt", "tebn"])


def grown(kind, synapse, steps=STEPS):
    built = norm(kind, synapse, v_threshold=1.0)
    built.grow(steps)
    return built.double()


def currents(shape, steps=STEPS):
    generator = torch.Generator().manual_seed(0)
    drift = torch.arange(steps).view(steps, *[1] * len(shape))
    noise = torch.randn(steps, *shape, dtype=torch.float64, generator=generator)
    return noise * (1 + drift) + drift


def standard(x, over):
    mean, variance = x.mean(over, keepdim=True), x.var(over, correction=0, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


@EVERY_SYNAPSE
def test_bntt_is_one_batch_norm_for_each_step_without_a_shift(synapse, shape):
    ours, x = grown("bntt", synapse), currents(shape)
    with torch.no_grad():
        ours.weight.uniform_(0.5, 2)
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    plain = [kind(3).double() for _ in range(STEPS)]
    for t, reference in enumerate(plain):
        reference.weight.data = ours.weight[t].detach().clone()
    for _ in range(2):  # the second time, running statistics are no longer those of the beginning
        theirs = torch.stack([reference(x[t]) for t, reference in enumerate(plain)])
        torch.testing.assert_close(ours(x, STEPS), theirs)
    ours.eval()
    theirs = torch.stack([reference.eval()(x[t]) for t, reference in enumerate(plain)])
    torch.testing.assert_close(ours(x, STEPS), theirs)


@EVERY_SYNAPSE
def test_tebn_is_batch_norm_shared_over_time_then_a_factor_for_each_step(synapse, shape):
    ours, x = grown("tebn", synapse), currents(shape)
    over = [d for d in range(x.dim()) if d != 2]
    torch.testing.assert_close(ours(x, STEPS), standard(x, over))
    with torch.no_grad():
        ours.factor.copy_(torch.arange(STEPS))
    factor = torch.arange(STEPS).view(STEPS, *[1] * len(shape))
    torch.testing.assert_close(ours(x, STEPS), standard(x, over) * factor)


@EVERY_SYNAPSE
def test_tdbn_begins_with_the_spread_of_the_threshold(synapse, shape):
    x = currents(shape).flatten(0, 1)
    over = [d for d in range(x.dim()) if d != 1]
    normed = norm("tdbn", synapse, v_threshold=0.4).double()(x)
    torch.testing.assert_close(normed, 0.4 * standard(x, over))


@pytest.mark.parametrize("kind", ["tdbn", "tebn"])
def test_at_the_beginning_and_threshold_one_it_is_batch_norm(kind):
    """Each differs from batch-norm only by weights that training changes."""
    x = torch.rand(STEPS, 6, 1, 8, 8)
    outputs = [
        ConvNet(channels=(3, 4), norm=each).build((1, 8, 8), 2, LIF(), time_steps=STEPS)(x)
        for each in (kind, "batch")
    ]
    assert outputs[0].std() > 0.01
    torch.testing.assert_close(*outputs)


def test_bntt_of_one_step_is_batch_norm():
    x = torch.rand(1, 6, 1, 8, 8)
    outputs = [
        ConvNet(channels=(3, 4), norm=each).build((1, 8, 8), 2, LIF())(x)
        for each in ("bntt", "batch")
    ]
    torch.testing.assert_close(*outputs)


@PER_STEP
def test_a_constant_input_is_the_same_as_its_repetition_but_computed_once(kind):
    layer = Spiking(nn.Conv2d(2, 3, 3).double(), grown(kind, nn.Conv2d(2, 3, 3)), LIF())
    for parameter in layer.norm.parameters():
        nn.init.uniform_(parameter, 0.5, 3)
    x = torch.randn(4, 2, 6, 6, dtype=torch.float64)
    seen = []
    layer.synapse.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    constant, repeated = layer(x.expand(STEPS, *x.shape)), layer(x.repeat(STEPS, 1, 1, 1, 1))
    assert 0 < constant.mean() < 1
    assert torch.equal(constant, repeated.view_as(constant))
    assert seen == [4, 4 * STEPS]


@PER_STEP
def test_fewer_steps_take_the_first_weights_and_more_are_refused(kind):
    built, x = grown(kind, nn.Linear(7, 3)).eval(), currents((4, 3))
    for parameter in built.parameters():
        nn.init.uniform_(parameter)
    torch.testing.assert_close(built(x[:2], 2), built(x, STEPS)[:2])
    with pytest.raises(TrainingError, match=r"built for 5 time steps.*got 6"):
        built(currents((4, 3), 6), 6)


@PER_STEP
def test_a_rule_that_shows_single_steps_is_refused(kind):
    with pytest.raises(TrainingError, match="differ from step to step"):
        grown(kind, nn.Linear(7, 3))(torch.rand(4, 3))


def test_channels_last_stays_channels_last():
    for kind in BNTT(3), TEBN(nn.BatchNorm2d(3)):
        kind.grow(2)
        x = torch.rand(2, 4, 3, 5, 6).flatten(0, 1).to(memory_format=torch.channels_last)
        assert kind(x.view(2, 4, 3, 5, 6), 2)[0].is_contiguous(memory_format=torch.channels_last)


def test_weights_for_each_step_are_counted_before_anything_is_allocated():
    network = MLP(hidden=(6,), norm="bntt")
    built = network.build((1, 2, 2), 3, LIF(), time_steps=10)
    assert sum(p.numel() for p in built.parameters()) == 4 * 6 + 10 * 6 + 6 * 3 + 3
    assert network.parameters((1, 2, 2), 3, LIF(), 10) == 4 * 6 + 10 * 6 + 6 * 3 + 3


def test_the_synapses_before_a_norm_for_each_step_are_metered():
    network = MLP(hidden=(6,), norm="bntt").build((1, 3, 3), 2, LIF(), time_steps=5)
    x = torch.rand(2, 1, 3, 3).expand(5, 2, 1, 3, 3)
    with torch.no_grad(), metered(network) as meter:
        network(x)
    meter.images = 2
    assert meter.metrics()["macs"] == 9 * 6


@pytest.mark.parametrize("kind", ["none", "batch", "bntt", "tdbn", "tebn"])
def test_every_norm_trains_and_goes_on_from_a_checkpoint_with_the_same_bits(kind, tiny):
    spec = tiny(network={"kind": "mlp", "hidden": [32], "norm": kind})
    whole = [item for item in train(spec, seed=1) if isinstance(item, Checkpoint)]
    *_, resumed = train(spec, seed=1, resume=whole[0])
    assert whole[-1].metrics["loss"] < 0.9 * whole[0].metrics["loss"]
    assert resumed.network.keys() == whole[-1].network.keys()
    for name, value in whole[-1].network.items():
        assert torch.equal(value, resumed.network[name]), name
