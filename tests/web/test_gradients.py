import pytest

from snnlab.experiments import actions, queue, recording
from snnlab.web.gradients import heat_maps
from snnlab.web.run import checkpoints
from tests.web.lab import person, spec


NETWORK = {"kind": "mlp", "hidden": [16]}
TASK = {"kind": "gradients", "widths": [0.1, 3.0], "depths": [1, 2], "heights": [1.0]}
MEASURED = {
    "log10_gradient/fc1": [(1, -2.0), (2, 1.5), (3, -4.0), (4, None)],
    "log10_gradient/fc2": [(3, -1.0), (4, 0.5)],
    "log10_gradient/output": [(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.1)],
}


def test_each_depth_has_a_map_of_its_own_layers():
    task = spec(network=NETWORK, task=TASK).model_dump(mode="json")
    shallow, deep = heat_maps(task, MEASURED)
    assert (shallow.title, shallow.widths) == ("1 hidden layers, height 1", ["0.1", "3"])
    assert [layer for layer, _ in shallow.rows] == ["fc1", "output"]
    assert [layer for layer, _ in deep.rows] == ["fc1", "fc2", "output"]
    vanished, none = deep.rows[0][1]
    assert (vanished.text, none.text, none.colour) == ("-4.00", "none", "")
    assert "215" in vanished.colour
    assert checkpoints(task) == 4


def test_a_run_that_trains_has_none():
    assert heat_maps(spec().model_dump(mode="json"), {"loss": [(1, 0.5)]}) == []


@pytest.mark.django_db
def test_the_page_of_such_a_run_shows_them_and_no_board_lists_it(client):
    user = person("ada", "lovelace")
    experiment = actions.submit(
        team=user.teams.first(),
        actor="ada",
        name="gradients",
        specs=[spec(network=NETWORK, task=TASK)],
        seeds=[1],
    )
    taken = queue.claim("worker:test:1", ["cpu"])
    points = [(n, step, v) for n, ps in MEASURED.items() for step, v in ps if v is not None]
    recording.record(taken, points)
    queue.finish(taken, imported=True)
    client.force_login(user)
    page = client.get(f"/runs/{experiment.runs.get().pk}/").content.decode()
    assert "Gradients before training" in page
    assert "width 0.1" in page
    assert experiment.runs.get().score is None
