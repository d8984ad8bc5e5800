"""What people write about a space is what the sweep gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from snnlab.learning.notation import read_axis, read_space, write_axis, write_space
from snnlab.learning.space import AnyAxis, Choices, Real, Whole


AXIS = TypeAdapter(AnyAxis)


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("1, 2, 5", Choices(values=(1, 2, 5))),
        ("adam, sgd", Choices(values=("adam", "sgd"))),
        ('"a, b", true', Choices(values=("a, b", True))),
        ("[8, 4], []", Choices(values=([8, 4], []))),
        ('{kind = "bptt"}', Choices(values=({"kind": "bptt"},))),
        ("1 .. 10", Whole(low=1, high=10)),
        ("-3..3 step 2", Whole(low=-3, high=3, step=2)),
        ("1..1000 log", Whole(low=1, high=1000, log=True)),
        ("0.1..0.9", Real(low=0.1, high=0.9)),
        ("1e-4 .. 1e-1 log x4", Real(low=1e-4, high=1e-1, log=True, count=4)),
        ("1..2 x5", Real(low=1, high=2, count=5)),
    ],
)
def test_a_text_stands_for_an_axis(text: str, axis) -> None:
    assert AXIS.validate_python(read_axis(text)) == axis
    assert AXIS.validate_python(read_axis(write_axis(axis))) == axis


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no value"),
        ("1..5 often", "'often' after a range means nothing"),
        ("0.1..0.5 step 2", "step is for whole numbers"),
    ],
)
def test_what_means_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_axis(text)


def test_a_space_is_a_line_for_each_field() -> None:
    space, wrong = read_space("epochs = 1, 2\n\n neuron.tau=1..2 x3\nepochs = 3\nrule\n")
    assert list(space) == ["epochs", "neuron.tau"]
    assert [text.partition(":")[0] for text in wrong] == ["space.epochs", "space.rule"]
    assert "twice" in wrong[0]
    parsed = {field: AXIS.validate_python(axis) for field, axis in space.items()}
    again, none = read_space(write_space(parsed))
    assert {field: AXIS.validate_python(axis) for field, axis in again.items()} == parsed
    assert none == []


JSON = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON, min_size=1, max_size=5, unique_by=repr))
def test_what_is_written_is_read_again(values) -> None:
    if any(a == b for n, a in enumerate(values) for b in values[:n]):
        return  # 1, 1.0 and true are equal: choices refuse them together
    axis = Choices(values=tuple(values))
    assert AXIS.validate_python(read_axis(write_axis(axis))) == axis
