"""A rule refuses, in words and before any training, every network that it cannot train.

A new rule and a new network are tested by existing.
"""

from contextlib import suppress
from itertools import product
from typing import get_args

import pytest
import torch

from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron
from snnlab.learning.norms import Norm
from snnlab.learning.part import members
from snnlab.learning.problems import SpecError
from snnlab.learning.rule import Rule
from snnlab.learning.train import Training


SMALL = {
    "mlp": {"hidden": [6]},
    "convnet": {"channels": [3], "kernel": 3},
    "vgg": {"depth": 9, "width": 0.03},
    "resnet": {"depth": 20, "width": 0.1},
    "diehl-cook": {"neurons": 8},
}


def kinds(base, package):
    found = members(base, f"snnlab.learning.{package}")
    return [part.model_fields["kind"].default for part in found]


PLAIN = [{"kind": "lif"}, {"kind": "if"}, {"kind": "lif", "reset": "hard"}]
NEURONS = [{"kind": kind} for kind in kinds(Neuron, "neurons")]
UNUSUAL = [{"kind": "if", "train_v_threshold": True}, {"kind": "lif", "refractory": 1}]
READOUTS = get_args(Network.model_fields["readout"].annotation)


def choices():
    """Definitions that differ from a plain one in one part."""
    for neuron in [*PLAIN, *NEURONS, *UNUSUAL]:
        yield {"neuron": neuron, "network": {"norm": "none"}}
    for neuron in PLAIN:
        yield {"neuron": neuron, "network": {"norm": "none"}, "encoder": {"kind": "poisson"}}
    for neuron, norm in product(PLAIN[:2], get_args(Norm)[1:]):
        yield {"neuron": neuron, "network": {"norm": norm}}
    for neuron, readout in product(PLAIN[:2], READOUTS[1:]):
        yield {"neuron": neuron, "network": {"norm": "none", "readout": readout}}


@pytest.mark.parametrize("network", kinds(Network, "networks"))
@pytest.mark.parametrize("rule", kinds(Rule, "rules"))
def test_a_rule_refuses_a_network_in_words_or_trains_it(rule, network, tiny):
    """That refusals are of pairs that cannot be is said by the tests of each rule."""
    for choice in choices():
        shape = {"kind": network, **SMALL.get(network, {}), **choice["network"]}
        try:
            spec = tiny(**choice | {"network": shape, "rule": {"kind": rule}, "time_steps": 2})
        except SpecError:
            continue
        update(spec)


@pytest.mark.parametrize("rule", kinds(Rule, "rules"))
def test_a_rule_takes_some_network(rule, tiny):
    """Or the test above would be passed by a rule that refuses all of them."""
    taken = 0
    for network, choice in product(kinds(Network, "networks"), choices()):
        shape = {"kind": network, **SMALL.get(network, {}), **choice["network"]}
        with suppress(SpecError):
            tiny(**choice | {"network": shape, "rule": {"kind": rule}, "time_steps": 2})
            taken += 1
    assert taken


def update(spec):
    """One update of the network by a few images; its teacher, if it has one, knows nothing."""
    training = Training(spec, "cpu", 1)
    if teaching := spec.rule.teacher(spec):
        training.network.teacher = training.built(teaching, 2).requires_grad_(requires_grad=False)
    spec.rule.prepare(training.network)
    training.optimizer = spec.optimizer.build(training.network.parameters())
    training.update(torch.arange(4), 1, looks=True)
    assert all(p.isfinite().all() for p in training.network.parameters())
    training.network(training.encode(training.train[torch.arange(2)].images))
