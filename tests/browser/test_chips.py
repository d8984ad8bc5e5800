"""Chips in a real browser: their pages, and the check on the form of a new experiment."""

import pytest


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
