"""The parts of a run's page, and what can be kept of it."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlab.experiments import actions, artifacts, queries_run, queue, recording
from snnlab.experiments.models import Run
from snnlab.learning.checkpoint import save
from snnlab.learning.notation import flat
from snnlab.learning.spec import Spec
from snnlab.learning.train import Step
from snnlab.learning.version import code
from snnlab.learning.work import work
from snnlab.web.mistakes import pairs, picture
from snnlab.web.png import png
from snnlab.web.strokes import marks, raster, strokes
from tests.web import lab


SMALL = {
    "dataset": {"kind": "mnist-5k", "train_size": 100},
    "network": {"kind": "mlp", "hidden": [20]},
    "epochs": 1,
    "time_steps": 4,
}
PANELS = ("network", "tests", "machine", "origin")


@pytest.fixture(scope="module")
def last():
    """The last checkpoint of a real training."""
    *_, found = (item for item in work(lab.spec(**SMALL), seed=1) if not isinstance(item, Step))
    return found


@pytest.fixture
def done(ada, last, tmp_path) -> Run:
    """A run of it that has ended."""
    lab.experiment(ada, "small", **SMALL)
    points = [(metric, 1, value) for metric, value in last.metrics.items()]
    claim = lab.claim(points, log="one\ntwo <b>\n")
    Run.objects.update(code=code())  # as a worker says it when it claims
    recording.begin(claim, {"torch": "2.9", "threads": 1, "device": "cpu"}, 0, restarted=False)
    for seq in (1, 2, 3):
        used = {"cpu": 50.0 * seq, "memory": 200, "gpu": None, "gpu_memory": None}
        recording.note_usage(claim, seq, used)
    path = tmp_path / "last.safetensors"
    save(last, path)
    sha, size = artifacts.digest(path), path.stat().st_size
    fresh = recording.Fresh(1, str(path), sha, size, weights="w", final=True)
    recording.record(claim, checkpoint=fresh)
    queue.finish(claim)
    return Run.objects.get()


def text(client, run, name) -> str:
    answer = client.get(f"/runs/{run.pk}/panel/{name}")
    assert answer.status_code == 200
    return answer.content.decode()


# --- what panels show -------------------------------------------------------------------------


def test_the_rasters_have_a_mark_for_each_spike_of_the_portrait(member, done, last):
    page = text(member, done, "network")
    spikes = int(sum(t.sum() for n, t in last.portrait.items() if n.startswith("raster/")))
    drawn = page.partition('class="spikes" d="')[2].partition('"')[0]
    assert 0 < drawn.count("M") == spikes
    assert "data:image/png;base64," in page
    assert page.count("<polyline") >= 4


def test_the_matrix_of_the_page_is_that_of_the_test_images(member, done, last):
    page = text(member, done, "tests")
    matrix = last.portrait["confusion"]
    errors = int(matrix.sum() - matrix.diag().sum())
    assert f"{errors} of {int(matrix.sum())} test images are taken wrongly" in page
    assert page.count('alt="An image of class') == min(errors, 16)


def test_the_use_of_the_machine_is_drawn_and_told(member, done):
    page = text(member, done, "machine")
    assert "mean 100.0, at most 150.0, at last 150.0" in page
    assert "GPU" not in page
    assert "looked at 3 times" in page


def test_the_origin_tells_changes_files_references_and_how_to_run_again(member, done):
    page = text(member, done, "origin")
    assert "the preset mnist-sample" in page
    assert "<code>network.kind</code>" in page
    assert "&quot;" not in page.partition("Run again")[0]
    assert f"snnlab run run-{done.pk}.toml --seed 1 --threads 1" in page
    assert f'href="/runs/{done.pk}/checkpoints/1"' in page
    assert "@misc{lecun19986791," in page
    assert "https://doi.org/10.1109/5.726791" in page


def test_a_run_without_portrait_says_why_in_words(member, ada, tmp_path):
    lab.experiment(ada, "waits")
    run = Run.objects.get()
    assert "comes with the last epoch" in text(member, run, "network")
    assert "first heartbeat" in text(member, run, "machine")
    assert "No worker has begun" in text(member, run, "origin")
    lab.succeed(tmp_path, test_accuracy=90.0)
    assert "This run keeps none" in text(member, run, "tests")
    artifacts.path_of(run.checkpoints.get().artifact_id).unlink()
    assert "not in this store" in text(member, run, "origin")


def test_every_panel_and_the_page_ask_few_questions(member, done, django_assert_max_num_queries):
    for name, most in zip(PANELS, (5, 5, 5, 16), strict=True):
        with django_assert_max_num_queries(most):
            text(member, done, name)
    with django_assert_max_num_queries(9):
        page = member.get(f"/runs/{done.pk}/").content.decode()
    assert all(f'data-panel="/runs/{done.pk}/panel/{name}"' in page for name in PANELS)
    assert "data:image" not in page


def test_curves_of_layers_are_fetched_apart(member, done, last):
    found = member.get(f"/runs/{done.pk}/layers").json()["curves"]
    rate, norm = found["firing_rate"], found["gradient_norm"]
    assert rate == {"fc1": [[1, last.metrics["firing_rate/fc1"]]]}
    assert set(norm) == {"fc1", "output"}


# --- kin and parents --------------------------------------------------------------------------


def test_a_reused_result_leads_both_ways_and_shows_the_same_network(member, ada, done):
    again = actions.submit(
        team=ada.teams.first(),
        actor="ada",
        name="again",
        specs=[Spec.parse(done.definition)],
        seeds=(1,),
        reuse=True,
    ).runs.get()
    assert "has the result of" in text(member, again, "origin")
    assert "it is the same definition" in text(member, again, "origin")
    assert "gave its result to" in text(member, done, "origin")
    assert 'class="spikes"' in text(member, again, "network")


def test_a_run_that_trains_a_teacher_and_its_student_know_each_other(member, ada):
    rule = {"kind": "ltl-offline", "teacher_epochs": 1}
    student = lab.experiment(ada, "student", **SMALL, rule=rule).runs.get()
    spec = Spec.parse(student.definition)
    team = ada.teams.first()
    made = actions.submit(
        team=team, actor="ada", name="teacher", specs=[spec.rule.teacher(spec)], seeds=(1,)
    )
    assert f"run {student.pk}</a>, student" in text(member, made.runs.get(), "origin")


def test_a_test_on_chips_and_the_run_that_trained_its_network_know_each_other(member, ada, done):
    task = {"kind": "robustness", "chips": 2, "images": 20}
    tested = lab.experiment(ada, "chips", **SMALL, task=task).runs.get()
    assert f'tests the network of <a href="/runs/{done.pk}/"' in text(member, tested, "origin")
    assert f'tested in <a href="/runs/{tested.pk}/"' in text(member, done, "origin")


@pytest.mark.parametrize("name", ["mnist-sample", "cifar10-ltl", "mnist-stdp", "mnist-chip"])
def test_a_preset_is_nearest_to_itself_and_to_a_small_change_of_it(name):
    definition = queries_run.complete(name)
    assert queries_run.nearest(flat(definition)) == name
    assert queries_run.nearest(flat(definition | {"epochs": 7, "batch_size": 99})) == name


def test_a_training_is_never_set_beside_a_preset_of_another_task():
    told = {
        "dataset": {"kind": "mnist-5k", "train_size": 500},
        "network": {"kind": "mlp", "hidden": [24]},
        "neuron": {"kind": "lif"},
        "rule": {"kind": "bptt"},
    }
    near = queries_run.nearest(flat(Spec.parse(told).model_dump(mode="json")))
    assert queries_run.complete(near)["task"]["kind"] == "train"


def test_a_second_definition_is_set_beside_the_experiments_first(member, ada):
    specs = [lab.spec(epochs=epochs) for epochs in (1, 2)]
    made = actions.submit(team=ada.teams.first(), actor="ada", name="two", specs=specs, seeds=(1,))
    first, second = made.runs.order_by("id")
    page = text(member, second, "origin")
    assert f"run {first.pk}, the experiment&#x27;s first" in page
    assert '<code>epochs</code></th><td class="name">1</td><td class="name">2</td>' in page


# --- what can be kept -------------------------------------------------------------------------


def kept(run) -> list[str]:
    names = ("definition.toml", "log", "portrait.json", "checkpoints/1", "layers")
    return [f"/runs/{run.pk}/{name}" for name in names] + [
        f"/runs/{run.pk}/panel/{name}" for name in PANELS
    ]


def test_files_come_as_attachments_that_no_browser_runs(member, done, last):
    for address in kept(done)[:4]:
        answer = member.get(address)
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "html" not in answer.headers["Content-Type"]
        list(getattr(answer, "streaming_content", ()))
    definition = member.get(f"/runs/{done.pk}/definition.toml").content.decode()
    assert Spec.from_toml(definition).digest() == done.digest
    log = b"".join(member.get(f"/runs/{done.pk}/log").streaming_content)
    assert log == b"one\ntwo <b>\n"
    file = b"".join(member.get(f"/runs/{done.pk}/checkpoints/1").streaming_content)
    assert file == artifacts.path_of(done.checkpoints.get().artifact_id).read_bytes()
    shown = member.get(f"/runs/{done.pk}/portrait.json").json()
    assert shown["confusion"] == last.portrait["confusion"].tolist()


def test_of_another_team_nothing_is_there(client, done):
    client.force_login(lab.person("eve", "others"))
    assert {client.get(address).status_code for address in kept(done)} == {404}
    client.logout()
    assert {client.get(address).status_code for address in kept(done)} == {302}


def test_what_is_not_there_is_not_found(member, done):
    for name in ("panel/secret", "checkpoints/2", "panel/..%2F", "checkpoints/-1"):
        assert member.get(f"/runs/{done.pk}/{name}").status_code == 404
    assert member.post(f"/runs/{done.pk}/panel/origin").status_code == 405


def test_potentials_that_are_no_numbers_are_left_out(member, ada, last, monkeypatch):
    broken = {name: tensor.clone() for name, tensor in last.portrait.items()}
    broken["potential/fc1"][1] = float("nan")
    broken["potential/fc1"][2] = float("inf")
    found = {name: tensor.numpy() for name, tensor in broken.items()}
    monkeypatch.setattr(queries_run, "portrait", lambda _: found)
    run = lab.experiment(ada, "broken", **SMALL).runs.get()
    assert "nan" not in text(member, run, "network").lower()
    shown = json.loads(member.get(f"/runs/{run.pk}/portrait.json").content)
    assert shown["potential/fc1"][1] == [None] * 4


def test_a_file_that_is_no_checkpoint_has_no_portrait(ada, done):
    path = artifacts.path_of(done.checkpoints.get().artifact_id)
    path.write_bytes(b"no safetensors")
    assert queries_run.portrait(done.pk) is None


# --- pure -------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 9))
def test_marks_lie_around_what_they_measure(low, width, most):
    found = marks(low, low + width, most)
    slack = 1e-6 * max(abs(low), abs(low + width))
    assert 2 <= len(found) <= most + 3
    assert found[0] <= low + slack
    assert found[-1] >= low + width - slack


def test_a_line_is_interrupted_where_there_is_no_value():
    drawn = strokes([("a", [(0, 1.0), (1, None), (2, 3.0), (3, 4.0)])], level=2.0)
    assert [len(path.split()) for path in drawn.lines[0].paths] == [1, 2]
    assert drawn.level is not None
    assert strokes([]).lines == []


def test_a_raster_with_too_many_spikes_is_thinned_and_says_so():
    spikes = np.ones((10, 10), np.uint8)
    assert raster(spikes, 1000).path.count("M") == 100
    thin = raster(spikes, 40)
    assert thin.path.count("M") + thin.left_out == 100
    assert thin.path.count("M") <= 40


def test_a_png_holds_the_pixels():
    image = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
    data = png(image)
    packed = data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(2, 1 + 12)
    assert (lines[:, 0] == 0).all()
    assert (np.moveaxis(lines[:, 1:].reshape(2, 4, 3), 2, 0) == image).all()


def test_many_classes_are_a_picture_and_their_mistakes_a_list():
    matrix = np.eye(30, dtype=int) * 5
    matrix[3, 7] = 2
    assert pairs(matrix) == [(3, 7, 2)]
    shown = picture(matrix)
    assert shown.shape == (1, 30, 30)
    assert (shown[0, 0, 0], shown[0, 0, 1]) == (0, 255)
    assert json.dumps(shown.tolist())
