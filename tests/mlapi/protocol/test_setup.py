"""POST /setup: the stored fields, the queued jobs, and the messages to the user."""

import pytest
from django_q.models import OrmQ

from mlapi.mirror import process_events
from registry.models import Event, Project
from tests.factories import LABEL_CONFIG
from tests.mlapi.caller import Caller, queries

UID = "7.1795421024"
AUDIO = (
    '<View><Audio name="i" value="$i"/><Choices name="c" toName="i"><Choice value="A"/>'
    '<Choice value="B"/></Choices></View>'
)


def body(**changes):
    return {
        "project": UID,
        "schema": LABEL_CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "a-legacy-token",
        "extra_params": None,
        **changes,
    }


@pytest.mark.django_db(transaction=True)
def test_the_first_setup_remembers_the_project_and_keeps_to_six_queries(call):
    with queries(6):
        answer = call.post("/setup", body())
    assert answer.status_code == 200
    assert answer.json() == {"model_version": None}
    project = Project.objects.get(uid=UID)
    assert project.hostname == "http://localhost:8080"
    assert project.setup_token == "a-legacy-token"
    assert project.backend_url == "http://testserver"
    assert OrmQ.objects.count() == 1  # processes the event


@pytest.mark.django_db(transaction=True)
def test_the_job_after_the_first_setup_stores_the_config_and_requests_a_sync(call):
    call.post("/setup", body())
    project = Project.objects.get(uid=UID)
    process_events.process_pending_events(project.pk)
    project.refresh_from_db()
    assert project.label_config == LABEL_CONFIG
    assert project.pipeline == "text_classification"
    assert project.sync_queued_at is not None
    assert Event.objects.get().status == "applied"


@pytest.mark.django_db(transaction=True)
def test_a_setup_without_a_change_queues_nothing_in_two_queries(call):
    call.post("/setup", body())
    process_events.process_pending_events(Project.objects.get(uid=UID).pk)
    queued, stored = OrmQ.objects.count(), Event.objects.count()
    with queries(2):
        assert call.post("/setup", body()).status_code == 200
    assert (OrmQ.objects.count(), Event.objects.count()) == (queued, stored)


@pytest.mark.django_db(transaction=True)
def test_a_changed_config_is_an_event_and_nothing_is_relabelled_in_the_request(call, project):
    changed = LABEL_CONFIG.replace("Positive", "Glad")
    with queries(6):
        answer = call.post("/setup", body(project=project.uid, schema=changed))
    assert answer.status_code == 200
    project.refresh_from_db()
    assert project.label_config == LABEL_CONFIG
    process_events.process_pending_events(project.pk)
    project.refresh_from_db()
    assert project.label_config == changed


@pytest.mark.django_db
def test_setup_returns_the_version_that_serves(call, champion):
    answer = call.post("/setup", body(project=champion.project.uid))
    assert answer.json() == {"model_version": champion.label}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (
            AUDIO,
            "400 Choices is served on Text, HyperText, Paragraphs, Table, List, Chat and Image.",
        ),
        (
            "<View></View>",
            "400 No control that this backend can serve. Add Choices on Text or Image.",
        ),
        ("<View", "400 The label config is not valid XML"),
        ("", "400 The label config is empty."),
    ],
)
def test_an_unserved_config_is_an_error_and_the_project_is_stored(schema, reason, call):
    with queries(6):
        answer = call.post("/setup", body(schema=schema))
    assert f"{answer.status_code} {answer.reason_phrase}".startswith(reason)
    project = Project.objects.get(uid=UID)
    process_events.process_pending_events(project.pk)
    project.refresh_from_db()
    if schema.startswith("<View>"):
        assert project.unserved_reason in reason
    assert project.pipeline == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (None, None),
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ("", None),
        ("any text", "any text"),
        ('"\\u0000"', "\ufffd"),
        (["a"], ["a"]),
    ],
)
def test_extra_params_of_every_kind_are_taken(sent, stored, call):
    assert call.post("/setup", body(extra_params=sent)).status_code == 200
    assert Project.objects.get(uid=UID).extra_params == stored


@pytest.mark.django_db
def test_another_hostname_is_recorded_and_moves_nothing(call, project):
    call.post(
        "/setup",
        body(
            project=project.uid,
            hostname="http://evil.example",
            schema=LABEL_CONFIG.replace("Positive", "Mine"),
        ),
    )
    project.refresh_from_db()
    assert project.other_hostname == "http://evil.example"
    assert project.hostname == "http://localhost:8080"
    assert project.setup_token == ""
    assert not project.events.exists()


@pytest.mark.django_db
def test_our_url_is_remembered_as_called_without_the_key(key):
    caller = Caller(f"/k/{key.plain}", host="127.0.0.1:9090")
    caller.client.defaults["SCRIPT_NAME"] = "/base"
    caller.post("/setup", body())
    assert Project.objects.get(uid=UID).backend_url == "http://127.0.0.1:9090/base"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"project": None},
        {"project": "7"},
        {"project": "7.1; DROP"},
        {"project": 7},
        {"schema": 3},
        {"hostname": ["x"]},
        {"access_token": {}},
    ],
)
def test_an_invalid_field_is_named_and_nothing_is_stored(wrong, call):
    answer = call.post("/setup", body(**wrong))
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["error"]["message"]
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_validate_returns_the_pipeline(call):
    answer = call.post("/validate", {"config": LABEL_CONFIG})
    assert answer.status_code == 200
    assert answer.json()["pipeline"] == "text_classification"
    assert [t["name"] for t in answer.json()["targets"]] == ["label"]
    refused = call.post("/validate", {"config": AUDIO})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "label_config_unserved"
    assert call.post("/validate", {}).status_code == 400


@pytest.mark.django_db
def test_hostile_xml_is_refused_and_nothing_of_it_is_repeated(call):
    bomb = '<!DOCTYPE x [<!ENTITY a "secret">]><View>&a;</View>'
    answer = call.post("/validate", {"config": bomb})
    assert answer.status_code == 400
    assert "secret" not in answer.text + answer.reason_phrase
    assert "DTD" in answer.reason_phrase


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "hostname",
    [
        "http://[",
        "http://ls.example:99999",
        "http://ls.example:port",
        "http://",
        "http://:8080",
        "http://user:secret@ls.example",
        "ftp://ls.example",
    ],
)
def test_an_invalid_address_is_not_pinned(hostname, call):
    assert call.post("/setup", body(hostname=hostname)).status_code == 200
    project = Project.objects.get(uid=UID)
    assert (project.hostname, project.setup_token) == ("", "")
    call.post("/setup", body())
    project.refresh_from_db()
    assert project.hostname == "http://localhost:8080"


@pytest.mark.django_db(transaction=True)
def test_the_pinned_host_knows_the_password_once_it_has_sent_it(call, settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "geheim"
    with_password = Caller(authorization="Basic YW5uYTpnZWhlaW0=")

    def knows_password() -> bool:
        return Project.objects.get(uid=UID).knows_password

    call.post("/setup", body())
    with_password.post("/setup", body(hostname="http://elsewhere:8080"))
    with_password.post("/setup", body(hostname=""))
    assert not knows_password()
    with_password.post("/setup", body())
    call.post("/setup", body())
    assert knows_password()
