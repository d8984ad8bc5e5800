"""How soon a board is seen: `python -m tests.bench.view [--rows 1000]`.

A database with that many rows on a leaderboard, gunicorn as `snnlab up` starts it, and a headless
Chromium: for a first view (nothing kept) and later ones, the time from the click until the table is
painted and until both charts are drawn, and what crossed the wire: data (the page and the answers
of callbacks) apart from scripts and styles, which are kept for good. Goal: a first view within
1.5 s, with at most 500 kB of data.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.boards import SEEDS, fill


FIRST = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
CHARTS = "document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"
ENTRIES = """
const all = [...performance.getEntriesByType("resource"),
             performance.getEntriesByType("navigation")[0]];
return all.map((e) => [new URL(e.name).pathname, e.transferSize]);
"""
WATCH = f"""
const timer = setInterval(() => {{
  if ({CHARTS}) {{ window.drawn = performance.now(); clearInterval(timer); }}
}}, 10);
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1000)
    arguments.add_argument("--views", type=int, default=7)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home, served(home, given.rows) as (address, link):
        print(f"{'':14} {'painted':>8} {'charts':>8} {'data kB':>8} {'scripts kB':>11}")
        report("first view", [look(address, link, cold=True) for _ in range(given.views)])
        report("later views", [look(address, link, cold=False) for _ in range(given.views)])


@contextmanager
def served(home: str, rows: int) -> Iterator[tuple[str, str]]:
    """A lab's web server on a filled database: its address, and a session of its first user."""
    address = "127.0.0.1:8391"
    os.environ |= {"SNNLAB_HOME": home, "DJANGO_SETTINGS_MODULE": "snnlab.settings"}
    import django
    from django.conf import settings

    from snnlab.embedded.postgres import Postgres

    database = Postgres(settings.SNNLAB_HOME).start()
    django.setup()
    session = filled(rows)
    options = ["-c", "python:snnlab.client.gunicorn", "-b", address, "snnlab.wsgi"]
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(f"http://{address}/healthz")
        yield f"http://{address}", session
    finally:
        web.terminate()
        web.wait(20)
        database.stop()


def filled(rows: int) -> str:
    """Fill the database; half of all configurations are on MNIST's board."""
    from django.core.management import call_command
    from django.test import Client

    from snnlab.teams.actions import ensure_first_team

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    made = fill(2 * SEEDS * rows)
    print(f"{made:,} rows on four boards, half of them on the one that is looked at")
    client = Client()
    client.force_login(ensure_first_team()[0])
    return client.cookies["sessionid"].value


def wait(url: str) -> None:
    from snnlab.embedded.process import wait_for

    def answers() -> bool:
        try:
            return urllib.request.urlopen(url, timeout=2).status == 200
        except OSError:
            return False

    wait_for(answers, timeout=60)


def look(address: str, session: str, *, cold: bool) -> dict[str, float]:
    """Open the board in a browser that knows nothing, or that has seen it once."""
    driver = browser()
    try:
        driver.get(f"{address}/healthz")
        driver.add_cookie({"name": "sessionid", "value": session})
        if not cold:
            seen(driver, address)
        return seen(driver, address)
    finally:
        driver.quit()


def seen(driver: Any, address: str) -> dict[str, float]:
    from selenium.webdriver.support.ui import WebDriverWait

    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    driver.get(f"{address}/boards/mnist/")
    WebDriverWait(driver, 30, 0.05).until(lambda d: d.execute_script("return window.drawn"))
    assert driver.find_elements("css selector", "tbody tr"), "no table"
    kept = [(path, size) for path, size in driver.execute_script(ENTRIES)]
    code = [size for path, size in kept if "/static/" in path or "component-suites" in path]
    return {
        "painted": driver.execute_script(f"return {FIRST}"),
        "charts": driver.execute_script("return window.drawn"),
        "data": (sum(size for _, size in kept) - sum(code)) / 1000,
        "scripts": sum(code) / 1000,
    }


def browser() -> Any:
    from selenium import webdriver

    from tests.conftest import CHROMIUM, DRIVER

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(option)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


def report(name: str, views: list[dict[str, float]]) -> None:
    """Medians; times in ms."""
    middle = {key: statistics.median(view[key] for view in views) for key in views[0]}
    print(
        f"{name:14} {middle['painted']:8.0f} {middle['charts']:8.0f} "
        f"{middle['data']:8.0f} {middle['scripts']:11.0f}"
    )


if __name__ == "__main__":
    main()
