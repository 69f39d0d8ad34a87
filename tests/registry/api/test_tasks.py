"""/api/tasks/, and the thumbnails that pages show."""

import hashlib
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from registry.actions import tasks, tokens
from registry.api.downloads import download_slot
from tests import factories as make

from .conftest import AUTH_QUERIES, Caller, assert_queries, code


@pytest.fixture
def image(project):
    return make.ImageTaskFactory(project=project, data={"image": "http://images/cat.jpg"})


def test_tasks_are_listed_with_their_labels_and_without_their_data(viewer, project):
    task = make.TaskFactory(project=project, labelled="Positive")
    make.TaskFactory.create_batch(3, project=project)
    with assert_queries(AUTH_QUERIES + 1):
        rows = viewer.rows("tasks/")
    assert len(rows) == 4
    assert (rows[-1]["labels"], rows[-1]["split"]) == ({"label": "Positive"}, "train")
    assert rows[0]["labels"] == {}
    assert task.data["text"] not in str(rows)


def test_one_task_has_the_content_that_pages_display(viewer, project, image):
    text = make.TaskFactory(project=project)
    with assert_queries(AUTH_QUERIES + 1):
        content = viewer.get(f"tasks/{text.pk}/").json()["content"]
    assert (content["kind"], content["text"], content["thumbnail"]) == (
        "text",
        text.data["text"],
        None,
    )
    content = viewer.get(f"tasks/{image.pk}/").json()["content"]
    assert (content["kind"], content["text"]) == ("image", "http://images/cat.jpg")
    assert content["thumbnail"] == f"/api/tasks/{image.pk}/thumbnail/"


def test_an_image_inside_its_address_is_not_repeated_as_text(viewer, project):
    task = make.ImageTaskFactory(project=project, data={"image": "data:image/png;base64,aGVsbG8="})
    content = viewer.get(f"tasks/{task.pk}/").json()["content"]
    assert content["text"] == "data:image/png;base64"


def test_tasks_are_filtered_and_ordered_within_a_project(viewer, project):
    plain, labelled = (make.TaskFactory(project=project, labelled=label) for label in (None, "a"))
    make.TaskFactory(labelled="a")
    tasks.drop(project, [plain.labelstudio_id])

    def ids(**query):
        return [row["id"] for row in viewer.rows("tasks/", {"project": project.pk, **query})]

    assert ids() == [labelled.pk, plain.pk]
    assert ids(labelled="true") == ids(deleted="false") == ids(split="train") == [labelled.pk]
    assert ids(labelled="false") == ids(deleted="true") == [plain.pk]
    assert ids(labelstudio_id=labelled.labelstudio_id) == [labelled.pk]
    assert ids(ordering="labelstudio_id") == [plain.pk, labelled.pk]
    later = (timezone.now() + timedelta(days=1)).isoformat()
    assert ids(labels_changed_before=later) == [labelled.pk]
    assert ids(labels_changed_after=later) == []


def test_a_thumbnail_is_a_jpeg_that_only_private_caches_store(viewer, image):
    answer = viewer.get(f"tasks/{image.pk}/thumbnail/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")
    assert answer["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer["Cache-Control"].startswith("private")
    assert {"Authorization", "Cookie"} <= set(answer["Vary"].replace(" ", "").split(","))
    again = viewer.get(f"tasks/{image.pk}/thumbnail/", **{"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == answer["Cache-Control"]


def test_a_thumbnail_is_read_as_nothing_but_an_image(viewer, image):
    answer = viewer.get(f"tasks/{image.pk}/thumbnail/", Accept="image/avif,image/*,*/*;q=0.8")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_an_unavailable_image_is_answered_with_the_engines_code(viewer, project):
    gone = make.ImageTaskFactory(project=project, data={"image": "http://images/gone.jpg"})
    for task in (gone, make.TaskFactory(project=project)):
        answer = viewer.get(f"tasks/{task.pk}/thumbnail/", Accept="image/*")
        assert answer.status_code == 404
        assert code(answer) == "no_thumbnail"
    assert code(viewer.get("tasks/999999/thumbnail/")) == "not_found"


def test_a_session_sees_images_as_a_token_does(image):
    browser = Client()
    url = f"/api/tasks/{image.pk}/thumbnail/"
    assert browser.get(url).status_code == 401
    user = User.objects.create_user("vera")
    browser.force_login(user)
    assert browser.get(url).status_code == 403
    user.groups.add(Group.objects.get(name="viewer"))
    assert browser.get(url)["Content-Type"] == "image/jpeg"


def test_images_are_for_those_who_may_see_tasks_and_projects(image):
    user = User.objects.create_user("pat")
    pat = Caller(tokens.new_token(user))
    for permission in ("view_task", "view_project"):
        answers = [pat.get(f"tasks/{image.pk}/{route}") for route in ("", "thumbnail/")]
        assert [code(answer) for answer in answers] == ["permission_denied"] * 2
        permissions = Permission.objects.filter(content_type__app_label="registry")
        user.user_permissions.add(permissions.get(codename=permission))
    assert pat.get(f"tasks/{image.pk}/thumbnail/").status_code == 200


def test_images_leave_threads_to_what_label_studio_asks(viewer, image):
    with ExitStack() as others:
        for _ in range(settings.WEB_THREADS // 4):
            others.enter_context(download_slot())
        answer = viewer.get(f"tasks/{image.pk}/thumbnail/")
        assert answer.status_code == 503
        assert code(answer) == "too_many_thumbnails"
    assert viewer.get(f"tasks/{image.pk}/thumbnail/").status_code == 200
