"""The actions on the page of a version: permissions and audit entries."""

import hashlib

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.urls import reverse

from registry.actions import champion, versions
from registry.models import AuditEntry, ModelVersion, Project
from tests import factories as make
from tests.registry.admin.version_pages import dialog_of, page_of, url_of

pytestmark = pytest.mark.django_db


def test_promoting_says_what_will_change_and_asks_why(client, version):
    later = make.ModelVersionFactory(project=version.project)
    dialog = dialog_of(client, later, "promote").content.decode()
    assert version.label in dialog
    assert later.label in dialog
    assert "0.800 (n = 40)" in dialog
    assert 'name="reason"' in dialog


def test_the_champion_is_rolled_back_from_its_page(client, version):
    assert "/roll_back/" not in page_of(client, version)
    later = make.ModelVersionFactory(project=version.project, champion=True)
    assert f"modelversion/{later.pk}/roll_back/" in page_of(client, later)
    assert "/roll_back/" not in page_of(client, version)
    assert version.label in dialog_of(client, later, "roll_back").content.decode()
    url = reverse("admin:registry_modelversion_roll_back", args=[later.pk])
    client.post(url, {"_form_submitted": "True", "reason": "Worse on Mondays."})
    assert Project.objects.get(pk=version.project_id).champion == version
    assert AuditEntry.objects.latest("id").reason == "Worse on Mondays."
    for one, text in ((later, f"roll back to {version.label}"), (version, "roll back")):
        page = page_of(client, one)
        assert f">{text}</a> by ada" in page
        assert "Worse on Mondays." in page


def test_all_audit_entries_of_a_version_are_listed_and_what_took_it_out_of_service(client, version):
    later = make.ModelVersionFactory(project=version.project, champion=True)
    champion.roll_back(version.project, actor="ada", reason="Worse on Mondays.", to=version)
    for one in (version, later):
        page = client.get(url_of(one))
        listed = client.get(page.context["audit_entries_url"]).context["cl"].result_list
        assert list(listed) == [entry for _, entry, _ in page.context["audit_entries"]]
    assert [entry.verb for entry in listed] == ["roll_back", "promote"]
    for nonsense in ("x", "9" * 30):
        answer = client.get(f"/admin/registry/auditentry/?version__id__exact={nonsense}")
        assert answer.status_code in (200, 302)


def test_what_a_version_has_no_room_for_is_not_offered(client, version):
    page = page_of(client, version)
    for action in ("promote", "archive", "unarchive", "clear_load_failure"):
        assert f"modelversion/{version.pk}/{action}/" not in page
    later = make.ModelVersionFactory(project=version.project)
    page = page_of(client, later)
    assert f"modelversion/{later.pk}/promote/" in page
    assert f"modelversion/{later.pk}/archive/" in page
    versions.archive(later, actor="ada", reason="old")
    page = page_of(client, later)
    assert f"modelversion/{later.pk}/unarchive/" in page
    assert f"modelversion/{later.pk}/promote/" not in page


@pytest.mark.parametrize("action", ["promote", "roll_back", "archive", "write_note"])
def test_a_dialog_of_an_unknown_version_is_no_server_error(client, action):
    for number in ("999999", "x", "9" * 30):
        url = f"/admin/registry/modelversion/{number}/{action}/"
        assert client.get(url).status_code < 500


def test_the_artifact_is_downloaded_as_it_was_put(client, version):
    url = reverse("admin:registry_modelversion_download", args=[version.pk])
    response = client.get(url)
    content = b"".join(response.streaming_content)
    assert hashlib.sha256(content).hexdigest() == version.artifact_sha256
    assert version.label in response.headers["Content-Disposition"]


def test_a_missing_artifact_is_reported_with_its_cure(client, version, settings):
    path = settings.DATA_DIR / "artifacts" / version.artifact
    path.unlink()
    response = client.get(reverse("admin:registry_modelversion_download", args=[version.pk]))
    assert response.status_code == 302
    (message,) = [str(m) for m in get_messages(response.wsgi_request)]
    assert "is not in the store" in message
    assert "backup" in message


def test_a_version_is_exported_from_its_page(client, version):
    url = reverse("admin:registry_modelversion_export", args=[version.pk])
    assert url in page_of(client, version)
    response = client.get(url)
    assert b"".join(response.streaming_content) == f"the export of {version.label}".encode()


def test_a_version_that_has_no_export_says_why(client, version):
    ModelVersion.objects.filter(pk=version.pk).update(note="not exportable")
    response = client.get(reverse("admin:registry_modelversion_export", args=[version.pk]))
    assert response.status_code == 302
    (message,) = [str(m) for m in get_messages(response.wsgi_request)]
    assert "predicts only inside the backend" in message


def test_pages_of_a_version_are_for_those_who_may_look(client, version):
    urls = [
        reverse("admin:registry_modelversion_download", args=[version.pk]),
        reverse("admin:registry_modelversion_export", args=[version.pk]),
        reverse("admin:registry_modelversion_compare") + f"?b={version.pk}",
    ]
    client.force_login(User.objects.create_user("nils", is_staff=True))
    for url in urls:
        assert client.get(url).status_code == 403
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    for url in urls:
        assert client.get(url).status_code == 200
    later = make.ModelVersionFactory(project=version.project)
    page = page_of(client, later)
    assert f"modelversion/{later.pk}/promote/" not in page
