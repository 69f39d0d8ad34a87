"""Vectors of texts: stored with tasks by a training and in the background, and read by others."""

import hashlib

import pytest

from mlapi import model_cache, serving
from mlapi.texts import preparation, vectors
from mlapi.texts.encoders.loading import reference
from mlapi.texts.store import TextVectorStore
from mlapi.training import policy, scoring
from mlapi.training.run import carry_out
from registry.actions import project_settings, run_starts, tasks
from registry.models import Feature, Task, TrainingRun
from tests.factories import TaskFactory, mirror
from tests.mlapi.image_projects import WITHOUT_CURVE

from .projects import labelled_project

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.encoder,
    pytest.mark.usefixtures("no_loaded_versions", "forked_trainings"),
]

# No word comes back, so that a version that learns anything reads vectors.
ANIMALS = "dog cat horse cow sheep lion wolf goose duck hen tiger bear mouse frog eagle fox owl"
VEHICLES = (
    "car bus train bicycle lorry tram boat ship plane van taxi ferry canoe scooter jeep truck "
    "helicopter yacht"
)
LABELLED = {
    **dict.fromkeys(ANIMALS.split(), "Positive"),
    **dict.fromkeys(VEHICLES.split(), "Negative"),
}


def state(number, text, label):
    return tasks.TaskState(
        labelstudio_id=number,
        data={"text": text},
        total_annotations=1,
        labels={"label": label},
        input_key=hashlib.sha256(text.encode()).hexdigest(),
    )


def trained(project):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)
    assert (run.state, run.error) == ("succeeded", "")
    project.refresh_from_db()
    return run


def stored_vectors(project) -> set[str]:
    of_encoder = Feature.objects.filter(project=project, extractor__startswith="encoder:minilm@")
    return set(of_encoder.values_list("address", flat=True))


@pytest.fixture
def empty_cache(monkeypatch):
    monkeypatch.setattr(vectors, "_caches", {})


def test_each_text_is_encoded_once_and_its_vector_stays(empty_cache, monkeypatch):
    project = labelled_project({})
    pairs = enumerate(LABELLED.items(), start=1)
    mirror(project, [state(number, text, label) for number, (text, label) in pairs])

    first = trained(project)
    ref = reference("minilm", 64)
    assert first.version.extractor == ref.encoder_name
    assert stored_vectors(project) == set(map(vectors.key, LABELLED))
    counts = first.dataset_counts["texts"]
    assert counts == {"texts": len(LABELLED), "cached": 0, "encoded": len(LABELLED)}

    # A later training encodes what is new; the background what nobody has labelled.
    mirror(project, [state(1001, "a wombat", "Positive")])
    TaskFactory(project=project, labelstudio_id=2001, data={"text": "a submarine"})
    second = trained(project)
    assert second.dataset_counts["texts"]["encoded"] == 1
    assert scoring.score(project.champion_id) > 0
    assert vectors.key("a submarine") in stored_vectors(project)

    # A prediction of a mirrored task encodes nothing, in whatever process it is.
    monkeypatch.setattr(vectors, "_caches", {})
    monkeypatch.setattr(vectors, "_function", lambda ref: pytest.fail("It was encoded again."))
    task = Task.objects.get(project=project, data__text="a submarine")
    model_cache.clear()
    (answer,) = serving.answer(project, "", [{"id": 7, "data": task.data}]).results
    assert answer["result"][0]["value"]["choices"] == ["Negative"]


@pytest.fixture
def many_texts(monkeypatch):
    """A project whose texts are more than a first version waits for."""
    monkeypatch.setattr(preparation, "_WORK_OF_A_FIRST_VERSION", 100)
    project = labelled_project({})
    pairs = enumerate(LABELLED.items(), start=1)
    mirror(project, [state(number, text, label) for number, (text, label) in pairs])
    return project


def test_a_first_version_does_not_wait_for_the_vectors_of_many_texts(empty_cache, many_texts):
    first = trained(many_texts)

    assert first.version.extractor == ""
    assert first.dataset_counts["texts"] == {
        "texts": len(LABELLED),
        "cached": 0,
        "left": len(LABELLED),
        "encoded": 0,
    }
    assert "the others get theirs in the next run" in first.log
    assert f"Learned without the sentence encoder: {len(LABELLED)} texts" in first.log

    next_run = policy.consider(many_texts)
    assert next_run is not None
    second = carry_out(next_run.pk, "worker@test", programs=WITHOUT_CURVE)

    assert (second.state, second.error) == ("succeeded", "")
    assert second.version.extractor == reference("minilm", 64).encoder_name
    assert second.comparison["champion_label"] == first.version.label
    assert second.dataset_counts["texts"]["encoded"] == len(LABELLED)
    assert policy.consider(many_texts) is None


def test_an_encoder_that_does_not_load_has_one_run_follow_the_first_and_no_third(
    empty_cache, many_texts, tmp_path
):
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"no encoder")
    project_settings.configure(many_texts, options={"encoder": str(tmp_path)}, actor="tester")
    first = trained(many_texts)
    assert first.left == {"texts": len(LABELLED)}

    second = carry_out(policy.consider(many_texts).pk, "worker@test", programs=WITHOUT_CURVE)

    assert (second.state, second.error) == ("succeeded", "")
    assert "no sentence encoder that loads" in second.log
    assert (second.same_as, second.left) == (first.version, {})
    assert policy.consider(many_texts) is None


def test_a_first_version_has_its_vectors_where_no_run_would_follow(empty_cache, many_texts):
    project_settings.configure(many_texts, policy={"enabled": False}, actor="tester")

    assert trained(many_texts).version.extractor == reference("minilm", 64).encoder_name


def test_vectors_that_were_stored_before_are_in_the_first_version(empty_cache, many_texts):
    ref = reference("minilm", 64)
    store = TextVectorStore(many_texts, ref, lambda data: [data["text"]])
    texts = list(LABELLED)
    made = dict(zip(map(vectors.key, texts), vectors.vectors_of(ref, texts), strict=True))
    store.save({task.pk: [task.data["text"]] for task in many_texts.tasks.all()}, made)

    first = trained(many_texts)

    assert first.version.extractor == ref.encoder_name
    assert first.dataset_counts["texts"]["cached"] == len(LABELLED)
    assert "left" not in first.dataset_counts["texts"]
