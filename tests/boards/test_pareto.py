from hypothesis import given
from hypothesis import strategies as st

from snnlab.boards.pareto import front


few = st.floats(0, 3) | st.integers(0, 3).map(float)
points = st.lists(st.tuples(few, few), max_size=30)


def beats(a, b) -> bool:
    return a[0] <= b[0] and a[1] >= b[1] and a != b


@given(points=points)
def test_the_front_is_what_nothing_beats(points):
    assert front(points) == [not any(beats(other, point) for other in points) for point in points]


def test_of_two_equal_points_both_are_on_the_front():
    assert front([(1.0, 90.0), (1.0, 90.0), (2.0, 90.0)]) == [True, True, False]


def test_nothing_has_no_front():
    assert front([]) == []
