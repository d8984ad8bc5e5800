"""A sweep from its form to its charts, in a real browser."""

import pytest

from snnlab.experiments import queries_sweeps
from snnlab.experiments.sweep_steps import step
from tests.experiments.sweeps import work


pytestmark = pytest.mark.browser


def test_from_the_form_to_live_charts(page, ada):
    page.open("/sweeps/new/")
    page.shows("3 points, at most 9 runs.", "#verdict")
    page.fill("#space", "epochs = 1, 2, 3, 4\nneuron.taux = 1")
    page.shows("is not a known field", "[data-place=space]")
    page.fill("#space", "epochs = 1, 2, 3, 4\nneuron.v_threshold = 0.5, 1.0")
    page.shows("8 points, at most 24 runs.", "#verdict")
    page.fill("#objectives", "accuracy, energy")
    page.click("#spec-strategy option[value=random]")
    page.fill("#spec-strategy-random-points", "6")
    page.shows("6 points, at most 18 runs.", "#verdict")
    page.click("#id_when option[value=cron]")
    page.fill("#id_cron", "30 2 * * *")
    page.shows("02:30 UTC", "#verdict")
    page.click("#id_when option[value=now]")
    page.until(lambda: "Falls due" not in page.one("#verdict").text)
    page.fill("#id_name", "How deep?")
    page.click("form#new button.main")
    page.shows("How deep?", "h1")
    page.shows("0 of 18 runs ended", "#status")

    (made,) = queries_sweeps.sweeps(ada)
    page.run("window.stays = true")
    work(lambda definition, seed: definition["epochs"] * 10.0 + seed)
    step(made.pk)
    page.shows("18 of 18 runs ended", "#status")
    page.shows("done", "#points")
    for chart in ("history", "front", "slices", "contour"):
        page.until(lambda c=chart: page.all(f"#{c} .point"))
    page.until(lambda: page.all("#parallel .js-line"))
    page.picture("sweep")
    assert page.run("window.stays") is True  # never loaded again
    page.click("#buttons form[action$=add-seeds] button")
    page.shows("18 of 28 runs ended", "#status")


def test_a_schedule_is_made_paused_and_resumed(page):
    page.open("/sweeps/new/?when=every")
    page.fill("#id_every", "30")
    page.shows("Falls due", "#verdict")
    page.click("form#new button.main")
    page.shows("every 30 min")
    page.click("form[action$=pause] button")
    page.shows("paused", ".badge")
    page.click("form[action$=resume] button")
    page.until(lambda: page.all("form[action$=pause]"))
