"""Stored weights say the same when they are tested again."""

import pytest

from snnlab.learning.checkpoint import Checkpoint
from snnlab.learning.errors import TrainingError
from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec
from snnlab.learning.task import Evaluate
from snnlab.learning.work import work


SMALL = {"train_size": 300, "kind": "mnist-5k"}


def spec(**changes) -> Spec:
    network = {"kind": "mlp", "hidden": [16]}
    fields = {"dataset": SMALL, "network": network, "epochs": 2} | changes
    return Spec.parse(presets()["mnist-sample"].definition | fields)


def checkpoints(items) -> list[Checkpoint]:
    return [item for item in items if isinstance(item, Checkpoint)]


@pytest.mark.parametrize("selection", ["last-epoch", "held-out"])
def test_stored_weights_say_the_same_again(selection) -> None:
    trained = spec(selection=selection)
    stored = checkpoints(work(trained, seed=3))[-1]
    again = trained.model_copy(update={"task": Evaluate()})
    (found,) = checkpoints(work(again, seed=3, resume=stored))
    for name in ("test_accuracy", "test_loss", "acs", "selected_epoch"):
        assert found.metrics[name] == stored.metrics[name], name
    assert found.definition == again.digest() != trained.digest()
    assert checkpoints(work(again, seed=3, resume=found)) == []
    assert again.needed() == trained


def test_weights_of_another_training_are_refused() -> None:
    stored = checkpoints(work(spec(), seed=3))[-1]
    other = spec(time_steps=5, task={"kind": "evaluate"})
    with pytest.raises(TrainingError, match="of definition"):
        list(work(other, seed=3, resume=stored))
    with pytest.raises(TrainingError, match="not stored"):
        list(work(other, seed=3))
