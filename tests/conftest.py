"""What every test may ask for: a real PostgreSQL, a real broker, a real browser."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings


CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


def pytest_configure(config: pytest.Config) -> None:
    """Do without what only production needs: slow hashes, digests in names of static files.

    A database connection that outlives its request would be in the way when the test database is
    dropped. Children must hear Ctrl-C, also where the tests were started in a way that ignores it.
    """
    without_luck(config)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # where they would be collected


def without_luck(config: pytest.Config) -> None:
    """No test fails because the machine is busy, or by an example that no change has to do with.

    `--hypothesis-profile explore` looks for new examples, as `make chaos` does.
    """
    slow = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
    profiles = hypothesis.settings
    profiles.register_profile("explore", **slow)
    profiles.register_profile("steady", derandomize=True, **slow)
    if not config.getoption("--hypothesis-profile"):
        profiles.load_profile("steady")


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """A test draws the same numbers each time, whatever ran before it."""
    if torch := sys.modules.get("torch"):  # which not every test needs
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """The embedded PostgreSQL, unless DATABASE_URL names a server."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from snnlab.embedded.postgres import FAST, Postgres

    server = Postgres(settings.SNNLAB_HOME, settings=FAST).start()
    yield
    server.stop()


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a real broker: the embedded Valkey, unless BROKER_URL names a server."""
    if address := os.environ.get("BROKER_URL"):
        yield address
        return
    from snnlab.embedded.valkey import Valkey, url

    server = Valkey(settings.SNNLAB_HOME).start()
    yield url(settings.SNNLAB_HOME)
    server.stop()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A headless Chromium, driven by Selenium; a test that asks for it is skipped without one."""
    missing = [path for path in (CHROMIUM, DRIVER) if not Path(path).exists()]
    if missing:
        pytest.skip(f"no browser ({', '.join(missing)}): apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("chromium")
    for option in (
        "--headless=new",
        "--no-sandbox",  # Chromium's sandbox does not run as root; only our own pages are shown
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1280,900",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)
