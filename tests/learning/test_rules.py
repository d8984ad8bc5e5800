"""Every rule must keep these promises. A new rule is tested by existing."""

import inspect

import pytest
import torch

from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.part import members
from snnlab.learning.rule import Rule
from snnlab.learning.rules.bptt import BPTT
from snnlab.learning.spec import Spec
from snnlab.learning.train import train


MORE = {"dataset": {"kind": "mnist-5k", "train_size": 400}, "batch_size": 20}
UNNORMED = {"network": {"kind": "mlp", "hidden": [32], "norm": "none"}}
NEEDS = {  # what a rule asks of a definition, beside itself
    "conversion": {"neuron": {"kind": "if"}, "time_steps": 16},
    "ltl-offline": {"rule": {"kind": "ltl-offline", "teacher_epochs": 10}, **MORE},
    "ltl-online": {
        **MORE,
        **UNNORMED,
        "rule": {
            "kind": "ltl-online",
            "warm_up": 0.5,
            "teacher_epochs": 10,
            "teacher_norm": "none",
        },
        "neuron": {
            "kind": "if",
            "surrogate": "boxcar",
            "surrogate_width": 2,
            "surrogate_height": 0.5,
        },
        "dataset": {"kind": "mnist-5k", "train_size": 600},
        "optimizer": {"kind": "adam", "lr": 0.005},
        "time_steps": 4,
        "epochs": 8,
    },
    "ottt": {**MORE, **UNNORMED},
    "r-stdp": {
        "dataset": {"kind": "mnist-5k", "train_size": 800},
        "batch_size": 20,
        "network": {
            "kind": "conv-stdp",
            **{"maps": [16], "kernels": [5], "pools": [3], "thresholds": [8], "per_class": 5},
        },
        "neuron": {"kind": "if"},
        "rule": {
            "kind": "r-stdp",
            **{"images": [400], "thresholds": [10], "winners": [5], "radii": [2]},
            **{"potentiation": 0.4, "depression": 0.3, "reward": 0.3},
        },
        "time_steps": 5,
        "epochs": 2,
    },
    "stdp": {
        "encoder": {"kind": "poisson", "max_rate": 0.2},
        "network": {"kind": "diehl-cook", "neurons": 40},
        "neuron": {"kind": "lif", "tau": 100, "v_threshold": 13, "reset": "hard"},
        "time_steps": 40,
        "epochs": 1,
    },
}


@pytest.fixture(params=members(Rule, "snnlab.learning.rules"), ids=lambda rule: rule.__name__)
def spec(request, tiny):
    kind = request.param.model_fields["kind"].default
    optimizer = {"kind": "adam", "lr": 0.01}
    wanted = {"rule": {"kind": kind}, "optimizer": optimizer, "epochs": 10, **NEEDS.get(kind, {})}
    return tiny(**wanted)


def checkpoints(spec, **how):
    return [item for item in train(spec, **how) if isinstance(item, Checkpoint)]


def without_time(checkpoints):
    return [{k: v for k, v in c.metrics.items() if k != "seconds"} for c in checkpoints]


def test_survives_json(spec):
    assert Spec.from_json(spec.model_dump_json()) == spec


def test_names_its_source_and_says_what_it_does(spec):
    assert spec.rule.source
    assert inspect.getdoc(type(spec.rule)) != inspect.getdoc(Rule)


def test_same_seed_gives_the_same_numbers_and_another_seed_others(spec):
    once, again, other = (without_time(checkpoints(spec, seed=s)) for s in (1, 1, 2))
    assert once == again != other


def test_learns_the_digits(spec):
    """A dead network "trains" at a loss of ln 10 = 2.30: demand much better, and spikes."""
    last = checkpoints(spec, seed=1)[-1].metrics
    if spec.rule.learning != "gradients":  # without labels, from few images: chance is 10 %
        assert last["test_accuracy"] > 35
        return
    assert last["validation_loss"] < 1.1  # a rule's own loss can be anything
    assert last["test_accuracy"] > 70
    assert 0.02 < last["firing_rate"] < 0.6


def test_wrong_shapes_are_refused(spec):
    network = MLP(hidden=(4,)).build((1, 3, 3), 2, LIF())
    with pytest.raises(Exception, match="labels"):
        list(spec.rule.updates(network, torch.rand(5, 2, 1, 3, 3), torch.tensor([0.5, 1.0])))


def test_bptt_is_the_gradient_of_the_plainly_unrolled_network(monkeypatch):
    """Fused scan, hoisted constant input and all: equal to autograd through every step."""
    gradients = []
    images, labels = torch.rand(4, 1, 3, 3, dtype=torch.float64), torch.tensor([0, 1, 1, 0])
    for way in LIF.scan, lambda self, current, steps, overwrite: self.unrolled(current, steps):
        monkeypatch.setattr(LIF, "scan", way)
        network = MLP(hidden=(8, 6)).build((1, 3, 3), 2, LIF()).double()
        [_] = BPTT().updates(network, images.expand(7, 4, 1, 3, 3), labels)
        gradients.append([p.grad for p in network.parameters()])
    assert all(g.abs().max() > 1e-6 for g in gradients[0])
    torch.testing.assert_close(*gradients)


def test_bptt_of_a_network_without_neurons_is_the_gradient_of_logistic_regression():
    images, labels = torch.rand(6, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    network = MLP(hidden=()).build((1, 2, 2), 3, LIF())
    list(BPTT().updates(network, images.expand(5, 6, 1, 2, 2), labels))
    weight = network.layers.output.synapse.weight
    x = images.flatten(1)
    error = (x @ weight.T).softmax(1) - torch.nn.functional.one_hot(labels, 3)
    torch.testing.assert_close(weight.grad, error.T @ x / 6)


def test_bptt_clips_the_gradient_to_the_norm_asked_for():
    network = MLP(hidden=(8,)).build((1, 3, 3), 2, LIF())
    inputs, labels = torch.rand(4, 5, 1, 3, 3), torch.tensor([0, 1, 0, 1, 1])
    list(BPTT(max_gradient=1e-3).updates(network, inputs, labels))
    norm = torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item()
    assert norm == pytest.approx(1e-3, rel=1e-3)
