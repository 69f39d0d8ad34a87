"""Charts as inline SVG and HTML: pure functions from numbers to markup, with a text alternative.

They need `static/registry/charts.css`, no script and no build. Coordinates are percentages and only
lines are stretched, so text has the same size at every width. All text is escaped.
"""

from .bars import Bar, bar_table
from .heat_map import Cell, heat_map
from .line import Point, Series, line_chart
from .reliability import Bin, reliability_diagram
from .sparkline import sparkline

__all__ = [
    "Bar",
    "Bin",
    "Cell",
    "Point",
    "Series",
    "bar_table",
    "heat_map",
    "line_chart",
    "reliability_diagram",
    "sparkline",
]
