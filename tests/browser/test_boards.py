"""Boards in a real browser: a click on a point leads on, verification is asked for by a button."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from snnlab.experiments import chips, queries, queue, recording
from tests.boards.test_robust import TASK
from tests.web import lab


pytestmark = pytest.mark.browser


POINTS = ".scatterlayer .trace .points path"


def click_point(page, chart: str, number: int, leads_to: str, points: str = POINTS) -> None:
    """Click on the point of that number until it leads on: a chart may move while it is drawn."""
    css = f"#{chart} {points}"
    page.until(lambda: len(page.all(css)) > number)

    def clicked() -> bool:
        if leads_to in page.driver.current_url:
            return True
        point = page.all(css)[number]
        page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
        ActionChains(page.driver).move_to_element(point).pause(0.4).click().pause(0.4).perform()
        return False

    page.until(clicked)


def test_a_click_on_a_point_leads_to_its_run(page, ada, tmp_path):
    experiment = lab.experiment(ada, "only")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    page.open("/boards/mnist/?kind=measured")
    click_point(page, "mnist-trade", 0, f"/runs/{experiment.runs.get().pk}/")


def test_a_click_on_a_level_looks_at_it_on_all_charts(page, ada, tmp_path):
    lab.experiment(ada, "chips", task=TASK)
    taken = lab.claim()
    tables = {"chips/mismatch": [[98, 98, 98], [80, 85, 90]], "chips/bits": [[98, 98], [40, 40]]}
    chips.store(taken.run_id, list(chips.tested(taken.definition, tables)))
    path = tmp_path / "c"
    path.write_bytes(b"c")
    sha = recording.artifacts.digest(path)
    fresh = recording.Fresh(1, str(path), sha, 1, weights="w", final=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chips, "read", lambda *_: [])
        recording.record(taken, checkpoint=fresh)
    queue.finish(taken)
    page.open("/boards/robustness/?kind=bits&level=8")
    page.shows("Bits of a weight", "h2")
    page.until(lambda: len(page.all("#robust-violin .violinlayer .trace")) == 1)
    click_point(page, "robust-lines", 0, "kind=mismatch")
    page.shows(f"run {taken.run_id}", "#robust-behind")
    click_point(page, "robust-heat", 1, "level=0.5", ".heatmap-label")
    page.picture("robustness")


def test_verification_is_asked_for_by_a_button(page, ada, tmp_path):
    lab.experiment(ada, "ours", seeds=(1, 2, 3))
    for accuracy in (97.0, 98.0, 99.0):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    page.open("/boards/mnist/?kind=measured")
    page.click("th.name a")
    page.click("button[value=retrain]")
    page.shows("are queued", ".notice")
    assert queries.runs(ada, state="queued").count() == 3


def test_an_accuracy_is_read_on_a_narrow_screen_without_scrolling(page, ada, tmp_path):
    lab.experiment(ada, "a name of ordinary length", seeds=(1, 2, 3))
    for accuracy in (97.0, 98.0, 99.0):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    lab.experiment(ada, "another one", epochs=7)
    lab.succeed(tmp_path, test_accuracy=96.0)
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.open("/boards/mnist/?kind=measured")
        page.one(".standings td strong")
        ends = "[...document.querySelectorAll('.standings td strong')].map("
        found = page.run(f"{ends}(one) => one.getBoundingClientRect().right)")
        assert len(found) == 2
        assert max(found) <= page.run("innerWidth") - 16
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_of_many_groups_leave_their_curves_room(page, ada):
    for epochs in range(5, 30):
        lab.experiment(ada, f"one of the many with long names {epochs}", epochs=epochs)
        lab.claim([("accuracy", 1, 50.0), ("accuracy", 2, 60.0 + epochs)])
    runs = ",".join(str(run.pk) for run in ada.teams.get().runs.all())
    page.open(f"/boards/compare/?runs={runs}&metric=accuracy&group=experiment")
    height = "document.querySelector('#compare-curves .{}')?.getBoundingClientRect().height"
    page.until(lambda: page.run(height.format("scatterlayer")), 30)
    page.until(lambda: page.run(height.format("nsewdrag")) > 200, 30)


def test_a_board_that_cannot_be_turned_says_so(page, ada, tmp_path):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5)
    page.open("/boards/mnist/")
    page.shows("ours")
    page.run("(window.fetch = () => Promise.reject(new TypeError('offline')))")
    page.click("#by-accuracy")
    page.shows("The lab does not answer")
    page.shows("ours", "#standings:not([aria-busy])")
