"""Figures become pictures without a browser."""

import io
import itertools
import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from snnlab.drawing.axis import Axis, kind_of
from snnlab.drawing.badge import badge
from snnlab.drawing.figure import draw
from snnlab.drawing.png import png
from snnlab.drawing.scene import Mark, Path, Text
from snnlab.drawing.svg import svg


def scene(*traces, **layout):
    return draw(go.Figure(traces, layout={"template": "none"} | layout).to_plotly_json())


def test_a_linear_axis_puts_values_in_proportion():
    axis = Axis("linear", [0, 100]).along(0, 110)
    assert [axis.place(v) for v in (0, 50, 100)] == pytest.approx([5, 55, 105])
    assert [text for _, text in axis.ticks()] == ["0", "20", "40", "60", "80", "100"]


def test_a_logarithmic_axis_has_no_place_for_nothing():
    axis = Axis("log", [1, 1000, 0, -5, None, float("nan")]).along(0, 330)
    places = [axis.place(v) for v in (1, 10, 100, 1000)]
    assert [b - a for a, b in itertools.pairwise(places)] == pytest.approx([100] * 3)
    assert [axis.place(v) for v in (0, -1, None)] == [None] * 3
    assert [text for _, text in axis.ticks()] == ["1", "10", "100", "1,000"]


def test_the_kind_of_an_axis_is_seen_from_its_values():
    assert kind_of([1, None, 2.5]) == "linear"
    assert kind_of(["a", "b"]) == "category"
    assert kind_of(["2024-01-01", "2025-02-03T10:00:00"]) == "date"
    assert kind_of([datetime(2024, 1, 1, tzinfo=UTC)]) == "date"
    assert kind_of([1], "log") == "log"


@pytest.mark.parametrize("kind", ["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4"])
def test_arrays_are_drawn_as_lists_are(kind):
    x, y = np.array([1, 2, 3], kind), np.array([5, 6, 9], kind)
    assert go.Figure(go.Scatter(x=x)).to_plotly_json()["data"][0]["x"]["dtype"] == kind
    assert scene(go.Scatter(x=x, y=y)) == scene(go.Scatter(x=[1, 2, 3], y=[5, 6, 9]))


def test_an_array_has_a_gap_where_it_has_no_number():
    y = np.array([5, np.nan, 9])
    assert scene(go.Scatter(y=y)) == scene(go.Scatter(y=[5, None, 9]))


def test_points_lines_and_intervals_are_drawn_where_they_are():
    made = scene(
        go.Scatter(x=[0, 1, 2], y=[1, 3, 2], mode="lines+markers", name="ours",
                   error_y={"array": [0.5, 0, 0]}, line={"color": "#123456"})
    )  # fmt: skip
    marks = [one for one in made.items if isinstance(one, Mark)][1:]  # the first is the legend's
    assert len(marks) == 3
    assert marks[0].x < marks[1].x < marks[2].x
    assert marks[1].y < marks[2].y < marks[0].y  # up is less
    lines = [one for one in made.items if isinstance(one, Path) and one.colour == "#123456"]
    assert [len(line.points) for line in lines if line.width == 2] == [2, 3]
    bar = next(line for line in lines if line.width == 1)
    assert abs(bar.points[0][1] - bar.points[1][1]) == pytest.approx((marks[0].y - marks[1].y) / 2)
    assert "ours" in [one.text for one in made.items if isinstance(one, Text)]


def test_a_missing_value_leaves_a_gap():
    made = scene(go.Scatter(x=[1, 2, 3, 4, 5], y=[1, 2, None, 4, float("nan")], mode="lines"))
    assert [len(one.points) for one in made.items if isinstance(one, Path) and one.width == 2] == [
        2
    ]


def test_a_staircase_is_drawn_as_steps():
    made = scene(go.Scatter(x=[1, 2], y=[1, 2], mode="lines", line={"shape": "hv"}))
    (stairs,) = [one for one in made.items if isinstance(one, Path) and one.width == 2]
    assert [
        (a[0] == b[0], a[1] == b[1]) for a, b in zip(stairs.points, stairs.points[1:], strict=False)
    ] == [(False, True), (True, False)]


KINDS = (
    go.Scatter(x=[1, 2], y=[3, 4]),
    go.Bar(x=["a", "b"], y=[3, 4]),
    go.Heatmap(x=["1", "2"], y=["a", "b"], z=[[1, None], [3, 4]]),
    go.Violin(x=[1.0, 2.0, 3.0], name="a", orientation="h"),
    go.Box(y=[1.0, 2.0, 3.0], name="a"),
    go.Scatter(x=[], y=[]),
    go.Scatter(x=[datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)], y=[1, 2]),
)


@pytest.mark.parametrize("trace", KINDS, ids=lambda t: f"{t.type}-{len(t.x or t.y or ())}")
def test_every_kind_is_valid_svg_and_a_png_of_its_size(trace):
    made = scene(trace, xaxis={"title": {"text": "across"}})
    root = ElementTree.fromstring(svg(made))
    assert root.attrib["viewBox"] == "0 0 900 480"
    image = Image.open(io.BytesIO(png(made)))
    assert image.size == (900, 480)
    assert len(image.getcolors(2**24)) > 2  # something is drawn


EVIL = "</text><script>alert(1)</script>\"'<b onload=x>&"


def test_text_of_others_stays_text():
    made = scene(go.Scatter(x=[1], y=[1], name=EVIL, text=[EVIL], mode="markers"))
    text = svg(made._replace(title=EVIL))
    assert "<script" not in text
    assert not re.search(r"<[^>]*onload", text)
    ElementTree.fromstring(text)
    ElementTree.fromstring(badge(EVIL, "rank 1 of 2"))


def test_notes_and_lines_of_the_layout_are_drawn():
    figure = go.Figure(go.Scatter(x=[0, 10], y=[0, 1]), layout={"template": "none"})
    figure.add_hline(y=0.5, line={"dash": "dot", "color": "#abcdef"})
    figure.add_annotation(text="nothing here", x=0.5, y=0.5, xref="paper", yref="paper")
    made = draw(figure.to_plotly_json())
    (line,) = [one for one in made.items if isinstance(one, Path) and one.colour == "#abcdef"]
    assert line.points[0][1] == line.points[1][1]
    assert "nothing here" in [one.text for one in made.items if isinstance(one, Text)]


def test_a_machine_without_fonts_draws_text_all_the_same(monkeypatch):
    from snnlab.drawing import png as drawer

    real = drawer.ImageFont.truetype

    def none(font, *rest, **more):
        if font == "DejaVuSans.ttf":
            raise OSError("cannot open resource")
        return real(font, *rest, **more)

    monkeypatch.setattr(drawer.ImageFont, "truetype", none)
    drawer.font.cache_clear()
    made = scene(go.Scatter(x=[1], y=[1]), xaxis={"title": {"text": "naïve ± 1 −2"}})
    assert Image.open(io.BytesIO(png(made))).size == (900, 480)
    drawer.font.cache_clear()
