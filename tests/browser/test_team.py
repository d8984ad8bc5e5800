"""A team in a real browser: somebody new is invited; runs are found, tagged and kept as a view."""

import pytest

from snnlab.experiments import actions_marks, queries
from snnlab.experiments.models import RunTag
from snnlab.teams.models import Membership
from tests.web import lab


pytestmark = pytest.mark.browser


def sign_out(page) -> None:
    page.click("details.who summary")
    page.click("details.who form button")
    page.one("#id_password")


def test_somebody_new_is_invited_joins_and_may_only_look(page, ada):
    Membership.objects.filter(user=ada).update(role="owner")
    run = lab.experiment(ada, "Leaky or not").runs.get()
    page.open("/teams/lab/")
    page.click("#invite-role option[value=viewer], #invite-role option:last-child")
    page.click("form[action$=invite] button")
    link = page.one("#link").text
    sign_out(page)
    page.driver.get(link)
    page.shows("ada invites you as viewer")
    page.fill("#username", "nina")
    page.fill("#password", "short")
    page.click("main button.main")
    page.shows("too short", ".problem")
    page.complaints()  # the browser notes that this was refused
    page.fill("#password", "rather-long-and-odd-42")
    page.click("main button.main")
    page.shows("You are viewer")
    page.picture("joined")
    page.open(f"/runs/{run.pk}/")
    page.shows("Leaky or not")
    assert not page.all("button.danger")
    assert not page.all("form[action$=note]")
    page.click("form[action$=star] button")
    page.shows("Starred")
    page.open("/runs/")
    page.one("input[name=run]")
    assert not page.all("button[value=tag]")
    assert queries.run(ada, run.pk).state == "queued"


def test_runs_are_found_tagged_and_kept_as_a_view(page, ada, tmp_path):
    lab.experiment(ada, "wide", seeds=(1, 2))
    lab.experiment(ada, "deep", seeds=(1,), epochs=7)
    for accuracy in (97.0, 99.5, 99.7):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    page.open("/runs/")
    page.fill("#q", "acuracy > 0.99")
    page.click(".search button")
    page.shows("Did you mean accuracy", ".problem")
    page.complaints()  # the browser notes that this was refused
    page.fill("#q", "accuracy > 0.99")
    page.click(".search button")
    page.shows("2 found", "caption")
    page.click("#tick-all")
    page.shows("With the 2 ticked runs", "#ticked")
    page.fill("#tag", "paper")
    page.click("button[value=tag]")
    page.shows("2 runs changed", ".notice")
    assert RunTag.objects.filter(tag="paper").count() == 2
    assert "accuracy" in page.one("#q").get_attribute("value")
    page.click(".aids details summary")
    page.fill("#view-name", "Good ones")
    page.click("form[action$=save] button")
    page.shows("The view is saved", ".notice")
    page.open("/runs/")
    page.shows("3 found", "caption")
    page.click(".view a")
    page.shows("2 found", "caption")
    page.picture("runs")
    page.click("#tick-all")
    page.click("button[value=compare]")
    page.until(lambda: "/boards/compare/" in page.driver.current_url)


def test_home_and_runs_fit_a_phone(page, ada, tmp_path):
    experiment = lab.experiment(ada, "a-name-without-any-space-" * 6)
    lab.succeed(tmp_path, test_accuracy=97.5)
    actions_marks.note_experiment(experiment, "ada", "x" * 300 + "\n\n    " + "y" * 300)
    actions_marks.tag_experiment(experiment.pk, "t" * 50)
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    places = ("/", "/runs/", "/activity/", "/teams/", "/teams/lab/")
    for path in (*places, f"/experiments/{experiment.pk}/"):
        page.open(path)
        page.picture(f"phone{path.replace('/', '-')}")
        assert page.run("document.documentElement.scrollWidth") <= 360, path
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
