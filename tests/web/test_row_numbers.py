"""Numbers of rows, as addresses and forms name them: Python reads none of 5,000 digits."""

import pytest

from snnlab.experiments.asking import whole
from tests.web import lab
from tests.web.test_shares import FORM


ENDLESS, TOO_LARGE = "9" * 5000, "9" * 19


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("0", 0),
        ("9" * 18, 10**18 - 1),
        *((text, None) for text in ("", "-1", "1.0", "1e3", "٣", "²", TOO_LARGE, ENDLESS)),
    ],
)
def test_what_is_no_number_of_a_row_is_none(text: str, number: int | None) -> None:
    assert whole(text) == number


@pytest.mark.parametrize("number", [TOO_LARGE, ENDLESS])
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/queue/?skip={}", 200),
        ("/runs/?after={}", 200),
        ("/experiments/new/?experiment={}", 404),
        ("/sweeps/new/?sweep={}", 200),
        ("/boards/mnist/?open={}", 200),
        ("/boards/mnist/?page={}", 200),
        ("/boards/compare/?runs={}&experiment={}&sweep={}", 200),
    ],
)
def test_an_address_with_an_absurd_number_breaks_nothing(
    member, number: str, address: str, status: int
) -> None:
    assert member.get(address.replace("{}", number)).status_code == status


@pytest.mark.parametrize("number", [TOO_LARGE, ENDLESS])
def test_a_form_with_an_absurd_number_is_refused(member, ada, number: str) -> None:
    lab.experiment(ada, "ours")
    compare = {"kind": "compare", "slug": "compare", "query": f"runs={number}&sweep={number}"}
    for wish in (compare, {"kind": "run", "run": number}, {"days": number}):
        assert member.post("/shares/", FORM | wish).status_code in (404, 422), wish
