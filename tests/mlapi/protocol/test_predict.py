"""POST /predict: one entry per task, always; why some are empty is an event."""

import json

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from mlapi import model_cache, serving
from mlapi.domain import Prediction
from mlapi.monitoring import counters
from mlapi.pipelines.version_predictor import VersionPredictor
from registry.models import Event, Project
from tests.factories import LABEL_CONFIG
from tests.mlapi.caller import queries


def tasks(*texts):
    return [{"id": i, "data": {"text": text}} for i, text in enumerate(texts, 1)]


def body(project, tasks, **changes):
    return {
        "tasks": tasks,
        "project": getattr(project, "uid", project),
        "label_config": LABEL_CONFIG,
        "params": {"login": None, "password": None, "context": None},
        **changes,
    }


def labels(answer):
    return [
        entry["result"][0]["value"]["choices"][0] if entry else None
        for entry in answer.json()["results"]
    ]


@pytest.mark.django_db
def test_the_champion_answers_with_valid_regions_and_its_version(call, champion):
    answer = call.post("/predict", body(champion.project, tasks("good fine", "bad awful")))
    assert answer.status_code == 200
    assert labels(answer) == ["Positive", "Negative"]
    assert answer.json()["model_version"] == champion.label
    for entry in answer.json()["results"]:
        assert entry["model_version"] == champion.label
        assert 0.5 < entry["score"] <= 1
        (region,) = entry["result"]
        assert (region["from_name"], region["to_name"], region["type"]) == (
            "label",
            "text",
            "choices",
        )
        assert region["score"] == entry["score"]
    assert not Event.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("uid", ["999.1795420359", "not a uid", "", None])
def test_an_unknown_project_gets_empty_entries(uid, call):
    answer = call.post("/predict", body(uid, tasks("a", "b")))
    assert answer.status_code == 200
    assert answer.json() == {"results": [[], []], "model_version": None}
    assert Event.objects.get().payload["reasons"] == {"project_unknown": [1, 2]}


@pytest.mark.django_db
def test_a_project_without_a_model_gets_empty_entries(call, project):
    answer = call.post("/predict", body(project, tasks("a")))
    assert answer.json() == {"results": [[]], "model_version": None}
    event = Event.objects.get()
    assert event.project == project
    assert (event.source, event.status) == ("predict", "ignored")
    assert event.payload["reasons"] == {"no_model": [1]}
    assert event.outcome == "1 of 1 tasks have no prediction: no_model 1"


# What Python's own json writes for a task's data, and JSON does not have.
NO_JSON = {
    "half an emoji": r'{"text": "good fine \ud83d"}',
    "half an emoji in a name": r'{"\ud83d": 1, "text": "good fine"}',
    "NUL": r'{"text": "good\u0000 fine"}',
    "not a number": '{"n": NaN, "text": "good fine"}',
    "an infinity": '{"n": -Infinity, "text": "good fine"}',
    "too large a float": '{"n": 1e400, "text": "good fine"}',
    "too large a number": '{"n": %s, "text": "good fine"}' % ("1" * 5000),
    "nested too deep": '{"n": %s, "text": "good fine"}' % ("[" * 300 + "]" * 300),
}


@pytest.mark.django_db
@pytest.mark.parametrize("data", NO_JSON.values(), ids=NO_JSON)
def test_a_value_that_is_no_json_affects_no_task(data, call, champion):
    sent = json.dumps(body(champion.project, tasks("good fine", "bad awful", "good fine")))
    answer = call.raw("/predict", sent.replace('{"text": "bad awful"}', data).encode())
    assert answer.status_code == 200
    assert labels(answer) == ["Positive", "Positive", "Positive"]
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_task_that_cannot_be_predicted_affects_no_other(call, champion):
    odd = [
        {"id": 1, "data": {"text": "good fine"}},
        {"id": 2, "data": {}},
        {"id": 3, "data": {"text": None}},
        {"id": 4, "data": {"text": {}}},
        {"id": 5, "data": {"text": {"a": 1}}},
        {"id": 6, "data": None},
        {"id": 7},
        None,
        "text",
        [],
        {"id": 8, "data": {"text": "   "}},
        {"id": {"a": 1}, "data": {"text": None}},
        {"id": 9, "data": {"text": "bad poor"}},
    ]
    answer = call.post("/predict", body(champion.project, odd))
    assert labels(answer) == ["Positive", *[None] * 11, "Negative"]
    assert all(entry == [] for entry in answer.json()["results"][1:-1])
    event = Event.objects.get()
    assert event.payload["tasks"] == 13
    assert event.payload["reasons"] == {
        "field_missing": [2],
        "null": [3, None],
        "not_text": [4, 5],
        "empty": [8],
        "task_invalid": [6, 7, None, None, None],
    }


@pytest.mark.django_db
def test_interactive_mode_answers_an_object_with_a_result_also_when_it_is_empty(call, champion):
    context = {"login": None, "password": None, "context": {"result": []}}
    answer = call.post("/predict", body(champion.project, tasks("good", None), params=context))
    first, second = answer.json()["results"]
    assert first["result"][0]["value"] == {"choices": ["Positive"]}
    assert second == {"result": []}


@pytest.mark.django_db
def test_human_labels_never_reach_the_model(call, champion):
    annotated = tasks("good fine")
    annotated[0]["annotations"] = [
        {
            "result": [
                {
                    "from_name": "label",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": ["Negative"]},
                }
            ]
        }
    ]
    plain = call.post("/predict", body(champion.project, tasks("good fine"))).json()["results"]
    with_annotations = call.post("/predict", body(champion.project, annotated)).json()["results"]
    assert plain[0]["score"] == with_annotations[0]["score"]
    assert labels(call.post("/predict", body(champion.project, annotated))) == ["Positive"]


@pytest.mark.django_db
def test_a_control_that_waits_for_an_untrained_one_is_the_reason(call, champion):
    condition = ' visibleWhen="choice-selected" whenTagName="kind"'
    kind = '<Choices name="kind" toName="text"><Choice value="x"/><Choice value="y"/></Choices>'
    config = LABEL_CONFIG.replace(
        '<Choices name="label"', f'{kind}<Choices name="label"{condition}'
    )
    assert condition in config
    sent = body(champion.project, tasks("good", None), label_config=config)
    assert labels(call.post("/predict", sent)) == [None, None]
    assert Event.objects.get().payload["reasons"] == {"control_hidden": [1], "null": [2]}


@pytest.mark.django_db
def test_regions_are_valid_against_the_config_of_the_request(call, champion):
    renamed = LABEL_CONFIG.replace('"Positive"', '"Glad"')
    answer = call.post(
        "/predict", body(champion.project, tasks("good", "bad"), label_config=renamed)
    )
    assert labels(answer) == [None, "Negative"]
    assert Event.objects.get().payload["reasons"] == {"answer_not_allowed": [1]}
    moved = LABEL_CONFIG.replace("$text", "$body").replace('"text"', '"t"')
    answer = call.post(
        "/predict",
        body(champion.project, [{"id": 1, "data": {"body": "good"}}], label_config=moved),
    )
    assert answer.json()["results"][0]["result"][0]["to_name"] == "t"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("<View", "label_config_invalid"),
        ("<View></View>", "label_config_unserved"),
        (LABEL_CONFIG.replace('"label"', '"other"'), "target_not_trained"),
    ],
)
def test_a_config_that_the_champion_cannot_serve_gets_empty_entries(config, reason, call, champion):
    answer = call.post("/predict", body(champion.project, tasks("good"), label_config=config))
    assert answer.status_code == 200
    assert answer.json() == {"results": [[]], "model_version": champion.label}
    assert Event.objects.get().payload["reasons"] == {reason: [1]}


@pytest.mark.django_db(transaction=True)
def test_fifteen_hundred_tasks_take_as_few_queries_as_one(call, champion):
    call.post("/predict", body(champion.project, tasks("good")))
    queued = OrmQ.objects.count()
    with queries(2):  # the key; the project with its champion
        answer = call.post("/predict", body(champion.project, tasks(*["good", "bad"] * 750)))
    assert labels(answer) == ["Positive", "Negative"] * 750
    with queries(3):  # and one event for all that is empty
        answer = call.post("/predict", body(champion.project, tasks(*["good", None] * 750)))
    assert labels(answer) == ["Positive", None] * 750
    assert Event.objects.count() == 1
    assert OrmQ.objects.count() == queued


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [{"tasks": None}, {"tasks": {}}, {"tasks": "x"}, {"params": []}, {"label_config": 1}]
)
def test_only_a_malformed_body_is_refused(wrong, call, champion):
    answer = call.post("/predict", {**body(champion.project, tasks("good")), **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "body_invalid"


@pytest.mark.django_db
def test_no_tasks_get_no_entries_and_no_event(call, champion):
    answer = call.post("/predict", body(champion.project, [], params=None))
    assert answer.json() == {"results": [], "model_version": champion.label}
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_setup_and_predictions_have_the_same_version_after_a_roll_back(call, champion):
    from registry.actions import champion as actions
    from tests.factories import ModelVersionFactory
    from tests.mlapi.trained import artifact

    second = ModelVersionFactory(
        project=Project.objects.get(pk=champion.project.pk), champion=True, content=artifact(2.0)
    )

    def setup_and_predict():
        setup_body = {"project": champion.project.uid, "schema": LABEL_CONFIG}
        setup = call.post("/setup", setup_body).json()["model_version"]
        predicted = call.post("/predict", body(champion.project, tasks("good"))).json()
        assert predicted["results"][0]["model_version"] == predicted["model_version"] == setup
        return setup, predicted["results"][0]["score"]

    version, lower = setup_and_predict()
    assert version == second.label
    actions.roll_back(champion.project, actor="tester", reason="a test")
    version, higher = setup_and_predict()
    assert version == champion.label
    assert higher > lower


@pytest.mark.django_db
def test_a_database_that_goes_away_while_the_model_predicts_answers_503(
    call, champion, monkeypatch
):
    predictor, calls = model_cache.load(champion), []

    def predict(rows, specs, store):
        calls.append(len(rows))
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(predictor, "predict", predict)
    answer = call.post("/predict", body(champion.project, tasks("good", "bad", "fine")))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "database_unavailable"
    assert calls == [3]


class EmptyModel:
    """A model that is sure that no label applies."""

    targets = ()
    nbytes = 0

    def predict(self, rows, specs=None, store=None):
        return [{"label": Prediction("label", "choices", (), 0.9)} for _ in rows]


@pytest.mark.django_db
def test_a_task_with_nothing_in_it_has_an_empty_entry_and_is_no_failure(
    call, champion, monkeypatch
):
    """An empty result would be stored by Label Studio, and the task counted as done."""
    version = VersionPredictor({"text_classification": EmptyModel()})
    monkeypatch.setattr(serving, "predictor_for", lambda _: version)
    counted = counters.PREDICTED_TASKS.labels("nothing_found")._value
    before = counted.get()
    answer = call.post("/predict", body(champion.project, tasks("good", "bad")))
    assert answer.json() == {"results": [[], []], "model_version": champion.label}
    assert not Event.objects.exists()
    assert counted.get() == before + 2
