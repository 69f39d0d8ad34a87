"""The page that compares two versions on the tasks that both predicted."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories as make

pytestmark = pytest.mark.django_db


def test_two_versions_are_compared_on_the_tasks_that_both_answered(client, version):
    tasks = [o.task_id for o in version.outcomes.order_by("id")]
    humans = ["Positive", "Positive", "Negative", "Negative"]
    rows = [
        {
            "task": task,
            "target": "label",
            "predicted": human,
            "score": 0.9,
            "human": human,
            "correct": True,
        }
        for task, human in zip(tasks, humans, strict=True)
    ]
    later = make.ModelVersionFactory(project=version.project, outcomes=rows)
    url = reverse("admin:registry_modelversion_compare")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        page = client.get(f"{url}?a={version.pk}&b={later.pk}").content.decode()
    assert len(captured) <= 20
    assert f"Only {later.label} is correct: 2 tasks" in page
    assert f"Only {version.label} is correct: 0 tasks" in page
    assert "text 3 Negative" in page
    assert "n = 4" in page
    assert client.get(f"{url}?b={later.pk}").context["a"] == version


def test_versions_that_cannot_be_compared_say_why(client, version):
    url = reverse("admin:registry_modelversion_compare")
    other = make.ModelVersionFactory()
    page = client.get(f"{url}?a={version.pk}&b={other.pk}").content.decode()
    assert "two projects" in page
    assert "Choose two versions" in client.get(f"{url}?b={version.pk}").content.decode()
    for query in ("", "?a=x", "?b=999999", f"?a=999999&b={version.pk}", "?b=" + "9" * 30):
        assert client.get(url + query).status_code == 404
