import json
import math
import re

import pytest

from snnlab.experiments import actions, queries, queue
from tests.web import lab


def test_a_newcomer_is_led_to_a_new_experiment(member):
    page = member.get("/").content.decode()
    assert "Nothing has run here yet" in page
    assert "/experiments/new/?preset=mnist-sample" in page


def test_home_tells_what_runs_what_waits_and_what_came_out(member, ada, tmp_path):
    lab.experiment(ada, "done")
    lab.succeed(tmp_path, test_accuracy=97.5)
    lab.experiment(ada, "at work")
    lab.claim()
    lab.experiment(ada, "in line")
    page = member.get("/").content.decode()
    assert "97.50 %" in page
    assert page.index("at work") < page.index("in line")
    assert "no worker has been seen" in page


def test_lists_tell_how_far_a_run_has_come(member, ada):
    experiment = lab.experiment(ada)
    queue.renew(lab.claim(), {"phase": "teacher", "epoch": 3, "epochs": 12})
    for address in ("/", f"/experiments/{experiment.pk}/"):
        assert "teacher epoch 3 of 12" in member.get(address).content.decode()


def test_numbers_that_are_none_break_no_page(member, ada, tmp_path):
    experiment = lab.experiment(ada, seeds=(1, 2, 3))
    lab.succeed(tmp_path, test_accuracy=96.0, loss=0.1)
    for bad in (math.nan, math.inf):
        taken = lab.succeed(tmp_path, test_accuracy=bad, loss=-bad, energy=bad)
    page = member.get(f"/experiments/{experiment.pk}/").content.decode()
    assert "96.00" in page
    assert not re.search(r"\bnan\b", page.lower())
    assert "96.00 %" in member.get("/").content.decode()
    assert "96.00 %" in member.get("/experiments/").content.decode()
    assert member.get(f"/runs/{taken.run_id}/").status_code == 200
    live = member.get(f"/runs/{taken.run_id}/live").content
    curves = json.loads(live, parse_constant=pytest.fail)["curves"]
    assert curves["loss"] == [[1, None]]
    (row,) = (row for row in queries.leaderboard(ada, "mnist") if row.kind == "measured")
    assert (row.accuracy, row.n, row.energy) == (96.0, 1, None)


def test_a_waiting_run_tells_its_place(member, ada):
    last = lab.experiment(ada, seeds=range(21)).runs.latest("id")
    assert "number 21 in line" in member.get(f"/runs/{last.pk}/").content.decode()


def test_a_mean_over_part_of_the_seeds_says_so(member, ada):
    many = lab.experiment(ada, seeds=range(101))
    few = lab.experiment(ada, seeds=range(100))
    assert "of this page" in member.get(f"/experiments/{many.pk}/").content.decode()
    assert "of this page" not in member.get(f"/experiments/{few.pk}/").content.decode()


def test_lists_cost_the_same_however_long_they_are(member, ada, django_assert_max_num_queries):
    for number in range(30):
        lab.experiment(ada, f"number {number}", seeds=(1, 2))
    with django_assert_max_num_queries(5):
        page = member.get("/experiments/").content.decode()
    assert "Page 1 of 2" in page
    with django_assert_max_num_queries(12):
        member.get("/")


def test_search_finds_by_name(member, ada):
    lab.experiment(ada, "deep & narrow")
    lab.experiment(ada, "wide")
    page = member.get("/experiments/", {"search": "NARROW"}).content.decode()
    assert "deep &amp; narrow" in page
    assert "wide</a>" not in page


@pytest.mark.parametrize("search", ["%", "'", "\x00", "x" * 5000])
def test_a_strange_search_finds_nothing(member, ada, search):
    lab.experiment(ada)
    assert member.get("/experiments/", {"search": search}).status_code == 200


@pytest.mark.parametrize("page", ["0", "99", "x", "-1"])
def test_a_page_that_does_not_exist_shows_another(member, ada, page):
    lab.experiment(ada)
    assert member.get("/experiments/", {"page": page}).status_code == 200


def test_an_experiment_shows_mean_and_spread_over_its_seeds(
    member, ada, tmp_path, django_assert_max_num_queries
):
    experiment = lab.experiment(ada, seeds=(1, 2, 3))
    for accuracy in (96.0, 97.0, 98.0):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    with django_assert_max_num_queries(7):
        page = member.get(f"/experiments/{experiment.pk}/").content.decode()
    assert "97.00 ± 1.0" in page
    assert "3 finished seeds" in page
    assert "[network]" in page


def test_a_name_is_text_not_markup(member, ada):
    experiment = lab.experiment(ada, "<script>alert(1)</script>")
    for address in ("/", "/experiments/", f"/experiments/{experiment.pk}/"):
        assert b"<script>alert" not in member.get(address).content


def test_a_runs_page_has_numbers_with_units_log_and_events(
    member, ada, django_assert_max_num_queries
):
    run = lab.experiment(ada).runs.get()
    points = [("loss", 1, 0.5), ("energy", 1, 12.3), ("firing_rate/conv1", 1, 0.25)]
    lab.claim(points, log="epoch 1 of 12\n")
    with django_assert_max_num_queries(11):
        page = member.get(f"/runs/{run.pk}/").content.decode()
    assert "12.30" in page
    assert "nJ per image" in page
    assert "stimated, 45 nm" in page
    assert "conv1" in page
    assert "epoch 1 of 12" in page
    assert "worker:test:1" in page


def test_the_live_answer_tells_what_was_measured_since(member, ada):
    run = lab.experiment(ada).runs.get()
    before = member.get(f"/runs/{run.pk}/live").json()
    assert (before["state"], before["curves"]) == ("queued", {})
    lab.claim([("accuracy", 1, 90.0), ("loss", 1, float("nan"))], log="hello\n")
    after = member.get(f"/runs/{run.pk}/live").json()
    assert after["curves"] == {"accuracy": [[1, 90.0]], "loss": [[1, None]]}
    assert (after["state"], after["log"], after["terminal"]) == ("running", "hello", False)
    assert "–" in after["pieces"]["metrics"]


def test_a_run_is_cancelled_and_retried(member, ada):
    run = lab.experiment(ada).runs.get()
    assert "Cancel run" in member.get(f"/runs/{run.pk}/").content.decode()
    member.post(f"/runs/{run.pk}/cancel")
    assert queries.run(ada, run.pk).state == "cancelled"
    assert "Retry run" in member.get(f"/runs/{run.pk}/").content.decode()
    member.post(f"/runs/{run.pk}/retry")
    assert queries.run(ada, run.pk).state == "queued"


def test_a_refused_change_says_why(member, ada):
    run = lab.experiment(ada).runs.get()
    actions.cancel(run.pk, "ada")
    page = member.post(f"/runs/{run.pk}/cancel", follow=True).content.decode()
    assert "only held, queued or running runs can be cancelled" in page


def test_a_viewer_sees_no_buttons(viewer, ada):
    run = lab.experiment(ada).runs.get()
    assert "Cancel run" not in viewer.get(f"/runs/{run.pk}/").content.decode()


def test_every_page_has_a_title_a_language_and_one_heading(member, ada):
    experiment = lab.experiment(ada)
    addresses = ("/", "/experiments/", "/experiments/new/", "/boards/", "/boards/mnist/")
    for address in (
        *addresses,
        f"/experiments/{experiment.pk}/",
        f"/runs/{experiment.runs.get().pk}/",
    ):
        page = member.get(address).content.decode()
        assert page.count("<h1") == 1, address
        assert '<html lang="en">' in page
        assert "<title>" in page


def test_no_page_loads_anything_from_elsewhere(member, ada):
    experiment = lab.experiment(ada)
    run = experiment.runs.get()
    for address in ("/", "/experiments/new/", f"/runs/{run.pk}/", "/boards/mnist/"):
        answer = member.get(address)
        assert 'src="http' not in answer.content.decode()
        assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
