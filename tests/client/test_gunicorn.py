import logging

from snnlab.client.gunicorn import NoTokens, redacted


def record(message, *values):
    made = logging.LogRecord("web", logging.INFO, "", 0, message, values, None)
    NoTokens().filter(made)
    return made.getMessage()


def test_a_token_in_an_address_is_not_logged():
    assert redacted("GET /welcome/s3cret/ HTTP/1.1") == "GET /welcome/.../ HTTP/1.1"
    assert redacted("/boards/s/s3cret?page=2") == "/boards/s/...?page=2"


def test_other_addresses_are_logged_as_they_are():
    assert redacted("GET /runs/7/ HTTP/1.1") == "GET /runs/7/ HTTP/1.1"


def test_values_of_any_shape_are_cleaned():
    assert record("Not Found: %s", "/welcome/s3cret/") == "Not Found: /welcome/.../"
    assert record("%(r)s %(s)d", {"r": "GET /welcome/s3cret/", "s": 200}) == (
        "GET /welcome/.../ 200"
    )
