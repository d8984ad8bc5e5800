"""The list of runs: what it shows, what is done to what is ticked, and saved views."""

import pytest

from snnlab.experiments import queries
from snnlab.experiments.models import RunTag, SavedSearch, Star
from tests.web import lab


@pytest.fixture
def runs(ada, tmp_path):
    """One that succeeded, two that wait."""
    lab.experiment(ada, "done <b>", epochs=7)
    lab.succeed(tmp_path, test_accuracy=97.5, energy=12.0)
    waiting = lab.experiment(ada, "in line", seeds=(1, 2))
    return [queries.runs(ada).get(experiment__name="done <b>"), *waiting.runs.order_by("id")]


def page(client, **query: str) -> str:
    return client.get("/runs/", query).content.decode()


def act(client, name: str, runs, **said: str):
    sent = {"act": name, "run": [run.pk for run in runs], **said}
    return client.post("/runs/act", sent, follow=True).content.decode()


def states(runs) -> list[str]:
    for run in runs:
        run.refresh_from_db()
    return [run.state for run in runs]


def test_a_search_in_the_address_is_what_is_listed(member, runs):
    shown = page(member, q="accuracy > 0.9")
    assert "97.50" in shown
    assert "done &lt;b&gt;" in shown
    assert "in line" not in shown
    assert "1 found" in shown
    assert page(member).count('name="run"') == 3


def test_a_search_that_cannot_be_read_is_told_at_its_column(member, runs):
    answer = member.get("/runs/", {"q": "acuracy > 1"})
    assert answer.status_code == 422
    assert "Column 1: there is no field" in answer.content.decode()
    assert "Did you mean accuracy" in answer.content.decode()


def test_columns_and_order_are_in_the_address(member, runs):
    shown = page(member, col="epochs, energy", sort="energy")
    assert "<td>7</td>" in shown
    assert "12.00" in shown
    assert 'aria-sort="ascending"' in shown
    assert "sort=-energy" in shown
    assert "rule.nothing" in page(member, col="rule.nothing,x<y")
    assert "x&lt;y" not in page(member, col="rule.nothing,x<y").partition("<table>")[2]


@pytest.mark.parametrize(
    "query",
    [{"sort": "x"}, {"after": "x"}, {"after": "9" * 30}, {"after": "9" * 18}, {"col": "," * 999}],
)
def test_an_odd_address_shows_the_usual(member, runs, query):
    assert page(member, **query).count('name="run"') >= 1


def test_a_long_list_goes_on_after_the_last_run(member, ada, django_assert_max_num_queries):
    lab.experiment(ada, "many", seeds=range(120))
    with django_assert_max_num_queries(12):
        first = page(member)
    assert first.count('name="run"') == 50
    after = first.partition("after=")[2].partition('"')[0]
    assert page(member, after=after).count('name="run"') == 50
    assert "120 found" in first


def test_another_teams_runs_are_not_listed_and_not_changed(stranger, runs):
    assert "No runs yet" in page(stranger)
    for name in ("cancel", "tag", "star", "compare"):
        sent = {"act": name, "run": [runs[1].pk], "tag": "mine"}
        assert stranger.post("/runs/act", sent).status_code == 404
    assert states(runs) == ["succeeded", "queued", "queued"]
    assert not RunTag.objects.exists()
    assert not Star.objects.exists()


def test_a_viewer_stars_and_changes_nothing(viewer, runs):
    assert "Add tag" not in page(viewer)
    for name in ("cancel", "retry", "hold", "release", "tag", "untag"):
        assert viewer.post("/runs/act", {"act": name, "run": [runs[1].pk]}).status_code == 403
    assert "1 run starred" in act(viewer, "star", runs[:1])
    assert Star.objects.get().run == runs[0]
    assert "starred" in page(viewer, q="starred")


def test_ticked_runs_are_cancelled_and_retried_and_what_cannot_be_is_told(member, runs):
    shown = act(member, "cancel", runs)
    assert "cancel: 2 runs changed" in shown
    assert f"run {runs[0].pk} is succeeded" in shown
    assert states(runs) == ["succeeded", "cancelled", "cancelled"]
    act(member, "retry", runs[1:])
    act(member, "hold", runs[1:2])
    assert states(runs) == ["succeeded", "held", "queued"]
    act(member, "release", runs[1:2])
    assert states(runs)[1] == "queued"


def test_all_that_a_search_finds_are_changed_at_once(member, runs):
    act(member, "cancel", [], all="1", back="q=state+%3D+queued")
    assert states(runs) == ["succeeded", "cancelled", "cancelled"]


def test_more_runs_than_the_bound_are_refused(member, runs, monkeypatch):
    monkeypatch.setattr("snnlab.web.runs_actions.MOST", 1)
    assert "at most 1 runs" in act(member, "cancel", runs[1:])
    assert states(runs)[1] == "queued"


def test_tags_are_put_on_and_taken_off(member, runs):
    assert "2 runs changed" in act(member, "tag", runs[:2], tag=" paper ")
    assert "1 run changed" in act(member, "tag", runs, tag="paper")
    assert page(member, q="tag = paper").count('name="run"') == 3
    assert "3 runs changed" in act(member, "untag", runs, tag="paper")
    assert "tag must have 1 to 50" in act(member, "tag", runs, tag=" ")
    assert not RunTag.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"act": "cancel"}, {"act": "x", "run": "1"}])
def test_nothing_ticked_or_nothing_to_do_is_said(member, runs, sent):
    sent = sent | ({"run": runs[1].pk} if "run" in sent else {})
    shown = member.post("/runs/act", sent, follow=True).content.decode()
    assert "no run is ticked" in shown or "act must be one of" in shown


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "9" * 5000, "0"])
def test_a_run_that_is_none_is_not_found(member, runs, number):
    assert member.post("/runs/act", {"act": "star", "run": number}).status_code == 404


def test_compare_leads_to_the_ticked_runs(member, runs):
    numbers = [run.pk for run in runs]
    answer = member.post("/runs/act", {"act": "compare", "run": numbers})
    wanted = ",".join(str(number) for number in numbers)
    assert answer.headers["Location"] == f"/boards/compare/?runs={wanted}"


def test_a_view_is_saved_listed_and_deleted_by_its_owner(member, ada, runs, client):
    sent = {"name": "In line", "back": "q=state+%3D+queued&sort=-seed&evil=1", "team": "lab"}
    member.post("/runs/views/save", sent)
    view = SavedSearch.objects.get()
    assert view.address == "q=state+%3D+queued&sort=-seed"
    assert 'href="?q=state+%3D+queued&amp;sort=-seed"' in page(member)
    client.force_login(lab.person("vera", "lab", "viewer"))
    assert ">In line</a>" in page(client)
    assert client.post(f"/runs/views/{view.pk}/delete").status_code == 404
    assert client.post("/runs/views/save", sent).status_code == 403
    client.force_login(lab.person("bob", "others"))
    assert ">In line</a>" not in page(client)
    assert client.post("/runs/views/save", sent).status_code == 404
    client.force_login(ada)
    client.post(f"/runs/views/{view.pk}/delete")
    assert not SavedSearch.objects.exists()


def test_a_private_view_is_its_owners_alone(member, runs, client):
    member.post("/runs/views/save", {"name": "Mine", "back": "q=starred"})
    client.force_login(lab.person("vera", "lab", "viewer"))
    assert ">Mine</a>" not in page(client)


@pytest.mark.parametrize(
    ("name", "back", "said"),
    [("", "", "name must have"), ("x", "q=)", "column 1"), ("x" * 101, "", "name must have")],
)
def test_a_view_that_cannot_be_is_refused(member, name, back, said):
    sent = {"name": name, "back": back}
    shown = member.post("/runs/views/save", sent, follow=True).content.decode()
    assert said in shown
    assert not SavedSearch.objects.exists()
