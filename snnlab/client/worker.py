"""`snnlab worker`: makes this machine train for a lab."""

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlencode, urlsplit

import click

from snnlab.client.trouble import Code, Trouble


PATIENCE = 20  # seconds for the lab's answer
CELERY = ("celery", "-A", "snnlab.celery", "--quiet", "worker", "-P", "solo", "-l", "INFO")
ALONE = ("--without-mingle", "--without-gossip")
OPTIONS = {"pools": "POOLS", "labels": "LABELS", "slots": "SLOTS", "threads": "THREADS"}


@click.command()
@click.argument("url", required=False)
@click.option("--home", type=click.Path(path_type=Path), help="Data folder, as SNNLAB_HOME.")
@click.option("--pools", help="Whose runs it takes, as cpu or gpu; cpu by default.")
@click.option("--labels", help="What it has beside, as chip-2,a100.")
@click.option("--slots", type=click.IntRange(1), help="Trainings at once.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads of each training.")
def worker(*, url: str | None, home: Path | None, **offered: Any) -> NoReturn:
    """Train for the lab at URL, which its page "Workers" gives out; or for the one of this machine.

    Ctrl-C gives back what is being trained; another worker goes on with it.
    """
    if home is not None:
        os.environ["SNNLAB_HOME"] = str(home.expanduser().resolve())
    chosen = {OPTIONS[name]: str(value) for name, value in offered.items() if value is not None}
    os.environ |= {f"SNNLAB_{name}": value for name, value in chosen.items()}
    if url is not None:
        join(url)
    check()
    os.environ.setdefault("LOG_LEVEL", "INFO")
    os.execv(sys.executable, [sys.executable, "-m", *CELERY, *ALONE])


def check() -> None:
    """Refuse in words, here, the settings that no worker could read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    from django.conf import settings

    assert settings.SNNLAB_SLOTS


def join(url: str) -> None:
    """Take the settings that the lab tells; what this machine cannot reach is said at once."""
    told = asked(url)
    local = unquote(urlsplit(told["environment"]["DATABASE_URL"]).hostname or "")
    if "%2F" in told["environment"]["DATABASE_URL"] or local.startswith("/"):
        os.environ.setdefault("SNNLAB_HOME", told["home"])
        if not Path(told["home"]).is_dir():
            raise Trouble(
                Code.NOT_UP,
                "this lab keeps its database to its own machine, and this is another one. Give "
                "the lab servers that both reach: DATABASE_URL and BROKER_URL, see "
                "docs/team-server.md",
            )
    os.environ |= told["environment"]
    if not shares(told["mark"]):
        os.environ |= door(url)


def door(url: str) -> dict[str, str]:
    """The settings of a worker that sends and fetches checkpoints through the lab's web server."""
    name = urlencode({"machine": socket.gethostname()[:100]}).encode()
    key = asked(url.rstrip("/") + "/key", name)["key"]
    origin = urlsplit(url)
    address = f"{origin.scheme}://{origin.netloc}/store/"
    click.echo(f"Checkpoints go to {address}, with a key of this machine's own.", err=True)
    return {"SNNLAB_STORE": address, "SNNLAB_STORE_KEY": key}


def asked(url: str, form: bytes | None = None) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise Trouble(Code.WRONG, f"URL must begin with http:// or https://, got {url!r}")
    try:
        with urllib.request.urlopen(url, form, PATIENCE) as answer:  # its scheme is checked
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        why = "the link is unknown or older than a day" if error.code == 404 else str(error)
        raise Trouble(Code.NOT_FOUND, f"cannot join: {why}. Take a new one") from error
    except (OSError, ValueError) as error:
        raise Trouble(Code.NOT_UP, f"the lab does not answer: {error}") from error
    return told


def shares(mark: str) -> bool:
    """Whether this machine's folder of artifacts is the lab's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    from django.conf import settings

    place = Path(settings.SNNLAB_HOME) / "artifacts" / "lab"
    return place.is_file() and place.read_text() == mark
