"""Pages of versions that cluster images or find similar ones: other metrics, and no candidates."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories as make
from tests.registry.reports.records import clusters, labelled_tasks, metric, similarity

pytestmark = pytest.mark.django_db

NAMED = [("cats", "cats"), ("dogs", None), ("dogs", "cats")]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def project():
    return make.ProjectFactory(title="Animals")


def page_of(client, obj, query=""):
    name = obj._meta.model_name
    response = client.get(reverse(f"admin:registry_{name}_change", args=[obj.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def text_of(page):
    """The visible text, on one line."""
    page = re.sub(r"<(script|style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_clusters_have_their_own_metrics_and_images(client, project):
    version = clusters(project, {"cats": 400, "dogs": 1}, NAMED, champion=True)
    with CaptureQueriesContext(connection) as captured:
        page = page_of(client, version)
    assert len(captured) <= 20
    text = text_of(page)
    assert "Primary metric (adjusted Rand) 0.700 baseline 0.000, n = 3, few tasks" in text
    assert "primary metric (adjusted Rand) 0.700 0.000 3" in text
    assert "label V-measure 0.700" in text
    assert "label silhouette 0.310 – 40" in text
    assert "label clusters 2 – 40" in text
    assert "Features opencv-1" in text
    assert "cats 400 tasks" in text
    assert "dogs 1 task " in text
    assert page.count('class="thumbnail"') >= 4
    assert page.index('aria-label="Examples of cats"') < page.index('aria-label="Examples of dogs"')
    assert ">no answer<" in page  # a column of the confusion


def test_reports_that_such_a_version_cannot_have_are_left_out(client, project):
    for version in (clusters(project, {"cats": 3}, NAMED), similarity(project, [("cat", "cat")])):
        page = page_of(client, version)
        for section in ("Learning curve of", "Reliability of", "Candidates"):
            assert section not in page
    assert 'aria-label="Classes of label"' not in page_of(client, clusters(project, {"cats": 3}))


def test_clusters_without_human_names_are_evaluated_by_silhouette(client, project):
    text = text_of(page_of(client, clusters(project, {"cluster 1": 30, "cluster 2": 10})))
    assert "Primary metric (silhouette) 0.310" in text
    assert "No holdout task was evaluated." in text


def test_similarity_is_evaluated_by_precision_at_k_and_human_labels(client, project):
    task = make.ImageTaskFactory(project=project)
    version = similarity(
        project,
        [("cat", "cat"), ("dog", None), ("", None), ("cat", None)],
        metrics=[
            metric("primary", 0.8, target=""),
            metric("precision_at_k", 0.6, target="is", step=10, n=30),
            metric("baseline_precision_at_k", 0.2, target="is", step=10, n=30),
            metric("references", 1200.0, target="is", n=5000),
            metric("support", 7.0, target="is", label="cat", n=7),
            metric("recall", 0.5, target="is", label="cat", n=7),
        ],
        exemplars=[{"target": "is", "label": "cat", "task": task.pk, "score": 0.83}],
    )
    page = page_of(client, version)
    text = text_of(page)
    assert "is precision at 10 0.600 0.200 30" in text
    assert "is references 1,200 – 5000" in text
    assert "cat 7 tasks of the holdout by human label" in text
    assert "0.830" in text
    assert ">no label<" in page  # a row of the confusion
    assert 'aria-label="Classes of is"' in page
    assert "cat no answer" in text  # among the mistakes


def test_nothing_is_the_right_answer_for_what_is_not_of_the_label(client, project):
    answers = [("cat", None), ("dog", None), ("dog", None), ("dog", "cat")]
    page = page_of(client, similarity(project, answers))
    cells = re.findall(r'<td class="(heat-\w+)" style="[^"]+" title="(\d of \d [\w :]+) \(', page)
    css_of = {title: css for css, title in cells}
    assert css_of["2 of 3 with human label dog: predicted no answer"] == "heat-right"
    assert (
        css_of["1 of 3 with human label dog: predicted cat"]
        == css_of["1 of 1 with human label cat: predicted no answer"]
        == "heat-wrong"
    )


def test_more_of_a_label_is_one_step_away(client, project):
    version = clusters(project, {"cats": 40}, exemplar_count=14)
    page = page_of(client, version)
    assert page.count('class="thumbnail"') == 12
    link = "?target=label&amp;label=cats#exemplars"
    assert f'href="{link}">All 14 examples of cats</a>' in page
    page = page_of(client, version, "?target=label&label=cats")
    assert page.count('class="thumbnail"') == 14
    assert 'href="?target=label#exemplars">All labels</a>' in page
    assert "No examples of birds are stored." in page_of(client, version, "?label=birds")


def test_many_labels_take_no_more_queries_and_the_rest_is_named(client, project):
    def queries(labels):
        version = clusters(project, {f"cluster {n}": 100 - n for n in range(labels)})
        page_of(client, version)
        with CaptureQueriesContext(connection) as captured:
            page = page_of(client, version)
        return len(captured), page

    few, _ = queries(1)
    many, page = queries(33)
    assert many == few
    assert page.count('aria-label="Examples of cluster ') == 30
    assert "3 more labels" in page
    assert 'href="?target=label&amp;label=cluster+32#exemplars">cluster 32</a>' in page


def test_hostile_names_are_escaped(client, project):
    version = clusters(project, {HOSTILE: 3}, [(HOSTILE, HOSTILE), (HOSTILE, None)])
    for query in ("", f"?label={HOSTILE}"):
        assert HOSTILE not in page_of(client, version, query)


def test_groups_are_compared_on_what_both_named_and_as_they_were_when_trained(client, project):
    ids = labelled_tasks(project, 3)
    a = clusters(project, {"cats": 4, "dogs": 2}, NAMED, ids)
    compared = {
        "metric": "adjusted_rand",
        "champion_label": a.label,
        "candidate": 0.7,
        "champion": 0.65,
        "difference": 0.05,
        "interval": [-0.1, 0.2],
        "n": 3,
    }
    b = clusters(project, {"cats": 4}, NAMED, ids, described={"comparison": compared})
    url = reverse("admin:registry_modelversion_compare")
    text = text_of(client.get(f"{url}?a={a.pk}&b={b.pk}").content.decode())
    assert "adjusted Rand 0.700 against 0.650 of" in text
    assert "all targets primary metric (adjusted Rand) 0.700 3 0.700 3" in text
    assert "label clusters 2 6 1 4" not in text
    assert "label clusters 2 40 1 40" in text
    text = text_of(client.get(f"{url}?a={b.pk}&b={a.pk}").content.decode())
    assert "When" not in text


def test_the_champion_before_is_not_compared_by_another_metric(client, project):
    before = clusters(project, {"cats": 4}, champion=True)
    now = clusters(project, {"cats": 4}, NAMED, champion=True)
    text = text_of(page_of(client, now))
    assert f"Previous champion – {before.label}, evaluated by its silhouette" in text
    text = text_of(
        client.get(f"/admin/registry/modelversion/{before.pk}/promote/").content.decode()
    )
    assert "adjusted Rand 0.700 (n = 3, few tasks)" in text
    assert "silhouette 0.310 (n = 40)" in text


def test_home_project_and_list_name_the_primary_metric_of_a_version(client, project):
    make.ModelVersionFactory(project=project)
    version = clusters(project, {"cats": 4}, NAMED, champion=True)
    for url in ("/admin/", reverse("admin:registry_project_change", args=[project.pk])):
        text = text_of(client.get(url).content.decode())
        assert "0.700 adjusted Rand, baseline 0.000, n = 3, few tasks" in text
    page = page_of(client, project)
    assert "Primary metric over versions: adjusted Rand" in page
    assert f"v{version.number}: 0.700, n = 3, few tasks, champion" in page
    assert "v1: 0.800" not in page
    assert "Versions with another metric: 1 by macro F1." in page
    text = text_of(client.get("/admin/registry/modelversion/").content.decode())
    assert "adjusted Rand 0.700 (n = 3, few tasks)" in text
    assert "macro F1 0.800 (n = 40)" in text


def test_a_negative_metric_is_drawn_where_it_is(client, project):
    for value in (-0.15, 0.4):
        make.ModelVersionFactory(
            project=project,
            primary_metric="silhouette",
            metrics=[metric("primary", value, target="")],
        )
    page = page_of(client, project)
    heights = re.findall(r'<circle class="chart-dot chart-main" cx="[^"]+" cy="([\d.]+)%"', page)
    assert len(heights) == 2
    assert max(map(float, heights)) < 100  # the axis goes on below zero


IMAGES = {"images": 2000, "cached": 1980, "downloaded": 20, "embedded": 20, "unavailable": 0}
SUMMARY = "2,000 images: 1,980 cached, 20 downloaded, 20 embedded, 0 unavailable"


def test_a_run_and_its_version_count_the_images(client, project):
    counts = {"tasks": 2000, "train": 40, "holdout": 10, "unlabelled": 1950, "images": IMAGES}
    candidates = [{"target": "label", "name": "2 clusters", "score": 0.31, "metric": "silhouette"}]
    described = {"dataset_counts": counts, "candidates": candidates}
    version = clusters(project, {"cats": 4}, described=described)
    for page in (page_of(client, version.run), page_of(client, version)):
        text = text_of(page)
        assert f"Images {SUMMARY}" in text
        assert "Not labelled 1950 tasks" in text
        assert "Candidate Silhouette n" in text
        assert "not fitted on" not in text
    lineage = page_of(client, version)
    lineage = lineage[lineage.index('id="lineage"') :]
    assert SUMMARY in lineage[: lineage.index("</section>")]


def test_the_pages_are_for_those_who_may_look(client, project):
    version = clusters(project, {"cats": 4})
    client.force_login(User.objects.create_user("nils", is_staff=True))
    url = reverse("admin:registry_modelversion_change", args=[version.pk])
    assert client.get(f"{url}?label=cats").status_code == 403
