import pytest

from snnlab.experiments.seeds import parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", [1]),
        ("1, 2, 3", [1, 2, 3]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1 - 3, 7", [1, 2, 3, 7]),
        ("0..2;9", [0, 1, 2, 9]),
        ("3 1 2", [3, 1, 2]),
        ("5, 5, 5", [5]),
        (" 2147483647 ", [2147483647]),
    ],
)
def test_seeds_are_read_as_people_write_them(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least one"),
        (",,", "at least one"),
        ("one", "whole numbers"),
        ("1.5", "whole numbers"),
        ("-1", "whole numbers"),
        ("5-1", "upwards"),
        ("2147483648", "end by"),
        ("1-1000000000", "at most 1000"),
        ("1-600, 1001-1600", "at most 1000"),
    ],
)
def test_what_is_no_seed_is_refused_in_words(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_seeds(text)
