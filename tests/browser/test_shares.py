"""A board is shared, looked at signed out, and taken back, in a real browser."""

import pytest

from tests.web import lab


pytestmark = pytest.mark.browser
POINTS = "#mnist-trade .scatterlayer .trace .points path"


def refused(page) -> list[str]:
    """What the console complains about, but for the answer 404 that is looked at here."""
    return [said for said in page.complaints() if "404" not in said and "401" not in said]


def test_a_board_is_shared_read_signed_out_and_taken_back(page, ada, tmp_path):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    page.open("/boards/mnist/?kind=measured")
    page.fill("#f-q", "our")
    page.until(lambda: "q=our" in page.driver.current_url)
    page.until(lambda: "q=our" in page.one("#standings .head a.button").get_attribute("href"))
    page.click("#standings .head a.button")
    page.fill("#title", "What we reached")
    page.picture("share-form")
    page.click("main form button.main")
    link = page.one("#made").text
    page.picture("share-made")
    session = page.driver.get_cookie("sessionid")
    page.driver.delete_all_cookies()
    page.driver.get(link)
    page.shows("What we reached", "h1")
    page.shows("97.50 †", "td")
    page.until(lambda: len(page.all(POINTS)) == 1)
    page.picture("shared-board")
    page.run("window.stays = true")
    page.click("#by-method")
    page.until(lambda: "sort=method" in page.driver.current_url)
    page.until(lambda: len(page.all(POINTS)) == 1)
    assert page.run("window.stays") is True
    assert page.driver.get_cookie("sessionid") is None
    assert page.complaints() == []
    page.driver.add_cookie(session)
    page.open("/shares/")
    page.picture("share-list")
    page.click("form[action$=revoke] button")
    page.shows("leads nowhere any more")
    page.driver.delete_all_cookies()
    page.driver.get(link)
    page.shows("This link leads nowhere", "h1")
    page.picture("share-gone")
    assert refused(page) == []


def test_a_password_opens_a_shared_board_on_a_phone(page, ada, tmp_path):
    from snnlab.experiments import actions_shares
    from snnlab.experiments.actions_shares import Wish

    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    wish = Wish("board", "mnist", query="kind=measured", password="let me look")
    _, token = actions_shares.create(ada.teams.get(), ada, wish)
    page.driver.delete_all_cookies()
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.open(f"/s/{token}/")
    page.picture("share-password")
    page.fill("#password", "let me look")
    page.click("button.main")
    page.until(lambda: len(page.all(POINTS)) == 1)
    page.picture("shared-phone")
    assert page.run("document.documentElement.scrollWidth") <= 360
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert refused(page) == []
