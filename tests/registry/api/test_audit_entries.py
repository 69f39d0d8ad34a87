"""/api/audit-entries/."""

from registry.actions import champion, versions
from registry.models import AuditEntry
from registry.reports.version_history import version_history
from tests import factories as make

from .conftest import WHO, asked, code


def test_audit_entries_are_listed_with_the_versions_that_they_moved(viewer, project, version):
    newer = make.ModelVersionFactory(project=project, champion=True)
    with asked(WHO + 1):
        last, _ = viewer.rows("audit-entries/")
    assert last["verb"] == "promote"
    assert last["from_version"] == {"id": version.pk, "label": version.label}
    assert last["to_version"] == {"id": newer.pk, "label": newer.label}
    assert viewer.get(f"audit-entries/{last['id']}/").json() == last


def test_audit_entries_are_filtered_and_searched_within_a_project(viewer, lead, project, version):
    lead.post(f"versions/{version.pk}/note/", {"note": "Odd on emoji."})
    make.ModelVersionFactory(champion=True)

    def verbs(**query):
        return [row["verb"] for row in viewer.rows("audit-entries/", query)]

    assert verbs(project=project.pk) == ["note", "promote"]
    assert verbs(project=project.pk, verb="note") == ["note"]
    assert verbs(version=version.pk, actor="lea") == ["note"]
    assert verbs(project=project.pk, search="emoji") == ["note"]
    at = AuditEntry.objects.get(verb="note").at.isoformat()
    assert verbs(project=project.pk, at_after=at) == ["note"]
    assert verbs(project=project.pk, at_before=at) == ["promote"]


def test_the_audit_entries_of_a_version_are_those_of_its_page_with_what_took_it_out_of_service(
    viewer, project, version
):
    later = make.ModelVersionFactory(project=project, champion=True)
    champion.roll_back(project, actor="lea", reason="Worse on Mondays.", to=version)
    versions.note(later, "Odd on emoji.", actor="lea")
    verbs = {}
    for shown in (version, later):
        found = viewer.rows("audit-entries/", {"version": shown.pk})
        assert [row["id"] for row in found] == [entry.pk for entry in version_history(shown)]
        verbs[shown] = [row["verb"] for row in found]
    assert verbs == {
        version: ["roll_back", "promote", "promote"],
        later: ["note", "roll_back", "promote"],
    }


def test_nobody_changes_the_audit_trail(admin, version):
    entry = AuditEntry.objects.latest("id")
    for send in (admin.client.put, admin.client.patch, admin.client.delete, admin.client.post):
        answer = send(f"/api/audit-entries/{entry.pk}/", headers=admin.headers)
        assert answer.status_code in (403, 405)
        assert code(answer) in ("permission_denied", "method_not_allowed")
    assert AuditEntry.objects.get(pk=entry.pk).reason == entry.reason
