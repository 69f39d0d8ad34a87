"""The dashboard and the rules beside what the server exposes, without a Prometheus."""

from itertools import combinations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlapi.monitoring import exposition
from registry.models import Project
from tests.deploy import queries
from tests.documentation.pages import named, section

_OF_HISTOGRAMS = ("_bucket", "_sum", "_count")


@pytest.fixture
def exposed(db) -> set[str]:
    """The names of all metrics, as they are queried: also of those without a sample now."""
    text = exposition.exposition(Project.objects.all(), [], of_all=True).decode()
    names = set()
    for family in text_string_to_metric_families(text):
        if family.type == "histogram":
            names |= {family.name + suffix for suffix in _OF_HISTOGRAMS}
        else:
            names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return names


def test_every_metric_that_is_queried_exists(exposed):
    queried = queries.metrics_in(queries.of_dashboard()) | queries.metrics_in(queries.of_alerts())
    assert queried - exposed == set()
    assert len(queried) > 15


def test_every_metric_is_documented(exposed):
    def without_suffix(name: str) -> str:
        return next((name.removesuffix(s) for s in _OF_HISTOGRAMS if name.endswith(s)), name)

    names = named(section("docs/operations.md", "Metrics"))
    documented = {name for name in names if name.startswith("evals_")}
    assert documented == {without_suffix(name) for name in exposed}


def test_every_panel_has_a_place_of_its_own():
    places = [panel["gridPos"] for panel in queries.DASHBOARD["panels"]]
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below, (a, b)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    ids = [panel["id"] for panel in queries.DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_query_is_made_of_the_data_source_that_is_chosen():
    for panel in queries.DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
    names = {variable["name"] for variable in queries.DASHBOARD["templating"]["list"]}
    assert names == {"datasource", "project"}
