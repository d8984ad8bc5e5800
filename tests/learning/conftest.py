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


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """Teachers are cached; those of the tests not where the user's are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
