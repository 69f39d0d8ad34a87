"""A page of another site cannot post to Label Studio's routes by a browser's credentials."""

import base64

import pytest
from django.contrib.auth.models import User

from registry.actions import tokens
from registry.models import Event, Project
from tests.mlapi.caller import Caller

pytestmark = pytest.mark.django_db

OTHER = {"origin": "https://other.example"}
CROSS_SITE = [
    {**OTHER, "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},  # another port or subdomain
    OTHER,  # to a plain http address browsers send no Sec-Fetch-Site
    {"origin": "http://testserver:8080"},
    {"origin": "null"},  # of a frame in a sandbox
    {"origin": "http://[other"},
]
OWN = [
    {},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"origin": "http://testserver"},
    # Behind a proxy that changes the Host header; a page cannot set the first of these.
    {"sec-fetch-site": "same-origin", "origin": "https://public.example"},
]


@pytest.fixture(params=["anonymous", "basic"])
def browser_caller(request, settings):
    """A caller whom a browser would authenticate for any page."""
    settings.BASIC_AUTH_USER = settings.BASIC_AUTH_PASS = ""
    settings.ALLOW_ANONYMOUS = request.param == "anonymous"
    if settings.ALLOW_ANONYMOUS:
        return Caller()
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "x"
    return Caller(authorization="Basic " + base64.b64encode(b"anna:x").decode())


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_another_sites_form_changes_nothing(browser_caller, project, headers):
    body = f'{{"project": "{project.uid}", "action": "START_TRAINING", "annotations": []}}'
    for route in ("/train", "/webhook", "/setup", "/predict"):
        answer = browser_caller.raw(route, body.encode(), content_type="text/plain", **headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "cross_site"
        assert answer.json()["error"]["hint"]
    assert not Event.objects.exists()
    assert not project.runs.exists()
    assert list(Project.objects.all()) == [project]


@pytest.mark.parametrize("headers", OWN)
def test_label_studio_and_own_pages_are_answered(browser_caller, project, headers):
    answer = browser_caller.post("/predict", {"project": project.uid, "tasks": []}, **headers)
    assert answer.status_code == 200


def test_a_cross_site_request_that_reads_is_answered(browser_caller):
    assert browser_caller.get("/versions", **CROSS_SITE[0]).status_code == 200


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_a_key_in_the_path_and_a_token_are_answered_from_anywhere(call, project, headers):
    root = User.objects.create_superuser("root")
    by_token = Caller(authorization=f"Token {tokens.new_token(root)}")
    for caller in (call, by_token):
        answer = caller.post("/predict", {"project": project.uid, "tasks": []}, **headers)
        assert answer.status_code == 200
