"""What the forms offer before anybody queues: known results, and where runs are executed."""

import pytest

from snnlab.experiments import queries, queries_sweeps, queue
from snnlab.experiments.sweep_steps import step
from snnlab.learning.version import code
from tests.experiments.sweeps import finish, measure
from tests.web import lab
from tests.web.test_new import fields


OFFER = queue.Offer(code=code())


def trained(score: float = 98.25) -> int:
    """Train what waits first, by today's code; gives the run's number."""
    claim = queue.claim("w1", ["cpu"], OFFER)
    measure(claim, lambda *_: score, range(1, 2))
    finish(claim)
    return claim.run_id


def sweep(**said: str) -> dict[str, str]:
    """What the browser sends for a sweep over three depths."""
    base = {"toml": lab.spec().to_toml(), "space": "epochs = 1, 2, 3", "seeds": "1"}
    rest = {"objectives": "accuracy", "team": "lab", "name": "Depth", "when": "now"}
    return base | rest | {"key": "5c0c9a4e-0c5f-4f7b-9a44-0d1d3f6b7a11"} | said


def test_a_form_offers_the_results_of_its_own_team_that_are_known(member, ada):
    lab.experiment(ada, epochs=2)
    run = trained()
    asked = {"seeds": "1-3"}
    offer = member.post("/experiments/new/preview", fields(epochs="2") | asked).json()["known"]
    assert "1 of 3 known already" in offer
    assert f'<a href="/runs/{run}/">run {run}</a> (seed 1' in offer
    assert (
        "known already"
        in member.post(
            "/experiments/new/", fields(epochs="2") | asked | {"name": ""}
        ).content.decode()
    )
    for other in ({"epochs": "3"}, {"epochs": "2", "time_steps": "0"}):
        answer = member.post("/experiments/new/preview", fields(**other) | asked).json()
        assert answer["known"] == ""
    elsewhere = fields(epochs="2") | {"team": "others"}
    assert member.post("/experiments/new/preview", elsewhere).json()["known"] == ""


def test_where_and_when_runs_are_executed_is_asked_for_by_the_form(member, ada):
    (first,) = queries.runs(ada, lab.experiment(ada))
    placed = {"pool": "gpu", "labels": "a100, big", "devices": "2", "memory": "4000"}
    limits = {"wall": "60", "priority": "7", "after": str(first.pk), "seeds": "1"}
    answer = member.post("/experiments/new/", fields(epochs="2") | placed | limits)
    (run,) = queries.runs(ada).exclude(pk=first.pk)
    assert answer.headers["Location"] == f"/experiments/{run.experiment_id}/"
    assert (run.pool, run.labels, run.devices) == ("gpu", ["a100", "big"], 2)
    assert (run.memory, run.wall, run.priority) == (4000, 60, 7)
    assert [needed.pk for needed in run.needs.all()] == [first.pk]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("labels", "Ä", "labels must be at most 10 words"),
        ("devices", "0", "devices must be in 1..64, got 0"),
        ("devices", "65", "devices must be in 1..64, got 65"),
        ("memory", "-4", "memory in MB must be in 16.."),
        ("wall", "x", "Enter a whole number"),
        ("priority", "1001", "priority must be in -1000..1000, got 1001"),
        ("after", "run 17", "must be at most 50 numbers of runs, as 17, 23; got run"),
        ("after", "9" * 19, "must be at most 50 numbers of runs"),
        ("after", "424242", "there is no run 424242 in this team"),
    ],
)
def test_what_cannot_be_asked_of_a_worker_is_told_and_shown(member, ada, field, value, words):
    answer = member.post("/experiments/new/", fields() | {field: value})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert "<details open><summary>Where and when" in page
    assert not queries.experiments(ada).exists()


def test_a_sweep_offers_known_results_and_takes_them_if_asked(member, ada):
    lab.experiment(ada, epochs=2)
    run = trained(97.5)
    answer = member.post("/sweeps/new/preview", sweep()).json()
    assert "1 of 3 known already" in answer["known"]
    assert f"run {run}" in answer["known"]
    member.post("/sweeps/new/", sweep() | {"spec.reuse": "true"})
    made = queries_sweeps.sweeps(ada).get()
    taken = queries.runs(ada, made.experiment).get(state="succeeded")
    assert (taken.same_as_id, taken.definition["epochs"]) == (run, 2)
    assert queries.curves(taken.pk)["accuracy"] == [(1, 97.5)]
    assert queries.runs(ada, made.experiment, "queued").count() == 2
    trained(90.0)
    trained(91.0)
    step(made.pk)
    made.refresh_from_db()
    best = max(queries_sweeps.points(made), key=lambda point: point.scores[0].mean)
    assert (made.state, best.values) == ("done", {"epochs": 2})


def test_a_sweep_trains_again_unless_it_is_asked_to_take_results(member, ada):
    lab.experiment(ada, epochs=2)
    trained()
    member.post("/sweeps/new/", sweep())
    made = queries_sweeps.sweeps(ada).get()
    assert queries.runs(ada, made.experiment, "queued").count() == 3


def test_the_points_of_a_sweep_are_checked_on_a_chip(member):
    wide = sweep(space="time_steps = 2, 4")
    html = member.post("/sweeps/new/chip", wide | {"check_on": "ideal"}).json()["html"]
    assert html.count("<strong>fits</strong> on ideal") == 2
    html = member.post("/sweeps/new/chip", wide | {"check_on": "dynapse2"}).json()["html"]
    assert html.count("does not fit") == 2
    assert "limits.fan_in_signed must be at most 64, got 1568" in html
    nowhere = member.post("/sweeps/new/chip", wide | {"space": "colour = 3"}).json()["html"]
    assert "not complete" in nowhere
    many = wide | {"space": "optimizer.lr = 1e-4 .. 1e-1 x20", "check_on": "ideal"}
    html = member.post("/sweeps/new/chip", many).json()["html"]
    assert (html.count("<strong>fits</strong>"), "8 more are not checked" in html) == (12, True)
