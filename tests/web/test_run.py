from types import SimpleNamespace

import pytest

from snnlab.web.run import progress
from tests.web import lab


def run(**said: int) -> SimpleNamespace:
    return SimpleNamespace(progress=said, definition=lab.spec(epochs=4).model_dump(mode="json"))


def losses(epochs: int) -> dict[str, list[tuple[int, float]]]:
    return {"loss": [(epoch, 1.0) for epoch in range(1, epochs + 1)]} if epochs else {}


@pytest.mark.parametrize(
    ("said", "measured", "epoch", "share"),
    [
        ({}, 0, 1, 0.0),
        ({"epoch": 2, "epochs": 4, "batch": 1, "batches": 2}, 1, 2, 0.375),
        ({"epoch": 1, "epochs": 4, "batch": 1, "batches": 2}, 2, 3, 0.5),
        ({}, 4, 4, 1.0),
    ],
    ids=["nothing yet", "the worker is ahead", "the measurements are ahead", "all done"],
)
def test_progress_is_the_newest_that_is_known(said, measured, epoch, share):
    found = progress(run(**said), losses(measured))
    assert (found["epoch"], found["share"]) == (epoch, share)


def test_what_a_worker_says_without_sense_is_no_progress():
    assert progress(run(epoch=9, batches=0), {})["share"] is None
