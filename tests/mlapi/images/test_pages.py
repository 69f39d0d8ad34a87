"""Images of tasks on pages: the thumbnail, and the nearest tasks."""

import base64

import pytest

from mlapi.images.similarity import NoFeatures, similar
from mlapi.images.thumbnails import NoThumbnail, _folder, thumbnail
from registry.actions import tasks
from registry.engine import engine
from registry.models import Task
from tests import factories as make
from tests.mlapi.image_files import digits
from tests.mlapi.image_projects import project, server, small
from tests.mlapi.images.drawn import file_of, noise
from tests.registry.threads import run_concurrently

__all__ = ["project", "server"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_nearest_of_an_image_are_found_as_long_as_it_has_features(server, project):
    small(server, project)
    labels = digits(130)[1]
    task = Task.objects.get(project=project, labelstudio_id=1)

    found = similar(task, 5)

    by_id = dict(Task.objects.filter(project=project).values_list("pk", "labelstudio_id"))
    assert len(found) == 5
    assert task.pk not in {n.task for n in found}
    cosines = [n.cosine for n in found]
    assert cosines == sorted(cosines, reverse=True)
    assert sum(labels[by_id[n.task] - 1] == labels[0] for n in found) >= 4
    tasks.drop(project, [by_id[found[0].task]])
    assert found[0].task not in {n.task for n in similar(task, 5)}
    with pytest.raises(NoFeatures):
        similar(Task.objects.get(project=project, labelstudio_id=125), 5)


def test_a_task_has_a_thumbnail_while_its_image_is_available(server, project):
    small(server, project)
    task = Task.objects.get(project=project, labelstudio_id=1)

    content = engine().thumbnail(task)

    assert content[:2] == b"\xff\xd8"
    assert engine().thumbnail(task) == content
    task.data = {"image": f"http://{server.host}/nowhere.png"}
    with pytest.raises(NoThumbnail, match="media_not_found"):
        engine().thumbnail(task)
    task.data = {}
    with pytest.raises(NoThumbnail, match="no image"):
        engine().thumbnail(task)


def test_pages_that_show_a_new_image_at_once_all_get_its_thumbnail():
    project = make.ProjectFactory()
    for seed in range(5):
        content = base64.b64encode(file_of(noise(400, 400, 3, seed), "PNG")).decode()
        address = f"data:image/png;base64,{content}"
        made = run_concurrently(6, lambda i, address=address: thumbnail(project, address))
        assert {one[:2] if isinstance(one, bytes) else repr(one) for one in made} == {b"\xff\xd8"}
        assert len(set(made)) == 1
    assert all(path.suffix == ".jpg" for path in _folder().iterdir())  # nothing is left over
