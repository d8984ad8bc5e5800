"""Every page as those meet it who see little, no colours, or use no mouse."""

import re

import pytest

from snnlab.experiments.actions_marks import note_run, tag_runs
from tests.browser.axe import violations
from tests.web import lab


BOARDS = ("", "mnist/", "robustness/", "curves/", "mnist/snapshots/")
LISTS = (
    "",
    "experiments/",
    "sweeps/",
    "queue/",
    "workers/",
    "schedules/",
    "chips/",
    "tokens/",
    "shares/",
    "gallery/",
)
TEAM = ("runs/", "runs/?q=accuracy+%3E+0&col=energy", "activity/", "teams/", "teams/lab/")
FORMS = ("experiments/new/", "sweeps/new/", "boards/mnist/share/")


@pytest.fixture
def places(ada, tmp_path) -> list[str]:
    """The address of every kind of page, on a lab that has one of everything."""
    experiment = lab.experiment(ada)
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    lab.experiment(ada, "Second", epochs=3)
    sweep, run = lab.sweep(ada), experiment.runs.get()
    lab.schedule(ada)
    note_run(run, "ada", "# Why\n[link](https://a.example) and `code`")
    tag_runs([run.pk], "paper")
    row = experiment.entries.get().pk
    boards = (f"boards/{name}" for name in (*BOARDS, f"mnist/rows/{row}/"))
    one = (f"experiments/{experiment.pk}/", f"runs/{run.pk}/", f"sweeps/{sweep.pk}/")
    return [f"/{place}" for place in (*LISTS, *TEAM, *FORMS, *boards, *one, "chips/loihi1/")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(page, places, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    found = {}
    for place in places:
        page.open(place)
        page.one("h1")
        if re.search(r"/runs/[0-9]|(robustness|curves|mnist)/$", place):
            page.one(".js-plotly-plot .main-svg, .empty")
        found[place] = violations(page.driver)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_axe_would_find_what_is_wrong(page):
    page.open("/experiments/")
    page.driver.execute_script("document.documentElement.removeAttribute('lang')")
    page.driver.execute_script("document.querySelector('h1').style.color = '#eee'")
    rules = {wrong.partition(":")[0] for wrong in violations(page.driver)}
    assert rules == {"html-has-lang", "color-contrast"}
