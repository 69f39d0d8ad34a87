"""The policy of the admin's pages, and that nothing in them needs more than it allows."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories as make

pytestmark = pytest.mark.django_db
PAGES = [
    "",
    "password_change/",
    "registry/project/",
    "registry/event/",
    "auth/user/",
    "auth/user/add/",
]


def pages():
    """Each page of some kinds with its answer."""
    client = Client()
    yield "login", client.get("/admin/login/")
    client.force_login(User.objects.create_superuser("root"))
    version = make.ModelVersionFactory(champion=True)
    make.ModelVersionFactory(project=version.project)
    own = [
        f"registry/project/{version.project_id}/change/",
        f"registry/modelversion/{version.pk}/change/",
        f"registry/trainingrun/{version.run_id}/change/",
        f"registry/project/{version.project_id}/connect/",
    ]
    for page in PAGES + own:
        yield page, client.get(f"/admin/{page}")


def test_every_page_has_the_policy_and_no_script_but_files_of_ours():
    for page, answer in pages():
        assert answer.status_code == 200, page
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy and "'unsafe-inline'" not in policy.split(";")[1]
        html = answer.content.decode()
        for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.S):
            data = 'type="application/json"' in attributes
            assert data or re.search(r'src="/(static|admin/jsi18n)/', attributes), (
                page,
                attributes,
            )
            assert data or not content.strip(), page
        assert not re.findall(r"<[^>]*\son[a-z]+=", html), page
        assert "javascript:" not in html, page
        for address in re.findall(r'<(?:link|img|iframe)[^>]*(?:href|src)="([^"]+)"', html):
            assert address.startswith(("/", "data:", "#")), (page, address)


def test_rest_and_label_studios_routes_have_no_policy_of_the_admins():
    assert "Content-Security-Policy" not in Client().get("/health").headers


def test_an_address_with_a_nul_is_a_bad_request(client):
    client.force_login(User.objects.create_superuser("root"))
    client.raise_request_exception = False
    project = make.ProjectFactory()
    for page in (
        "registry/task/?labels=%00",
        "registry/outcome/?human=%00",
        "registry/event/?q=%00",
        f"registry/task/?project={project.pk}&labels=%00&q=%00",
        "registry/modelversion/?label=%00",
        "registry/project/?q=%00",
        "registry/project/%00/change/",
    ):
        assert client.get(f"/admin/{page}").status_code == 400, page


def test_an_error_is_a_page_in_a_browser_and_json_for_every_other_caller(client):
    client.force_login(User.objects.create_superuser("root"))
    client.raise_request_exception = False
    html = {"accept": "text/html,*/*;q=0.8"}
    key = "a" * 32
    for path, headers, status, title in (
        ("/admin/registry/nothing/", {}, 404, "Page not found"),
        ("/admin/registry/project/%00/change/", html, 400, "Bad request"),
        ("/nothing", html, 404, "Page not found"),
    ):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer["Content-Type"][:9]) == (status, "text/html"), path
        assert f"<h1>{title}</h1>" in answer.content.decode()
        assert 'href="/admin/"' in answer.content.decode()
    for path, headers in (("/nothing", {}), ("/api/nothing/", html), (f"/k/{key}/nothing", html)):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 404
        assert "error" in answer.json(), path
