"""The whole way in a real lab: define, train, find on the board, share, and take back."""

import re
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.axe import violations
from tests.browser.conftest import Page
from tests.browser.test_boards import click_point
from tests.client.lab import Lab


pytestmark = [pytest.mark.browser, pytest.mark.chaos]
TRAINED = 180  # seconds, on a machine that does much else


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("journey"))
    lab.start()
    yield lab
    lab.stop()


@pytest.fixture
def page(lab, browser, tmp_path) -> Iterator[Page]:
    """The browser, signed in by the link that the terminal told, or as it was left."""
    page = Page(browser, lab.url.rstrip("/"), tmp_path)
    browser.delete_all_cookies()
    browser.set_window_size(1280, 900)
    browser.get("about:blank")
    page.complaints()
    yield page
    assert page.complaints() == []
    browser.get("about:blank")


def sign_in(page: Page, lab: Lab) -> None:
    page.driver.get(re.search(r"http\S+/welcome/\S+", lab.said())[0])
    page.click("main button")
    page.one(".who")


def press_tab_until(page: Page, holds: str, most: int = 200) -> None:
    """Move on by the keyboard until the focused element is the one that is meant."""
    for _ in range(most):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        if page.run(f"document.activeElement.matches({holds!r})"):
            return
    raise AssertionError(f"the keyboard does not reach {holds}")


def test_from_a_definition_to_a_link_that_is_taken_back(page, lab):
    sign_in(page, lab)
    page.open("/experiments/new/?preset=mnist-sample")
    press_tab_until(page, "#id_name")  # this form is filled in without a mouse
    focused = page.driver.switch_to.active_element
    focused.send_keys(Keys.CONTROL, "a")
    focused.send_keys("One epoch")
    press_tab_until(page, "#spec-epochs", 400)
    focused = page.driver.switch_to.active_element
    focused.send_keys(Keys.CONTROL, "a")
    focused.send_keys("1")
    page.until(lambda: "epochs = 1\n" in page.run("document.getElementById('toml').value"))
    press_tab_until(page, "form#new button.main")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.shows("One epoch", "h1")
    page.click("tbody th a")
    run = page.driver.current_url
    page.until(lambda: page.one("#run").get_attribute("data-state") == "succeeded", TRAINED)
    page.picture("trained")

    page.open("/boards/mnist/?kind=measured")
    page.shows("One epoch", "th.name")
    page.click("thead a[href*='sort=energy']")
    page.until(lambda: "sort=energy" in page.driver.current_url)
    page.fill("input[name=q]", "no such words")
    page.click(".filters button.main")
    page.until(lambda: "One epoch" not in page.one("main").text)
    page.open("/boards/mnist/?kind=measured")
    click_point(page, "mnist-trade", 0, run.removeprefix(page.address))

    page.open("/boards/mnist/?kind=measured")
    page.click("a[href*='/boards/mnist/share/']")
    page.fill("#title", "For my reader")
    page.click("main form button.main")
    link = page.one("#made").text.strip()
    session = page.driver.get_cookies()
    page.driver.delete_all_cookies()
    page.driver.get(link)
    page.shows("For my reader", "h1")
    page.shows("One epoch", "th.name")
    page.until(lambda: page.all("#mnist-trade .scatterlayer .trace"))
    assert page.all(".who") == []
    assert violations(page.driver) == []
    page.picture("shared")

    for cookie in session:
        page.driver.add_cookie(cookie)
    page.open("/shares/")
    page.click("button.danger")
    page.driver.delete_all_cookies()
    page.driver.get(link)
    assert "For my reader" not in page.one("main").text
    page.complaints()  # a page that is not there is told by its status, and so by the console
