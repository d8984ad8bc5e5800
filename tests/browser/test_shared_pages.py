"""What visitors of a link see: a run, a comparison, robustness, and a frame in another site."""

import http.server
import threading
from functools import partial

import pytest

from snnlab.experiments import actions_shares
from snnlab.experiments.actions_shares import Wish
from tests.browser.axe import violations
from tests.web import lab
from tests.web.test_deployed import finished


pytestmark = pytest.mark.browser


@pytest.fixture
def link(ada):
    """Makes a link of ada's team; gives its address."""

    def made(kind="board", **wish) -> str:
        _, token = actions_shares.create(ada.teams.get(), ada, Wish(kind, **wish))
        return f"/s/{token}/"

    return made


def look(page, path: str, name: str) -> None:
    """The page signed out, light and dark and on a phone: nothing in the way of anybody."""
    page.open(path)
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        page.picture(f"{name}-{scheme}")
        assert violations(page.driver) == []
    metrics = {"width": 360, "height": 1400, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.until(lambda: page.run("document.documentElement.scrollWidth") <= 360)
    page.picture(f"{name}-phone")
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_shared_run_is_read_without_a_script(page, ada, tmp_path, link):
    run = finished(ada, tmp_path)
    place = link("run", run=run.pk)
    page.driver.delete_all_cookies()
    look(page, place, "run")
    assert page.all("script") == []
    assert page.all("figure, .drawn svg")


def test_a_shared_comparison_draws_its_charts(page, ada, tmp_path, link):
    for name, loss in (("first", 0.5), ("second", 0.4)):
        lab.experiment(ada, name)
        lab.succeed(tmp_path, test_accuracy=97.5, loss=loss, accuracy=96.0)
    runs = ",".join(str(pk) for pk in ada.teams.get().runs.values_list("pk", flat=True))
    place = link("compare", slug="compare", query=f"runs={runs}")
    page.driver.delete_all_cookies()
    page.open(place)
    page.until(lambda: page.all("#compare-box .boxlayer .trace"))
    look(page, place, "compare")


def test_a_shared_board_has_exports_and_a_frame_for_one_site(page, ada, tmp_path, link):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    (tmp_path / "site").mkdir()
    serve = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "site")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}"
        place = link("board", slug="mnist", query="kind=measured", origins=[there])
        frame = f'<main><iframe src="{page.address}{place}embed/" width="900" height="700">'
        (tmp_path / "site" / "index.html").write_text(f"{frame}</iframe></main>")
        (tmp_path / "site" / "favicon.ico").write_bytes(b"")
        page.driver.delete_all_cookies()
        page.open(place)
        page.click(".export > summary")
        page.shows("Parquet", ".export")
        page.picture("export-menu")
        look(page, place, "board")
        page.driver.get(f"{there}/")
        page.driver.switch_to.frame(0)
        page.until(lambda: page.run("document.images[0].naturalWidth") == 900)
        page.shows("97.50", "td")
        page.driver.switch_to.default_content()
        page.picture("framed")
        assert page.complaints() == []
        page.driver.get(f"http://localhost:{server.server_port}/")  # another origin
        page.driver.switch_to.frame(0)
        page.until(lambda: "97.50" not in page.run("document.body.innerText"))
        page.driver.switch_to.default_content()
        said = page.complaints()
        assert said
        assert all("frame-ancestors" in one or "favicon" in one for one in said)
        server.shutdown()


def test_the_form_that_imports_rows_says_what_is_wrong(page, ada):
    ada.memberships.update(role="admin")
    page.open("/boards/mnist/import/")
    page.fill("#data", "title,accuracy\nA,1")
    page.click("main form button.main")
    page.shows("the column source_url is missing", ".notice.bad")
    page.picture("import")
    assert violations(page.driver) == []
    assert [said for said in page.complaints() if "422" not in said] == []
