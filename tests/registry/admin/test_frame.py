"""The frame of every page of the admin: main part, scripts, sidebar, dialogs."""

import difflib
import os
import subprocess
import sys
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

import evals_backend.urls  # noqa: F401 - registers the admin's pages
from registry.actions import keys
from registry.admin.empty_lists import filled_by
from registry.models import AccessKey
from tests import factories as make

pytestmark = pytest.mark.django_db

OWN_TEMPLATES = Path(settings.TEMPLATES[0]["DIRS"][0])
UNFOLD_TEMPLATES = Path(find_spec("unfold").submodule_search_locations[0]) / "templates"


def test_the_pages_have_no_fault():
    """`manage.py check` may look before the URLs are imported, and would then find none."""
    assert admin.site.check(None) == []


def test_a_process_without_urls_imports_no_page():
    count = "from django.contrib import admin; print(len(admin.site._registry))"
    code = f"import django; django.setup(); {count}; import evals_backend.urls; {count}"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "evals_backend.settings"}
    command = [sys.executable, "-c", code]
    root = settings.BASE_DIR
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, check=True)
    assert list(map(int, done.stdout.split())) == [0, len(admin.site._registry)]
    assert len(admin.site._registry) > 15


@pytest.mark.parametrize("url", ["/admin/", "/admin/registry/project/", "/admin/login/"])
def test_a_page_has_its_main_part_which_the_first_link_leads_to(client, url):
    if "login" in url:
        client.logout()
    page = client.get(url).content.decode()
    assert page.count("<main ") == 1
    assert '<main id="content" tabindex="-1"' in page
    body = page[page.index("<body") :]
    assert body.index('<a class="skip-link" href="#content">') == body.index("<a ")


def test_a_page_loads_neither_chart_js_nor_fonts_for_text(client):
    page = client.get("/admin/").content.decode()
    assert "chart.js" not in page
    assert "fonts/inter" not in page


@pytest.mark.parametrize(
    "name", sorted(str(p.relative_to(OWN_TEMPLATES)) for p in OWN_TEMPLATES.rglob("*.html"))
)
def test_our_copy_of_a_template_is_unfolds_but_for_a_few_lines(name):
    """An upgrade of unfold shows here which templates have to be copied again."""
    own, original = (
        (of / name).read_text().splitlines() for of in (OWN_TEMPLATES, UNFOLD_TEMPLATES)
    )
    changed = [
        line
        for line in difflib.unified_diff(original, own, n=0, lineterm="")
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert 0 < len(changed) <= 8, "\n".join(changed)


def test_a_dialog_is_a_page_of_its_own_or_a_fragment_for_htmx(client):
    project = make.ProjectFactory()
    url = reverse("admin:registry_project_archive", args=[project.pk])
    page = client.get(url).content.decode()
    assert "<main " in page
    assert 'name="reason"' in page
    assert reverse("admin:registry_project_change", args=[project.pk]) in page
    bare = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<main " not in bare
    assert 'name="reason"' in bare
    refused = client.post(url, {"_form_submitted": "True", "reason": ""}).content.decode()
    assert "<main " in refused
    assert "This field is required" in refused
    done = client.post(url, {"_form_submitted": "True", "reason": "Over."})
    assert done.status_code == 302


@pytest.mark.parametrize(
    "model",
    [
        *("project", "modelversion", "trainingrun", "task", "event", "auditentry", "worker"),
        *("outcome", "metric", "target", "accesskey", "webhook", "webhookdelivery"),
    ],
)
def test_an_empty_list_says_what_will_fill_it(client, model):
    url = reverse(f"admin:registry_{model}_changelist")
    page = client.get(url)
    text = filled_by(page.context["cl"].model)
    assert text
    assert text in unescape(page.content.decode())


def test_a_list_that_is_filtered_to_nothing_says_so(client):
    make.ProjectFactory()
    page = client.get(reverse("admin:registry_project_changelist"), {"q": "no such"})
    assert "Nothing matches" in page.content.decode()


def test_a_lead_has_four_entries_in_the_sidebar_and_the_others_are_folded(client):
    lena = User.objects.create_user("lena", is_staff=True)
    lena.groups.add(Group.objects.get(name="lead"))
    client.force_login(lena)
    first, *others = client.get("/admin/").context["sidebar_navigation"]
    assert [item["title"] for item in first["items"]] == [
        "Projects",
        "Versions",
        "Runs",
        "Audit entries",
    ]
    assert not first["collapsible"]
    assert others
    assert all(group["collapsible"] for group in others)


def test_the_page_of_a_new_key_waits_for_its_first_call(client):
    project = make.ProjectFactory()
    connect = reverse("admin:registry_project_connect", args=[project.pk])
    page = client.post(connect, {"name": "team"}).content.decode()
    key = AccessKey.objects.get()
    used = reverse("admin:registry_accesskey_used", args=[key.pk])
    assert f'data-waiting="{used}"' in page
    assert 'data-copy="#key-url"' in page
    assert client.get(used).json() == {"text": ""}
    keys.note_use(key)
    assert client.get(used).json()["text"].startswith("Called at ")
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(used).status_code == 403
