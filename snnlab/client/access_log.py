"""What a log must not hold: secrets in addresses, and questions that a page asks by itself."""

import logging
import re


SECRET_PATH = re.compile(r"(/welcome/|/join/|/invitations/|/s/)[^/\s?\"']+")
ASKED_BY_ITSELF = re.compile(r"/runs/\d+/live|/(queue|workers|home)/live|/healthz")


class NoTokens(logging.Filter):
    """Keeps the tokens of links to sign in, to join and to look out of a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict):
            record.args = {name: redacted(value) for name, value in record.args.items()}
        elif isinstance(record.args, tuple):
            record.args = tuple(redacted(value) for value in record.args)
        return True


class NoPolling(logging.Filter):
    """Drops gunicorn's line about a question asked every few seconds, unless it went wrong."""

    def filter(self, record: logging.LogRecord) -> bool:
        asked = record.args if isinstance(record.args, dict) else {}
        good = str(asked.get("s")).startswith("2")
        return not (good and ASKED_BY_ITSELF.fullmatch(str(asked.get("U"))))


def redacted(value: object) -> object:
    """The same value, without the secret part of an address in a text."""
    return SECRET_PATH.sub(r"\1...", value) if isinstance(value, str) else value
