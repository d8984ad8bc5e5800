import pytest

from snnlab.web.numbers import number, row, spread, told


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0.000"),
        (98.7654, "98.77"),
        (0.012345, "0.01235"),
        (1234567.0, "1,234,567"),
        (1.5e9, "1.500e+09"),
        (-0.5, "-0.5000"),
        (2e-5, "2.000e-05"),
    ],
)
def test_a_number_keeps_four_significant_digits(value, text):
    assert number(value) == text


def test_spread_is_the_mean_and_the_sample_standard_deviation():
    assert spread([1.0, 2.0, 3.0]) == "2.000 ± 1.0"


def test_one_value_has_no_spread():
    assert spread([97.5]) == "97.50"
    assert spread([]) == "–"


def test_a_metric_of_a_layer_says_which():
    assert row("firing_rate/conv1", "0.1").definition.endswith("conv1")


def test_an_unknown_metric_is_shown_by_its_name():
    assert row("my_metric", "1") == ("My metric", "1", "", "", "")


def test_an_epoch_is_a_whole_number():
    assert [told("selected_epoch", 3.0), told("loss", 3.0), told("selected_epoch", None)] == [
        "3", "3.000", "–",
    ]  # fmt: skip
