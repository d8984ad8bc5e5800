"""A real browser on a real server, with what the tests of the pages have."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from snnlab.teams.actions import sign_in_link
from tests.web import lab
from tests.web.conftest import home


__all__ = ["home"]


class Page:
    """The browser, with the few words that these tests need."""

    def __init__(self, driver, address: str, folder: Path) -> None:
        self.driver, self.address, self.folder = driver, address, folder

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def all(self, css: str):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str):
        return self.until(lambda: next((e for e in self.all(css) if e.is_displayed()), None))

    def click(self, css: str) -> None:
        element = self.one(css)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def fill(self, css: str, text: str) -> None:
        self.one(css).clear()
        self.one(css).send_keys(text)

    def until(self, holds: Callable[[], object], seconds: float = 30):
        """What `holds` gives once it is true, asked again and again."""
        waiting = WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=[Exception])
        try:
            return waiting.until(lambda _: holds())
        except TimeoutException:
            text = self.driver.find_element(By.TAG_NAME, "main").text
            raise AssertionError(f"{self.driver.current_url} only shows: {text[:2000]}") from None

    def shows(self, text: str, css: str = "main"):
        return self.until(lambda: any(text in e.text for e in self.all(css)))

    def run(self, script: str):
        return self.driver.execute_script(f"return {script}")

    def picture(self, name: str) -> None:
        self.driver.save_screenshot(str(self.folder / f"{name}.png"))

    def complaints(self) -> list[str]:
        """What the browser's console holds: errors of scripts, refused by policy, not found."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def ada(transactional_db):
    return lab.person("ada", "lab")


@pytest.fixture
def page(browser, live_server, tmp_path, ada) -> Iterator[Page]:
    """A page signed in as ada, which must end without a complaint in the browser's console."""
    page = Page(browser, live_server.url, tmp_path)
    browser.delete_all_cookies()
    browser.set_window_size(1280, 900)
    page.open(f"/welcome/{sign_in_link(ada)}/")
    page.click("main button")
    page.one(".who")
    page.complaints()
    yield page
    assert page.complaints() == []
    browser.get("about:blank")
