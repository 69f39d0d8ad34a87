"""The charts as a browser and a screen reader get them: well-formed, named, escaped."""

import re
from xml.etree import ElementTree

import pytest

from registry import charts
from registry.charts.plot import Scale, ticked

HOSTILE = '<script>alert("1")</script>'


def line(values, **kwargs):
    points = [charts.Point(i, v, f"v{i}") for i, v in enumerate(values)]
    return charts.line_chart("F1", [charts.Series("F1", points)], x_name="Version", **kwargs)


def every_chart(text="x"):
    """Each kind of chart with `text` wherever text goes."""
    points = [charts.Point(i, i / 4, text, 0.0, 1.0, note=text, href=f"?{text}") for i in range(4)]
    kinds = ("main", "baseline")
    return {
        "line": charts.line_chart(
            text, [charts.Series(text, points, kind) for kind in kinds], x_name=text
        ),
        "empty line": charts.line_chart(text, [], x_name=text, empty=text),
        "sparkline": charts.sparkline([0.5, None, 0.7], title=text, baseline=0.4),
        "heat map": charts.heat_map(
            text,
            rows=[text, "b"],
            columns=[text, "b"],
            cells=[[charts.Cell(3, f"?{text}"), charts.Cell(1)], [charts.Cell(0)] * 2],
        ),
        "reliability": charts.reliability_diagram(text, [charts.Bin(0.9, 0.8, 20, 0.6, 0.9)]),
    }


def parsed(markup):
    return ElementTree.fromstring(f"<div>{markup}</div>")


@pytest.mark.parametrize("kind", every_chart())
def test_every_chart_is_well_formed(kind):
    parsed(every_chart()[kind])


@pytest.mark.parametrize("kind", every_chart())
def test_hostile_text_is_escaped(kind):
    markup = every_chart(HOSTILE)[kind]
    tree = parsed(markup)
    assert "<script" not in markup
    assert HOSTILE in "".join(tree.itertext())
    assert not tree.findall(".//script")


@pytest.mark.parametrize("kind", every_chart())
def test_every_chart_has_a_name_and_every_table_a_head(kind):
    tree = parsed(every_chart("the name")[kind])
    for svg in tree.iter("svg"):
        if svg.get("role") == "img":
            assert "the name" in svg.findtext("title")
    for table in tree.iter("table"):
        assert table.findall(".//th[@scope='col']")
        assert table.findall(".//th[@scope='row']")


@pytest.mark.parametrize("kind", every_chart())
def test_scrolling_elements_can_be_reached_by_keyboard(kind):
    tree = parsed(every_chart()[kind])
    for div in tree.iter("div"):
        if div.get("class") == "chart-scroll":
            assert div.get("tabindex") == "0"
            assert div.get("aria-label")


def test_a_line_says_where_it_began_ended_and_turned():
    text = parsed(line([0.5, 0.9, 0.3, 0.8])).findtext(".//desc")
    assert "from v0: 0.500, to v3: 0.800" in text
    assert "least v2: 0.300" in text
    assert "greatest v1: 0.900" in text


def test_the_table_holds_every_point_newest_first():
    rows = parsed(line([0.25, None, 0.75])).findall(".//tbody/tr")
    assert [["".join(cell.itertext()) for cell in row] for row in rows] == [
        ["v2", "0.750"],
        ["v1", "–"],
        ["v0", "0.250"],
    ]


def test_a_gap_is_not_drawn_over():
    lines = parsed(line([0.1, 0.2, None, 0.4, 0.5])).findall(".//polyline")
    assert len(lines) == 2


def test_a_single_value_is_a_dot_in_the_middle():
    tree = parsed(line([0.8]))
    assert not tree.findall(".//polyline")
    assert tree.find(".//circle").get("cx") == "50%"


@pytest.mark.parametrize(
    "values", [[0.0, 1.0], [0.999, 1.0], [0.0, 0.001], [1.0], [0.0], [0.5] * 3]
)
def test_an_axis_of_shares_stays_within_0_and_1(values):
    scale = ticked(values, within=(0.0, 1.0))
    assert 0 <= scale.low <= min(values)
    assert max(values) <= scale.high <= 1


@pytest.mark.parametrize(
    "values", [[-3.2, 17.9], [12345.0, 12346.0], [1e-9, 2e-9], [0.0], [], [float("inf"), 2.0]]
)
def test_ticks_are_few_evenly_spaced_and_distinct(values):
    scale = ticked(values)
    assert 2 <= len(scale.ticks) <= 8
    assert len({f"{t:.{scale.decimals}f}" for t in scale.ticks}) == len(scale.ticks)


def test_a_place_outside_the_axis_is_at_its_end():
    assert Scale(0, 1).place(2) == 100
    assert Scale(0, 1).place(-1) == 0


def test_a_long_line_has_few_names_and_no_dots():
    tree = parsed(line([i / 1000 for i in range(1000)]))
    assert len(tree.findall(".//text")) <= 14
    assert not tree.findall(".//circle")


def test_a_cell_is_shaded_by_its_share_of_the_human_label():
    shares = re.findall(r"--share:([\d.]+)", every_chart()["heat map"])
    assert shares == ["0.750", "0.250", "0.000", "0.000"]


def test_a_cell_without_tasks_links_nowhere():
    assert len(parsed(every_chart()["heat map"]).findall(".//a")) == 1


def test_a_sparkline_of_nothing_is_nothing():
    assert charts.sparkline([None], title="F1") == ""


def test_a_value_between_gaps_keeps_its_interval():
    values = [(0, 0.5), (1, None), (2, 0.6), (3, 0.7)]
    points = [charts.Point(x, y, str(x), 0.4, 0.8) for x, y in values]
    markup = charts.line_chart("F1", [charts.Series("F1", points)], x_name="Day")
    assert markup.count("chart-whisker") == 1
    assert markup.count("chart-band") == 1


def test_names_below_a_crowded_axis_do_not_touch():
    points = [charts.Point(x, 0.5, f"day {x}") for x in (0, 1, 2, 50, 51, 97, 98, 100)]
    tree = parsed(charts.line_chart("F1", [charts.Series("F1", points)], x_name="Day"))
    names = [t.text for t in tree.findall(".//text") if t.get("dy") == "20"]
    assert names == ["day 0", "day 50", "day 100"]


def test_an_axis_may_be_bounded_on_one_side_only():
    scale = ticked([1.0, 9.0], within=(0.0, float("inf")))
    assert (scale.low, scale.high) == (0.0, 10.0)
