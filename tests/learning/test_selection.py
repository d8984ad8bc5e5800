"""Whose weights are tested, and that only those of the same data go on."""

import pytest
import torch

from snnlab.learning.checkpoint import Checkpoint, load, save, weights_digest
from snnlab.learning.datasets.mnist_5k import MNIST5k
from snnlab.learning.errors import TrainingError
from snnlab.learning.spec import Spec, SpecError
from snnlab.learning.train import Training, train
from tests.learning.conftest import TINY


CROPS = {"kind": "crop-flip", "padding": 2, "flip": False, "cutout": 4}


def checkpoints(spec, **how):
    return [item for item in train(spec, **how) if isinstance(item, Checkpoint)]


@pytest.fixture
def falling(monkeypatch):
    """Held-out accuracies that are best after the second of three epochs."""
    measured, evaluate = iter([50.0, 80.0, 80.0]), Training.evaluate

    def told(self, samples):
        found = evaluate(self, samples)
        return found | ({"accuracy": next(measured)} if samples is self.validation else {})

    monkeypatch.setattr(Training, "evaluate", told)


def test_held_out_tests_the_first_of_the_best_epochs(tiny, falling):
    first, second, last = checkpoints(tiny(selection="held-out"), seed=1)
    assert last.metrics["selected_epoch"] == second.epoch == last.best.epoch == 2
    assert first.best.epoch == 1
    assert weights_digest(last) == weights_digest(second)
    assert weights_digest(last) != weights_digest(first)


def test_the_last_epoch_is_tested_unless_something_else_is_asked_for(tiny, falling):
    last = checkpoints(tiny(), seed=1)[-1]
    assert (last.metrics["selected_epoch"], last.best) == (3, None)


def test_the_test_accuracy_is_that_of_the_selected_weights(tiny, falling):
    last = checkpoints(tiny(selection="held-out"), seed=1)[-1]
    training = Training(tiny(selection="held-out"), "cpu", 1)
    training.network.load_state_dict(last.network)
    assert training.evaluate(training.test)["loss"] == last.metrics["test_loss"]


def test_selection_and_augmentation_survive_an_interruption_bit_by_bit(tiny, tmp_path):
    spec = tiny(selection="held-out", augmentation=CROPS, epochs=4)
    straight = checkpoints(spec, seed=1)
    save(straight[1], tmp_path / "checkpoint")
    resumed = checkpoints(spec, seed=1, resume=load(tmp_path / "checkpoint"))
    assert [c.epoch for c in resumed] == [3, 4]
    assert weights_digest(resumed[-1]) == weights_digest(straight[-1])
    assert resumed[-1].metrics["test_loss"] == straight[-1].metrics["test_loss"]
    assert resumed[-1].best.epoch == straight[-1].best.epoch


def test_augmentation_changes_training_and_not_what_is_tested(tiny):
    plain, varied = (
        checkpoints(tiny(augmentation=a), seed=1)[0] for a in ({"kind": "none"}, CROPS)
    )
    assert weights_digest(plain) != weights_digest(varied)
    one, other = (Training(tiny(augmentation=a), "cpu", 1) for a in ({"kind": "none"}, CROPS))
    assert one.evaluate(one.test) == other.evaluate(other.test)


def test_choosing_by_the_test_images_is_refused_with_the_reason():
    with pytest.raises(
        SpecError, match=r"selection: test-best is refused: .* seen the test images"
    ):
        Spec.parse({**TINY, "selection": "test-best"})
    with pytest.raises(SpecError, match="selection: must be one of 'last-epoch' or 'held-out'"):
        Spec.parse({**TINY, "selection": "best"})


def test_a_result_names_its_data_and_their_caveat(tiny, tmp_path):
    (last,) = checkpoints(tiny(epochs=1), seed=1)
    assert last.data == MNIST5k().load().digest
    assert last.caveat == f"{MNIST5k.caveat}; trained on 200 images only"
    save(last, tmp_path / "checkpoint")
    again = load(tmp_path / "checkpoint")
    assert (again.data, again.caveat, again.best) == (last.data, last.caveat, None)


def test_training_does_not_go_on_with_other_data(tiny, monkeypatch):
    first = checkpoints(tiny(), seed=1)[0]
    load_all = MNIST5k.load

    def other(self):
        data = load_all(self)
        return type(data)(data.train, data.test, "0" * 64)

    monkeypatch.setattr(MNIST5k, "load", other)
    with pytest.raises(TrainingError, match=r"but this copy of the data set is 000000000000"):
        next(train(tiny(), seed=1, resume=first))


def test_the_kept_weights_are_a_copy(tiny):
    items = train(tiny(selection="held-out", epochs=2), seed=1)
    first = next(item for item in items if isinstance(item, Checkpoint))
    before = {name: tensor.clone() for name, tensor in first.best.network.items()}
    list(items)
    assert all(torch.equal(before[name], first.best.network[name]) for name in before)
