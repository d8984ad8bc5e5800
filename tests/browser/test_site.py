"""What people do, in a real browser: scripts, policy, keyboard and small screens included."""

import pytest

from snnlab.experiments import queries, queue, recording
from tests.web import lab


pytestmark = pytest.mark.browser


def test_from_a_preset_to_a_run_that_is_watched(page, ada):
    page.click(".button.main")
    page.click("a[href*='mnist-sample']")
    page.fill("#id_name", "Leaky or not")
    page.fill("#spec-time_steps", "0")
    page.shows("at least 1", ".problem")
    page.fill("#spec-time_steps", "6")
    page.until(lambda: "time_steps = 6" in page.run("document.getElementById('toml').value"))
    page.click("#spec-neuron option[value=lif]")
    assert page.one("#spec-neuron-lif-tau")
    page.click("#spec-neuron option[value=if]")
    page.until(lambda: not page.all("#spec-neuron-lif-tau")[0].is_displayed())
    page.until(lambda: 'kind = "if"' in page.run("document.getElementById('toml').value"))
    page.shows("Complete", "#verdict")
    page.click("form#new button.main")
    page.shows("Leaky or not", "h1")

    definition = queries.runs(ada)[0].definition
    assert (definition["time_steps"], definition["neuron"]["kind"]) == (6, "if")
    page.click("tbody th a")
    page.shows("queued", "#status")
    page.run("window.stays = true")
    claim = lab.claim([("loss", 1, 0.9), ("accuracy", 1, 88.0)], log="first line\n")
    page.until(lambda: len(page.all("#loss .point")) == 1)
    assert "running" in page.run("document.getElementById('told').textContent")
    page.shows("first line", "#log")
    recording.record(claim, [("loss", 2, 0.4), ("accuracy", 2, 93.0)], log="second line\n", seq=1)
    queue.renew(claim, {"epoch": 3, "epochs": 12, "batch": 1, "batches": 2})
    page.until(lambda: len(page.all("#accuracy .point")) == 2)
    page.shows("second line", "#log")
    page.shows("epoch 3 of 12, batch 1 of 2", "#status")
    page.picture("run")
    assert page.run("window.stays") is True  # never loaded again


def test_toml_decides_when_asked_to_and_fills_the_fields(page):
    page.open("/experiments/new/")
    page.click("input[name=source][value=toml]")
    text = page.run("document.getElementById('toml').value")
    page.fill("#toml", text.replace("epochs = 12", "epochs = "))
    page.shows("no valid TOML", "#verdict")
    page.fill("#toml", text.replace("epochs = 12", "epochs = 21"))
    page.shows("Complete", "#verdict")
    page.click("input[name=source][value=fields]")
    assert page.one("#spec-epochs").get_attribute("value") == "21"


def test_a_run_is_cancelled_from_its_page(page, ada):
    run = lab.experiment(ada).runs.get()
    page.open(f"/runs/{run.pk}/")
    page.click("button.danger")
    page.shows("cancelled", "#status")
    assert queries.run(ada, run.pk).state == "cancelled"


def test_the_board_shows_measured_beside_published(page, ada, tmp_path):
    for name, seeds, accuracy, energy in (
        ("small", (1, 2), 96.5, 20.0),
        ("large", (1,), 98.9, 90.0),
    ):
        lab.experiment(ada, name, seeds=seeds)
        for seed in seeds:
            lab.succeed(tmp_path, test_accuracy=accuracy + seed / 10, energy=energy, synops=energy)
    page.open("/boards/")
    page.click('a[href="/boards/mnist/"]')
    page.until(lambda: len(page.all("tr.published")) > 1)
    page.shows("96.65 †", "td")
    page.until(lambda: len(page.all("#mnist-trade .scatterlayer .trace .points path")) == 2)
    page.shows("large 99.00 %", "#mnist-front")
    page.picture("board")
    page.run("window.stays = true")
    page.fill("#f-q", "small")
    page.until(lambda: [e.text.split()[0] for e in page.all("th.name")] == ["small"])
    page.until(lambda: len(page.all("#mnist-trade .scatterlayer .trace .points path")) == 1)
    page.click("#standings a.fold[id^=row]")
    page.shows("seed 2", "tr.seed")
    page.click("#f-x option[value=time_steps]")
    page.shows("Time steps", ".xtitle")
    assert page.run("window.stays") is True  # never loaded again
    assert "q=small" in page.driver.current_url
    assert "x=time_steps" in page.driver.current_url
    page.open(page.driver.current_url.removeprefix(page.address))
    page.shows("seed 2", "tr.seed")
    assert [e.text.split()[0] for e in page.all("th.name")] == ["small"]
    page.click("th.name a")
    page.shows("small", "h1")
    page.shows("Verification", "h2")


def test_no_page_is_wider_than_a_phone(page, ada, tmp_path):
    experiment = lab.experiment(ada, "a-name-without-any-space-" * 6)
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    run = experiment.runs.get()
    page.driver.set_window_size(500, 900)  # Chromium's least; the device's width is set below
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    row = experiment.entries.get().pk
    boards = ("/boards/robustness/", "/boards/curves/", f"/boards/mnist/rows/{row}/")
    places = ("/", "/experiments/", "/experiments/new/", f"/experiments/{experiment.pk}/")
    for path in (*places, f"/runs/{run.pk}/", "/boards/", "/boards/mnist/", *boards):
        page.open(path)
        if path == "/boards/mnist/":
            page.one("tr.published")
        page.picture(f"phone{path.replace('/', '-')}")
        assert page.run("document.documentElement.scrollWidth") <= 360, path
    page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_keyboard_skips_the_navigation(page):
    from selenium.webdriver.common.keys import Keys

    page.open("/experiments/")
    page.one("body").send_keys(Keys.TAB)
    assert page.run("document.activeElement.className") == "skip"
    assert page.one(".skip").rect["x"] >= 0
