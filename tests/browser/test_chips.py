"""Chips in a real browser: their pages, and the check on the form of a new experiment."""

import pytest

from tests.web.test_deployed import finished


pytestmark = pytest.mark.browser


def test_the_form_says_whether_the_network_fits_and_where_not(page):
    page.open("/experiments/new/?preset=mnist-chip")
    page.shows("Fits on generic-mixed-signal", "#chip-answer")
    page.run("document.getElementById('chip-check').scrollIntoView({block: 'center'})")
    page.picture("fits")
    page.fill("#spec-network-mlp-hidden", "300, 64")
    page.until(lambda: len(page.all("svg.cores .core")) == 2)
    page.run("document.getElementById('check_on').value = 'dynapse2'")
    page.run("document.getElementById('check_on').dispatchEvent(new Event('change', {bubbles: 1}))")
    page.shows("Does not fit on dynapse2", "#chip-answer")
    page.shows("limits.fan_in_signed must be at most 64, got 784", '[data-place="network.kind"]')
    page.picture("refused")


@pytest.mark.parametrize("width", [1280, 360])
def test_a_chip_is_told_with_the_evidence_of_each_number(page, width):
    page.driver.set_window_size(width, 900)
    for path, text in (("/chips/", "brainscales2"), ("/chips/truenorth/", "from memory")):
        page.open(path)
        page.shows(text)
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        page.picture(f"chips{path.strip('/').replace('/', '-')}-{width}")


TASK = {"kind": "robustness", "thermal": [], "silencing": [], "chips": 4}
LEARNS = {"task": TASK, "deploy": "calibrated", "chip": {"kind": "emulated"}}


def robust() -> dict[str, list[tuple[int, float]]]:
    """Curves as a robustness run measures them, with calibrated chips."""
    found: dict[str, float] = {"chip_area/mismatch": 84.0, "chip_area/bits": 80.0}
    for kind, levels in (("mismatch", [n / 10 for n in range(6)]), ("bits", [8, 6, 5, 4, 3, 2])):
        for rank, level in enumerate(levels):
            for passes, loss in (("", 6.0), ("/1", 1.5), ("/5", 1.0)):
                mean = 96 - loss * rank
                for name, by in (("accuracy", 0), ("low", -rank), ("high", 0.5 * rank)):
                    found[f"chip_{name}/{kind}/{level:g}{passes}"] = mean + by
    return {name: [(1, value)] for name, value in found.items()}


@pytest.mark.parametrize("width", [1280, 360])
def test_a_deployed_run_shows_its_chips_and_a_robustness_run_its_curves(page, ada, tmp_path, width):
    page.driver.set_window_size(width, 1400)
    run = finished(ada, tmp_path)
    page.open(f"/runs/{run.pk}/")
    page.shows("falls silent", "#chips")
    assert len(page.all("#chips circle.dot")) == 8
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    page.picture(f"deployed-{width}")
    run = finished(ada, tmp_path, robust(), {}, **LEARNS)
    page.open(f"/runs/{run.pk}/")
    page.shows("Device mismatch", "#robustness")
    assert len(page.all("#robustness figure > svg polyline")) == 6
    assert not page.all("#robustness table")[0].is_displayed()
    page.click("#robustness summary")
    page.one("#robustness table")
    page.picture(f"robust-{width}")
