import logging

import pytest

from snnlab.client.access_log import NoPolling, NoTokens, redacted


def record(message, *values):
    return logging.LogRecord("web", logging.INFO, "", 0, message, values, None)


def logged(message, *values):
    made = record(message, *values)
    NoTokens().filter(made)
    return made.getMessage()


def test_a_token_in_an_address_is_not_logged():
    assert redacted("GET /welcome/s3cret/ HTTP/1.1") == "GET /welcome/.../ HTTP/1.1"
    assert redacted("/boards/s/s3cret?page=2") == "/boards/s/...?page=2"


def test_other_addresses_are_logged_as_they_are():
    assert redacted("GET /runs/7/ HTTP/1.1") == "GET /runs/7/ HTTP/1.1"


def test_values_of_any_shape_are_cleaned():
    assert logged("Not Found: %s", "/welcome/s3cret/") == "Not Found: /welcome/.../"
    assert logged("%(r)s %(s)d", {"r": "GET /welcome/s3cret/", "s": 200}) == (
        "GET /welcome/.../ 200"
    )


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [
        ("/runs/7/live", "200", False),
        ("/healthz", "200", False),
        ("/runs/7/live", "404", True),
        ("/healthz", "500", True),
        ("/runs/7/", "200", True),
        ("/runs/7/live/", "200", True),
    ],
)
def test_polling_is_logged_only_when_it_fails(path, status, kept):
    assert NoPolling().filter(record("%(U)s", {"U": path, "s": status})) is kept


def test_lines_that_are_no_requests_are_kept():
    assert NoPolling().filter(record("Listening at: %s", "http://127.0.0.1:8000"))
