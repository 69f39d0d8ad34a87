"""Pages show an image small wherever they would show the text of a task of texts."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.admin.images import image
from registry.reports.tasks import task_views
from tests import factories as make

pytestmark = pytest.mark.django_db

HOSTILE = 'http://images/"><script>alert(1)</script>.jpg'


@pytest.fixture
def project():
    return make.ProjectFactory()


def outcome(task, predicted="Negative", score=0.9):
    answer = {"predicted": predicted, "human": "Positive", "score": score}
    return {"task": task.pk, "target": "label", "correct": predicted == "Positive", **answer}


def classifier(project, tasks, **more):
    return make.ModelVersionFactory(
        project=project, outcomes=[outcome(task, **more) for task in tasks]
    )


def page_of(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def url_of(obj):
    return reverse(f"admin:registry_{obj._meta.model_name}_change", args=[obj.pk])


def images(page):
    """The address of each image by its alternative text."""
    found = re.findall(r'<img class="thumbnail" src="([^"]+)" alt="([^"]*)"', page)
    return {unescape(alt): src for src, alt in found}


def image_entry(task):
    """The entry of `images` for the task's image."""
    name = task.data["image"].rsplit("/", 1)[-1]
    return {f"task {task.labelstudio_id}: {name}": f"/api/tasks/{task.pk}/thumbnail/"}


def test_an_image_is_fetched_when_it_is_looked_at_and_has_its_place_before(project):
    tag = image(task_views(project, [make.ImageTaskFactory(project=project)])[0])
    for attribute in ('loading="lazy"', 'decoding="async"', 'width="96"', 'height="96"'):
        assert attribute in tag


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://host/a/cat%201.jpg?X-Amz-Signature=secret", "cat 1.jpg"),
        ("/data/upload/3/8d-dog.png", "8d-dog.png"),
        ("/data/local-files/?d=cats/7.jpg", "7.jpg"),
        ("s3://bucket/folder/", "folder"),
        ("data:image/png;base64,aGVsbG8=", "embedded image"),
        ("http://[", "http://["),
        ("http://host", "host"),
    ],
)
def test_an_image_is_called_by_its_task_and_the_end_of_its_address(project, address, name):
    task = make.ImageTaskFactory(project=project, data={"image": address})
    assert f'alt="task {task.labelstudio_id}: {name}"' in image(task_views(project, [task])[0])


def test_mistakes_are_displayed_as_images(client, project):
    one, other = make.ImageTaskFactory.create_batch(2, project=project)
    version = classifier(project, [one, other])
    page = page_of(client, url_of(version))
    assert images(page) == {**image_entry(one), **image_entry(other)}
    assert one.data["image"] not in page


def test_the_tasks_of_a_cell_are_displayed_as_images(client, project):
    task = make.ImageTaskFactory(project=project)
    version = classifier(
        project, [task, make.TaskFactory(project=project, data={"text": "A text."})]
    )
    listed = page_of(client, f"/admin/registry/outcome/?version__id__exact={version.pk}")
    assert images(listed) == image_entry(task)
    assert "A text." in listed


def test_the_page_of_an_answer_has_its_image_and_the_address(client, project):
    task = make.ImageTaskFactory(project=project)
    page = page_of(client, url_of(classifier(project, [task]).outcomes.get()))
    assert images(page) == image_entry(task)
    assert task.data["image"] in page


def test_versions_that_disagree_are_compared_by_images(client, project):
    task = make.ImageTaskFactory(project=project)
    a, b = classifier(project, [task]), classifier(project, [task], predicted="Positive")
    page = page_of(client, f"/admin/registry/modelversion/compare/?a={a.pk}&b={b.pk}")
    assert images(page) == image_entry(task)


def test_the_page_of_a_task_lists_the_most_similar_tasks(client, project):
    task = make.ImageTaskFactory(project=project)
    others = [make.ImageTaskFactory(project=project, labelled=label) for label in ("Cat", None) * 5]
    with CaptureQueriesContext(connection) as captured:
        page = page_of(client, url_of(task))
    assert len(captured) <= 20
    nearest = others[:-9:-1]  # the plain engine's order
    expected = [alt for one in (task, *nearest) for alt in image_entry(one)]
    assert list(images(page)) == expected
    strip = page[page.index(f'aria-label="Most similar to task {task.labelstudio_id}"') :]
    assert strip.index("cosine 0.900") < strip.index("cosine 0.800") < strip.index("cosine 0.200")
    assert strip.index("<span>not labelled</span>") < strip.index("<span>Cat</span>")
    assert f'href="{url_of(nearest[0])}"' in strip


def test_a_task_without_features_says_so(client, project):
    page = page_of(
        client, url_of(make.ImageTaskFactory(project=project, data={"image": "new.jpg"}))
    )
    assert "has no features. They are made when a version is trained" in page
    alone = page_of(client, url_of(make.ImageTaskFactory()))
    assert "No other task of the project has features yet." in alone


def test_the_page_of_a_text_lists_no_similar_tasks(client, project):
    page = page_of(client, url_of(make.TaskFactory(project=project, data={"text": "A text."})))
    assert "A text." in page
    assert "Most similar" not in page
    assert images(page) == {}


def test_hostile_addresses_are_escaped(client, project):
    tasks = [make.ImageTaskFactory(project=project, data={"image": HOSTILE}) for _ in range(2)]
    version = classifier(project, tasks)
    other = classifier(project, tasks, predicted="Positive")
    compared = f"/admin/registry/modelversion/compare/?a={version.pk}&b={other.pk}"
    listed = f"/admin/registry/outcome/?version__id__exact={version.pk}"
    for url in (
        url_of(version),
        compared,
        listed,
        url_of(tasks[0]),
        url_of(version.outcomes.first()),
    ):
        assert "<script>alert" not in page_of(client, url), url
