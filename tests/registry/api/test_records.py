"""/api/metrics/, outcomes/, events/ and audit-entries/."""

from registry.actions import champion, events, versions
from registry.models import AuditEntry
from registry.reports.version_history import version_history
from tests import factories as make

from .conftest import AUTH_QUERIES, assert_queries, code


def test_the_metrics_of_a_version_are_listed(viewer, version):
    make.ModelVersionFactory()
    with assert_queries(AUTH_QUERIES + 1):
        rows = viewer.rows("metrics/", {"version": version.pk})
    assert {row["version"] for row in rows} == {version.pk}
    assert len(rows) == version.metrics.count()


def test_metrics_are_filtered_searched_and_ordered_within_a_version(viewer, version):
    def names(**query):
        return [row["name"] for row in viewer.rows("metrics/", {"version": version.pk, **query})]

    assert names(whole="true") == ["primary"]
    assert "primary" not in names(whole="false")
    assert names(label="Positive") == ["f1"]
    assert names(name="accuracy", target="label", split="holdout", step=0) == ["accuracy"]
    assert names(search="baseline") == ["baseline_accuracy"]
    assert names(ordering="value")[0] == "baseline_accuracy"
    assert names(ordering="-value")[0] == "accuracy"


def test_a_metric_is_read(viewer, version):
    metric = version.metrics.get(name="primary")
    data = viewer.get(f"metrics/{metric.pk}/").json()
    assert (data["value"], data["n"], data["target"]) == (0.8, 40, "")


def test_outcomes_are_listed_with_their_task(viewer, version):
    outcome = make.OutcomeFactory(version=version, predicted=None, score=None)
    (row,) = viewer.rows("outcomes/")
    assert row["task"] == {"id": outcome.task_id, "labelstudio_id": outcome.task.labelstudio_id}
    assert row["version"]["label"] == version.label
    assert row["predicted"] is None
    assert viewer.get(f"outcomes/{outcome.pk}/").json() == row


def test_more_outcomes_take_no_more_queries(viewer, version):
    make.OutcomeFactory.create_batch(5, version=version)
    with assert_queries(AUTH_QUERIES + 1):
        assert len(viewer.rows("outcomes/")) == 5


def test_outcomes_are_filtered_and_ordered_within_a_version(viewer, version):
    wrong = make.OutcomeFactory(version=version, predicted="Negative", score=0.5)
    none = make.OutcomeFactory(version=version, predicted=None, score=None)
    right = make.OutcomeFactory(version=version, source="holdout", score=0.9)

    def ids(**query):
        return [row["id"] for row in viewer.rows("outcomes/", {"version": version.pk, **query})]

    assert ids(correct="false") == [none.pk, wrong.pk]
    assert ids(source="holdout", target="label") == [right.pk]
    assert ids(task=wrong.task_id) == [wrong.pk]
    assert ids(ordering="score") == [wrong.pk, right.pk, none.pk]
    assert ids(ordering="-score") == [right.pk, wrong.pk, none.pk]


def test_outcomes_are_filtered_by_label_alone_or_among_others(viewer, version):
    def outcome(human, predicted):
        return make.OutcomeFactory(version=version, human=human, predicted=predicted)

    single = outcome("Odd", "Even"), outcome("Odd ", None), outcome("Even", "Odd")
    several = outcome(["Even", "Odd"], ["Odd"]), outcome([], ["Even", "Oddly"])
    make.OutcomeFactory(human="Odd", predicted="Even")  # another version's

    def ids(**query):
        return [row["id"] for row in viewer.rows("outcomes/", {"version": version.pk, **query})]

    assert ids(human="Odd") == [several[0].pk, single[0].pk]
    assert ids(human="Odd ") == [single[1].pk]
    assert ids(predicted="Odd") == [several[0].pk, single[2].pk]
    assert ids(human="Odd", predicted="Even") == [single[0].pk]
    assert ids(human='["Even", "Odd"]') == ids(predicted="null") == []
    assert viewer.get("outcomes/", {"version": version.pk, "human": "\0"}).status_code == 400


def test_labels_are_looked_for_within_a_version_only(viewer, version):
    for query in ({"human": "Odd"}, {"predicted": "Odd"}, {"source": "holdout", "human": "Odd"}):
        answer = viewer.get("outcomes/", query)
        assert (answer.status_code, code(answer)) == (400, "filter_needed")


def test_events_are_listed_without_their_payload(viewer, project):
    event = make.EventFactory(project=project, payload={"annotation": {"id": 7}})
    make.EventFactory.create_batch(3, project=project)
    with assert_queries(AUTH_QUERIES + 1):
        rows = viewer.rows("events/")
    assert len(rows) == 4
    assert "payload" not in rows[0]
    data = viewer.get(f"events/{event.pk}/").json()
    assert data["payload"] == {"annotation": {"id": 7}}


def test_secrets_were_never_stored(viewer, project):
    payload = {"project": {"token": "secret", "id": 1}}
    event = make.EventFactory(project=project, payload=payload)
    assert viewer.get(f"events/{event.pk}/").json()["payload"] == {"project": {"id": 1}}


def test_events_are_filtered_and_searched_within_a_project(viewer, project):
    first, second = (make.EventFactory(project=project, action=a) for a in ("ONE", "TWO"))
    events.set_outcomes([events.EventOutcome(first.pk, "ignored", "Nothing to learn from it.")])
    make.EventFactory()

    def ids(**query):
        return [row["id"] for row in viewer.rows("events/", {"project": project.pk, **query})]

    assert ids() == [second.pk, first.pk]
    assert ids(status="ignored") == [first.pk]
    assert ids(action="TWO", source="webhook") == [second.pk]
    assert ids(search="learn") == [first.pk]
    assert ids(received_after=second.received_at.isoformat()) == [second.pk]
    assert ids(received_before=second.received_at.isoformat()) == [first.pk]
    assert ids(ordering="id") == [first.pk, second.pk]


def test_audit_entries_are_listed_with_the_versions_that_they_moved(viewer, project, version):
    newer = make.ModelVersionFactory(project=project, champion=True)
    with assert_queries(AUTH_QUERIES + 1):
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
    for one in (version, later):
        found = viewer.rows("audit-entries/", {"version": one.pk})
        assert [row["id"] for row in found] == [entry.pk for entry in version_history(one)]
        verbs[one] = [row["verb"] for row in found]
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
