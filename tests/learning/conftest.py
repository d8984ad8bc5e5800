import pytest

from snnlab.learning.spec import Spec


TINY = {
    "dataset": {"kind": "mnist-5k", "train_size": 200},
    "network": {"kind": "mlp", "hidden": [32]},
    "neuron": {"kind": "lif"},
    "rule": {"kind": "bptt"},
    "time_steps": 3,
    "epochs": 3,
    "batch_size": 50,
}


@pytest.fixture
def tiny():
    """A spec that trains in a second; keywords replace its parts."""

    def make(**changes):
        return Spec.parse({**TINY, **changes})

    return make
