import pytest

from snnlab.experiments import actions, queue, recording
from snnlab.web.robustness import flaws
from snnlab.web.run import checkpoints
from tests.web.lab import person, spec


TASK = {"kind": "robustness", "mismatch": [0.0, 0.5], "bits": [], "thermal": [], "silencing": [0.6]}
MEASURED = {
    "chip_area/mismatch": 80.25,
    "chip_accuracy/mismatch/0": 96.5,
    "chip_worst/mismatch/0": 96.5,
    "chip_accuracy/mismatch/0.5": 64.0,
    "chip_low/mismatch/0.5": 61.0,
    "chip_high/mismatch/0.5": 67.0,
    "chip_std/mismatch/0.5": 8.4,
    "chip_worst/mismatch/0.5": 40.0,
}


def test_what_was_measured_is_a_table_for_each_kind_of_flaw():
    definition = spec(task=TASK).model_dump(mode="json")
    curves = {name: [(1, value)] for name, value in MEASURED.items()}
    (mismatch,) = flaws(definition, curves)  # silencing is still to come
    assert (mismatch.title, mismatch.area) == ("Device mismatch", "80.25")
    assert mismatch.rows[1] == ("0.5", "", ["64.00", "61.00", "67.00", "8.400", "40.00"])
    assert checkpoints(definition) == 2
    assert flaws(spec().model_dump(mode="json"), curves) == []


@pytest.mark.django_db
def test_the_page_of_such_a_run_shows_them_and_no_board_lists_it(client):
    user = person("ada", "lovelace")
    experiment = actions.submit(
        team=user.teams.first(), actor="ada", name="chips", specs=[spec(task=TASK)], seeds=[1]
    )
    taken = queue.claim("worker:test:1", ["cpu"])
    recording.record(taken, [(name, 1, value) for name, value in MEASURED.items()])
    queue.finish(taken, imported=True)
    client.force_login(user)
    page = client.get(f"/runs/{experiment.runs.get().pk}/").content.decode()
    assert "Device mismatch: area under the curve 80.25 %" in page
    assert experiment.runs.get().score is None
