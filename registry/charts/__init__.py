"""Charts as inline SVG and HTML: pure functions from numbers to markup, with a text alternative.

They need `static/registry/charts.css`, no script, and no build. Text keeps its size at every
width, because places are percentages and only lines are stretched. All text is escaped.
Imports nothing of the project.
"""

from .heat_map import Cell, heat_map
from .line import Point, Series, line_chart, sparkline
from .reliability import Bin, reliability_diagram

__all__ = [
    "Bin",
    "Cell",
    "Point",
    "Series",
    "heat_map",
    "line_chart",
    "reliability_diagram",
    "sparkline",
]
