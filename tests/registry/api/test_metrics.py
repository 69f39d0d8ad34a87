"""/api/metrics/."""

from tests import factories as make

from .conftest import WHO, asked


def test_the_numbers_of_a_version_are_listed(viewer, version):
    make.ModelVersionFactory()
    with asked(WHO + 1):
        rows = viewer.rows("metrics/", {"version": version.pk})
    assert {row["version"] for row in rows} == {version.pk}
    assert len(rows) == version.metrics.count()


def test_metrics_are_filtered_searched_and_ordered_within_a_version(viewer, version):
    def names(**query):
        return [row["name"] for row in viewer.rows("metrics/", {"version": version.pk, **query})]

    assert names(whole="true") == ["primary"]
    assert "primary" not in names(whole="false")
    assert names(label="Positive") == ["f1"]
    assert names(name="accuracy", target="label", split="holdout", step=0) == ["accuracy"]
    assert names(search="baseline") == ["baseline_accuracy"]
    assert names(ordering="value")[0] == "baseline_accuracy"
    assert names(ordering="-value")[0] == "accuracy"


def test_a_number_is_read(viewer, version):
    metric = version.metrics.get(name="primary")
    told = viewer.get(f"metrics/{metric.pk}/").json()
    assert (told["value"], told["n"], told["target"]) == (0.8, 40, "")
