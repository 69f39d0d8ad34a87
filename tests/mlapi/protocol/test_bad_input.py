"""Invalid input to the protocol: the answer is well-formed, and never a server error."""

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlapi.urls import ROUTES
from registry.json_http import REASON_PHRASE_MAX
from tests.factories import LABEL_CONFIG
from tests.mlapi.caller import Caller

POSTED = ["setup", "predict", "webhook", "train", "job_status", "versions", "validate"]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
projects = (
    json_values
    | st.just("1.1795420359")
    | st.fixed_dictionaries(
        {"id": st.integers() | json_values, "created_at": st.text() | st.datetimes().map(str)}
    )
)
bodies = json_values | st.fixed_dictionaries(
    {},
    optional={
        "project": projects,
        "schema": json_values | st.just(LABEL_CONFIG),
        "label_config": json_values | st.just(LABEL_CONFIG),
        "config": json_values | st.just(LABEL_CONFIG),
        "hostname": json_values,
        "access_token": json_values,
        "extra_params": json_values,
        "action": json_values | st.sampled_from(["START_TRAINING", "TASKS_CREATED", "x"]),
        "tasks": json_values
        | st.lists(st.fixed_dictionaries({"id": json_values, "data": json_values})),
        "annotations": json_values,
        "annotation": json_values,
        "params": json_values,
        "job": json_values,
    },
)


def well_formed_body(answer):
    assert answer.status_code < 500, answer.text
    assert answer["Content-Type"] == "application/json"
    assert len(answer.reason_phrase) <= REASON_PHRASE_MAX
    assert answer.reason_phrase.isascii()
    assert "\n" not in answer.reason_phrase
    body = answer.json()
    if answer.status_code >= 400:
        error = body["error"]
        assert set(error) == {"code", "message", "hint", "request_id"}
        assert error["request_id"]
    return body


@pytest.mark.django_db
@pytest.mark.parametrize("route", POSTED)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=bodies)
def test_any_json_gets_a_well_formed_answer(route, body, call):
    well_formed_body(call.raw(f"/{route}", json.dumps(body).encode()))


@pytest.mark.django_db
@pytest.mark.parametrize("route", POSTED)
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=st.binary(max_size=60))
def test_any_bytes_get_a_well_formed_answer(route, body, call):
    well_formed_body(call.raw(f"/{route}", body))


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["is_training", "versions"])
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(project=st.text())
def test_any_query_gets_a_well_formed_answer(route, project, call):
    try:
        project.encode()
    except UnicodeEncodeError:
        return
    assert well_formed_body(call.get(f"/{route}", {"project": project}))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": NotANumber}', "not valid JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b"\x00", "not valid JSON"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "tasks"),
        (b"[" * 100_000, "deeper"),
        (b"[]", "not a JSON object"),
        (b"3", "not a JSON object"),
    ],
)
def test_the_error_of_an_invalid_body_has_the_reason(body, message, call):
    answer = call.raw("/predict", body)
    assert answer.status_code == 400
    assert message in well_formed_body(answer)["error"]["message"]
    assert message in answer.reason_phrase


@pytest.mark.django_db
def test_a_body_is_read_as_json_whatever_it_calls_itself(call):
    for content_type in ("", "text/plain", "application/x-www-form-urlencoded", "nonsense"):
        answer = call.raw("/predict", b'{"tasks": []}', content_type=content_type)
        assert answer.status_code == 200, content_type


@pytest.mark.django_db
def test_a_body_over_the_limit_is_refused_unread(call, settings):
    settings.MAX_REQUEST_MB = 1
    answer = call.raw("/predict", b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "MAX_REQUEST_MB" in answer.reason_phrase
    fits = b'{"tasks": []}'.ljust(1024 * 1024)
    assert call.raw("/predict", fits).status_code == 200


@pytest.mark.django_db
def test_a_chunked_body_is_refused_rather_than_read_as_empty(call):
    answer = call.raw("/webhook", b"", **{"transfer-encoding": "chunked"})
    assert answer.status_code == 411


@pytest.mark.django_db
def test_nothing_from_the_caller_is_in_a_reason_phrase(call):
    poison = "p0ison"
    for route in ROUTES:
        for body in ({poison: poison}, {"project": poison, "tasks": poison, "action": poison}):
            answer = call.post(f"/{route}", body)
            assert poison not in answer.reason_phrase
    assert poison not in call.get(f"/{poison}").reason_phrase


@pytest.mark.django_db
def test_an_internal_error_has_no_traceback_and_logs_it_under_the_request_id(
    call, project, monkeypatch, caplog
):
    def fails(*args, **kwargs):
        raise RuntimeError("an inner secret")

    monkeypatch.setattr("mlapi.ingest.projects.upsert_from_setup", fails)
    answer = call.post("/setup", {"project": project.uid, "schema": LABEL_CONFIG})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "inner secret" not in answer.text + answer.reason_phrase
    logged = [r for r in caplog.records if "protocol_error" in str(r.msg)]
    assert len(logged) == 1
    assert answer.json()["error"]["request_id"] in str(logged[0].msg)


@pytest.mark.django_db
def test_no_secret_is_in_a_row(key, project):
    caller = Caller(f"/k/{key.plain}")
    secrets = {"hostname": "http://localhost:8080", "access_token": "legacy-token"}
    caller.post("/setup", {"project": project.uid, "schema": "<View/>", **secrets})
    caller.post("/webhook", {"action": "X", "project": {"token": "project-token"}, **secrets})
    params = {"login": "a-login", "password": "a-password"}
    caller.post("/predict", {"project": project.uid, "tasks": [{"id": 1}], "params": params})
    caller.post(
        "/train", {"project": project.uid, "annotations": [{}], "params": params, **secrets}
    )
    with connection.cursor() as cursor:
        rows = []
        for table in ("event", "project", "accesskey", "auditentry", "trainingrun"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM registry_{table} t")
            rows += [row for (row,) in cursor.fetchall()]
    stored = "".join(rows)
    assert project.uid in stored
    for secret in (key.plain, "legacy-token", "project-token", "a-login", "a-password"):
        assert secret not in stored


@pytest.mark.django_db
def test_no_secret_is_logged(key, settings, caplog, project):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "anna", "geheim"
    caplog.set_level("DEBUG")
    secrets = {
        "project": project.uid,
        "schema": LABEL_CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "legacy-token",
    }
    Caller(f"/k/{key.plain}").post("/setup", secrets)
    Caller(f"/k/{key.plain}").raw("/setup", b"{")
    Caller(f"/k/{key.plain}x").get("/versions")
    Caller(authorization="Basic YW5uYTpnZWhlaW0=").post("/predict", {"tasks": 3})
    logged = caplog.text + str([vars(record) for record in caplog.records])
    for secret in (key.plain, "geheim", "YW5uYTpnZWhlaW0", "legacy-token"):
        assert secret not in logged
    assert "POST /setup" in logged
