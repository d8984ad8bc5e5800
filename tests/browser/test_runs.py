"""The page of a run and the comparison in a real browser: all comes, the address keeps views."""

import pytest

from snnlab.experiments import artifacts, queue, recording
from snnlab.learning.checkpoint import save
from snnlab.learning.train import Step
from snnlab.learning.work import work
from tests.browser.axe import violations
from tests.web import lab
from tests.web.test_run_panels import SMALL


pytestmark = pytest.mark.browser


def train(folder, seeds: int) -> list[int]:
    """Train the runs that wait, as a worker would; gives their numbers."""
    runs = []
    for _ in range(seeds):
        claim = queue.claim("worker:test:1", ["cpu"])
        recording.begin(claim, {"torch": "2", "threads": 1}, 0, restarted=False)
        for item in work(lab.Spec.parse(claim.definition), seed=claim.seed):
            if not isinstance(item, Step):
                path = folder / f"{claim.run_id}-{item.epoch}"
                save(item, path)
                points = [(metric, item.epoch, value) for metric, value in item.metrics.items()]
                sha, size = artifacts.digest(path), path.stat().st_size
                final = item.epoch == claim.definition["epochs"]
                fresh = recording.Fresh(item.epoch, str(path), sha, size, "w", final=final)
                recording.record(claim, points, fresh, f"epoch {item.epoch}\n", item.epoch)
        used = {"cpu": 99.0, "memory": 300, "gpu": None, "gpu_memory": None}
        for seq in (1, 2):
            recording.note_usage(claim, seq, used)
        queue.finish(claim)
        runs.append(claim.run_id)
    return runs


def drawn(page, chart: str, traces: int) -> bool:
    return page.until(lambda: len(page.all(f"#{chart} .scatterlayer .trace")) == traces)


def dark(page) -> None:
    scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)


@pytest.fixture(autouse=True)
def light_again(page):
    yield
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_finished_run_shows_all_its_parts(page, ada, tmp_path):
    lab.experiment(ada, "finished", **SMALL | {"epochs": 4})
    (run,) = train(tmp_path, 1)
    page.open(f"/runs/{run}/?smooth=0.6&y=log&x=time")
    drawn(page, "loss", 5)  # each smoothed one and what it smooths, and the one test
    assert page.run("document.getElementById('v-y').value") == "log"
    assert page.run("document.querySelector('[value=updates]').disabled")
    for part in ("network", "tests", "machine", "origin"):
        css = f"[data-panel$='/{part}']"
        page.driver.execute_script(
            f'document.querySelector("{css}").scrollIntoView({{block: "center"}})'
        )
        page.until(lambda css=css: page.all(f"{css}:not([aria-busy])"))
    page.shows("test images are taken wrongly")
    page.shows("What it builds on", "h2")
    drawn(page, "gradient_norm", 4)
    page.run("document.getElementById('v-smooth').value = 0")
    page.driver.execute_script(
        "document.getElementById('v-smooth').dispatchEvent(new Event('input', {bubbles: true}))"
    )
    drawn(page, "loss", 3)
    page.until(
        lambda: "smooth" not in page.driver.current_url and "y=log" in page.driver.current_url
    )
    page.picture("run")
    assert violations(page.driver) == []
    dark(page)
    assert violations(page.driver) == []


def test_runs_are_compared_by_their_address(page, ada, tmp_path):
    for steps in (2, 4):
        lab.experiment(
            ada, f"{steps} steps", seeds=(1, 2, 3), **SMALL | {"epochs": 2, "time_steps": steps}
        )
    runs = train(tmp_path, 6)
    page.open(f"/boards/compare/?runs={','.join(map(str, runs))}")
    drawn(page, "compare-curves", 4)  # two means, two bands
    page.until(lambda: len(page.all("#compare-box .boxlayer .trace")) == 2)
    drawn(page, "compare-parallel", 2)
    page.shows("paired, n = 3")
    page.picture("compare")
    assert violations(page.driver) == []
    dark(page)
    assert violations(page.driver) == []
    page.click("#c-group")
    page.driver.execute_script(
        "const group = document.getElementById('c-group'); group.value = 'run';"
        "group.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    page.until(lambda: "group=run" in page.driver.current_url)
    drawn(page, "compare-curves", 6)
