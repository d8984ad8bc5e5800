"""The pages of sweeps and schedules."""

import json
import re
import uuid

import pytest

from snnlab.experiments import (
    queries_schedules,
    queries_sweeps,
    queue,
)
from snnlab.experiments.sweep_steps import step
from tests.experiments.sweeps import begin, work
from tests.web import lab


LR = {"kind": "float", "low": 1e-3, "high": 1e-1, "log": True}


def score(definition, seed) -> float:
    return 50 + definition["epochs"] + seed / 10


def sweep(user, space=None, **fields):
    return lab.sweep(user, space, name="Which <b>depth</b>?", **fields)


def done(made):
    work(score)
    step(made.pk)
    made.refresh_from_db()
    return made


def charts(page: str) -> dict:
    return json.loads(re.search(r'<script id="charts"[^>]*>(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_tells_how_far_a_sweep_is_and_what_is_best(member, ada):
    made = sweep(ada, seeds=[1, 2, 3])
    work(score, most=6)
    begin(score)
    page = member.get(f"/sweeps/{made.pk}/").content.decode()
    assert "6 of 9 runs ended, 1 running" in page
    assert 'value="0.6667"' in page
    assert "Left, about" in page
    assert "Best so far" in page
    assert "Which &lt;b&gt;depth&lt;/b&gt;?" in page
    assert "<dt>At once</dt><dd>no limit</dd>" in page
    assert page.index("Seeds ended</th>") < page.index('<th scope="col">Runs</th>')
    done(made)
    page = member.get(f"/sweeps/{made.pk}/").content.decode()
    assert "53.20 ± 0.25 (n = 3)" in page
    assert '<span class="badge done">done</span>' in page


def test_lists_cost_the_same_however_long_they_are(member, ada, django_assert_max_num_queries):
    for _ in range(12):
        sweep(ada)
    with django_assert_max_num_queries(6):
        page = member.get("/sweeps/").content.decode()
    assert page.count("0 of 3 ended") == 12
    many = sweep(ada, {"optimizer.lr": [n / 1000 for n in range(1, 121)]}, parallel=1)
    with django_assert_max_num_queries(12):
        page = member.get(f"/sweeps/{many.pk}/?page=2").content.decode()
    assert "Page 2 of 3" in page
    with django_assert_max_num_queries(12):
        member.get(f"/sweeps/{many.pk}/live")


def test_the_page_stays_alive_and_sends_charts_only_when_they_changed(member, ada):
    made = sweep(ada)
    first = member.get(f"/sweeps/{made.pk}/live").json()
    assert set(first["pieces"]) == {"status", "buttons", "points"}
    assert "charts" not in member.get(f"/sweeps/{made.pk}/live?seen={first['stamp']}").json()
    work(score, most=1)
    assert "charts" in member.get(f"/sweeps/{made.pk}/live?seen={first['stamp']}").json()


def test_pruned_and_impossible_points_are_seen_as_such(member, ada):
    made = sweep(
        ada,
        {"rule.kind": ["bptt", "tbptt"], "rule.window": [1, 2], "epochs": [1, 2]},
        pruner={"kind": "median", "startup": 2, "warmup": 0},
    )
    work(lambda d, s: 90.0, most=3)
    claim = begin(lambda d, s: 10.0)
    step(made.pk)
    queue.release(claim)
    answer = member.get(f"/sweeps/{made.pk}/?order=number").content.decode()
    page = " ".join(answer.split())
    assert '<span class="badge pruned">pruned</span> <small>at step 1</small>' in page
    assert page.count('<span class="badge impossible">') == 4
    assert "rule.window: is not a known field" in page
    assert "3 succeeded, 1 pruned" in page
    assert "pruned" in [trace["name"] for trace in charts(page)["history"]["data"]]


def test_charts_of_two_objectives_have_a_front(member, ada):
    made = sweep(
        ada,
        {"optimizer.lr": LR, "epochs": [1, 2, 3]},
        strategy={"kind": "random", "points": 12},
        objectives=[{"metric": "accuracy"}, {"metric": "energy"}],
    )
    done(made)
    shown = charts(member.get(f"/sweeps/{made.pk}/").content.decode())
    assert set(shown) == {"history", "parallel", "importance", "slices", "contour", "front"}
    assert all(chart["data"] for chart in shown.values())


@pytest.mark.parametrize("action", ["cancel", "resume", "rerun-failed", "add-seeds", "extend"])
def test_only_members_of_the_team_change_a_sweep(client, ada, action):
    made = sweep(ada)
    client.force_login(lab.person("vera", "lab", "viewer"))
    assert client.post(f"/sweeps/{made.pk}/{action}").status_code == 403
    client.force_login(lab.person("bob", "others"))
    assert client.post(f"/sweeps/{made.pk}/{action}").status_code == 404
    assert client.get(f"/sweeps/{made.pk}/").status_code == 404
    assert client.get(f"/sweeps/{made.pk}/live").status_code == 404
    assert "depth" not in client.get("/sweeps/").content.decode()


def test_every_action_is_one_click(member, ada):
    made = sweep(ada)
    queue.fail(queue.claim("w1", ["cpu"]), "data", "gone")
    done(made)
    page = member.post(f"/sweeps/{made.pk}/rerun-failed", follow=True).content.decode()
    assert "1 failed" not in page
    done(made)
    member.post(f"/sweeps/{made.pk}/add-seeds", {"top": 2, "count": 3})
    done(made)
    assert made.experiment.runs.count() == 9
    space = {"space": "epochs = 1, 2, 3, 4", "seeds": "1"}
    member.post(f"/sweeps/{made.pk}/extend", space)
    step(made.pk)
    assert made.experiment.runs.count() == 10
    member.post(f"/sweeps/{made.pk}/cancel")
    assert "stopped by ada" in member.get(f"/sweeps/{made.pk}/").content.decode()
    member.post(f"/sweeps/{made.pk}/rerun-failed")  # it goes on, without what was cancelled
    done(made)
    page = member.get(f"/sweeps/{made.pk}/").content.decode()
    assert "Resume 7 cancelled</button>" in page
    member.post(f"/sweeps/{made.pk}/resume")
    done(made)
    assert (made.state, made.experiment.runs.filter(state="succeeded").count()) == ("done", 10)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"space": "epochs = 1 .. 5 often", "seeds": "1"}, "after a range means nothing"),
        ({"space": "epochs = 0", "seeds": "1"}, "space.epochs: must be at least 1"),
        ({"space": "epochs = 1", "seeds": "one"}, "seeds must be whole numbers"),
        ({"space": "epochs = 1", "seeds": "1", "most_runs": "many"}, "most_runs must be a number"),
    ],
)
def test_an_extension_that_is_wrong_is_refused_in_words(member, ada, sent, words):
    made = sweep(ada)
    page = member.post(f"/sweeps/{made.pk}/extend", sent, follow=True).content.decode()
    assert words in page.replace("&#x27;", "'")
    made.refresh_from_db()
    assert made.version == 1


def sent(**changes) -> dict:
    """A form as a browser sends it."""
    return {
        "source": "sweep",
        "name": "depth",
        "team": "lab",
        "key": str(uuid.uuid4()),
        "when": "now",
        "missed": "once",
        "toml": lab.spec().to_toml(),
        "space": "epochs = 1, 2, 3\noptimizer.lr = 1e-3 .. 1e-1 log x2",
        "seeds": "1-3",
        "objectives": "accuracy, energy",
        "spec.strategy.kind": "grid",
        "spec.pruner.kind": "none",
        "spec.pool": "cpu",
        "spec.priority": "0",
        **changes,
    }


def test_the_form_says_the_number_of_runs_before_anything_is_made(member, ada):
    page = member.get("/sweeps/new/").content.decode()
    assert "3 points, at most 9 runs." in page
    answer = member.post("/sweeps/new/preview", sent()).json()
    assert (answer["verdict"], answer["problems"]) == ("6 points, at most 18 runs.", {})
    assert not queries_sweeps.sweeps(ada).exists()


def test_a_sent_form_is_a_sweep_once(member, ada):
    form = sent(
        **{"spec.strategy.kind": "random", "spec.strategy.points": "4", "spec.parallel": "2"}
    )
    for _ in range(2):
        assert member.post("/sweeps/new/", form).status_code == 302
    made = queries_sweeps.sweeps(ada).get()
    plan = queries_sweeps.plan(made)
    assert (plan.size(), plan.seeds, plan.parallel) == (4, (1, 2, 3), 2)
    assert [o.metric for o in plan.objectives] == ["accuracy", "energy"]
    assert made.experiment.runs.count() == 2


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"space": "neuron.taux = 1"}, "space", "is not a known field"),
        ({"space": "epochs"}, "space", "has no ="),
        ({"toml": "epochs = 0"}, "base", "base.dataset: is required"),
        ({"toml": "epochs ="}, "base", "is no valid TOML"),
        ({"seeds": "x"}, "seeds", "whole numbers"),
        ({"objectives": "beauty"}, "objectives", "is no metric"),
        ({"spec.most_runs": "0"}, "most_runs", "must be at least 1"),
        (
            {"spec.strategy.kind": "random", "spec.strategy.points": "0"},
            "strategy.points",
            "at least",
        ),
        ({"spec.strategy.kind": "magic"}, "strategy.kind", "must be one of"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(member, ada, change, place, words):
    problems = member.post("/sweeps/new/preview", sent(**change)).json()["problems"]
    assert words in problems[place]
    answer = member.post("/sweeps/new/", sent(**change))
    assert answer.status_code == 422
    assert not queries_sweeps.sweeps(ada).exists()


def test_a_clone_begins_with_what_was_asked(member, ada):
    made = sweep(ada, {"epochs": [1, 2], "optimizer.lr": LR}, strategy={"kind": "tpe", "points": 7})
    page = member.get(f"/sweeps/new/?sweep={made.pk}").content.decode()
    assert "epochs = 1, 2" in page
    assert "optimizer.lr = 0.001 .. 0.1 log" in page
    assert "7 points, at most 7 runs." in page
    assert member.get("/sweeps/new/?sweep=999").status_code == 404


def test_who_may_only_look_makes_no_sweep(viewer):
    assert viewer.post("/sweeps/new/", sent()).status_code == 422
    assert "no team of yours lets you" in viewer.get("/sweeps/new/").content.decode()


def test_a_schedule_shows_its_next_five_times_before_it_is_saved(member, ada):
    form = sent(when="cron", cron="30 2 * * *", zone="Europe/Berlin", notes="Does it hold?")
    verdict = member.post("/sweeps/new/preview", form).json()["verdict"]
    assert verdict.count("02:30 CE") == 5
    assert member.post("/sweeps/new/", form).url == "/schedules/"
    assert member.post("/sweeps/new/", form).url == "/schedules/"  # sent twice by mistake
    assert queries_schedules.schedules(ada).get().notes == "Does it hold?"
    page = member.get("/schedules/").content.decode()
    assert page.count("02:30 CE") == 5
    assert "30 2 * * * (Europe/Berlin)" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"when": "cron", "cron": "every night"}, "cron must have five fields"),
        ({"when": "cron", "cron": "0 0 * * *", "zone": "Mars"}, "such as Europe/Berlin"),
        ({"when": "every", "every": "x"}, "every must be a number of minutes"),
        ({"when": "once", "start": "tomorrow"}, "start must be a moment such as"),
        ({"when": "once", "start": "2020-01-01 00:00"}, "start is over"),
        ({"when": "every", "every": "60", "start": "9999-12-31 23:00"}, "in the years 1970 to"),
    ],
)
def test_a_schedule_that_never_comes_is_refused(member, ada, change, words):
    assert words in member.post("/sweeps/new/preview", sent(**change)).json()["elsewhere"][0]
    assert member.post("/sweeps/new/", sent(**change)).status_code == 422
    assert not queries_schedules.schedules(ada).exists()


def test_the_page_of_schedules_stays_alive(member, ada):
    made = lab.schedule(ada)
    assert 'data-live="/schedules/live"' in member.get("/schedules/").content.decode()
    member.post(f"/schedules/{made.pk}/pause")
    assert "badge paused" in member.get("/schedules/live").json()["pieces"]["list"]


def test_a_schedule_is_paused_resumed_and_deleted(member, ada):
    made = lab.schedule(ada)
    member.post(f"/schedules/{made.pk}/pause")
    assert '<span class="badge paused">' in member.get("/schedules/").content.decode()
    page = member.post(f"/schedules/{made.pk}/pause", follow=True).content.decode()
    assert "paused already" in page
    member.post(f"/schedules/{made.pk}/resume")
    assert "every 60 min" in member.get("/schedules/").content.decode()
    member.post(f"/schedules/{made.pk}/delete")
    assert "No schedules yet" in member.get("/schedules/").content.decode()


@pytest.mark.parametrize("action", ["pause", "resume", "delete"])
def test_only_members_of_the_team_change_a_schedule(client, ada, action):
    made = lab.schedule(ada)
    client.force_login(lab.person("vera", "lab", "viewer"))
    assert client.post(f"/schedules/{made.pk}/{action}").status_code == 403
    client.force_login(lab.person("bob", "others"))
    assert client.post(f"/schedules/{made.pk}/{action}").status_code == 404
    assert "hourly" not in client.get("/schedules/").content.decode()
