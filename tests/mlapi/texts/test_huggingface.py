"""Sentence encoders of transformers: tiny random ones, made here and loaded from a folder."""

import importlib.util
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mlapi.domain import InvalidOption, TrainingFailed
from mlapi.pipelines import get
from mlapi.texts import vectors
from mlapi.texts.encoder_process import messages, process
from mlapi.texts.encoder_process.client import EncoderClient
from mlapi.texts.encoders import loading
from mlapi.texts.refs import EncoderRef
from tests.conftest import VISION
from tests.mlapi import hub_cache
from tests.mlapi.texts import tiny_bert

WORDS = ["the", "cat", "sleeps", "on", "sofa", "a", "dog", "barks", "and", "is", "here"]
CAT = "the cat sleeps on the sofa"
LONG = " ".join(WORDS[n % 7] for n in range(500))
ODD = ["", "   ", "x", "a", CAT, "猫在沙发上睡觉。", "\u0000\ud800", LONG]


@pytest.fixture(autouse=True)
def no_loaded_models(monkeypatch):
    """The tests' models have equal names, and a process loads what has one name once."""
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setattr(loading, "_verified", set())


@pytest.fixture
def bert(tmp_path):
    return tiny_bert.save(tmp_path / "bert", WORDS)


def folder_of(encoder: str) -> Path:
    return Path(encoder.removeprefix("hf:"))


def loaded(encoder: str, tokens: int = 64):
    return loading.encoder_for(loading.reference(encoder, tokens))


def failure(encoder: str, tokens: int = 64) -> TrainingFailed:
    with pytest.raises(TrainingFailed) as failed:
        loaded(encoder, tokens)
    assert failed.value.hint
    return failed.value


@pytest.mark.vision
def test_any_text_has_a_vector_of_length_one_which_depends_on_it_alone(bert):
    encoder = loaded(bert)

    together = encoder.encode(ODD)

    assert together.shape == (len(ODD), 16) and together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    for text, vector in zip(ODD, together, strict=True):
        assert vector == pytest.approx(encoder.encode([text])[0], abs=1e-5)
    assert encoder.encode([]).shape == (0, 16)


@pytest.mark.vision
def test_a_vector_is_the_mean_of_the_last_hidden_states(bert):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder_of(bert))(CAT, return_tensors="pt")
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(folder_of(bert)).eval()(**tokens).last_hidden_state
    mean = hidden[0].mean(dim=0).numpy()

    assert loaded(bert).encode([CAT])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


@pytest.mark.vision
def test_a_long_text_is_the_mean_of_its_windows(bert):
    words = LONG.split()
    vector, read, first = loaded(bert).encode(
        [LONG, " ".join(words[: 4 * 62]), " ".join(words[:62])]
    )

    assert vector == pytest.approx(read, abs=1e-5)  # what follows four windows is not read
    assert np.abs(vector - first).max() > 1e-4


@pytest.mark.vision
def test_its_name_has_the_hash_of_all_that_makes_its_vectors(tmp_path):
    one = tiny_bert.save(tmp_path / "bert", WORDS)
    same = tiny_bert.save(tmp_path / "b" / "bert", WORDS)
    other = tiny_bert.save(tmp_path / "c" / "bert", WORDS, seed=1)
    ref = loading.reference(one, 64)

    assert ref.encoder_name.startswith("encoder:hf:bert@") and ref.encoder_name.endswith("/64")
    assert loading.reference(same, 64).encoder_name == ref.encoder_name
    assert loading.reference(other, 64).encoder_name != ref.encoder_name
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        before = loading.reference(same, 64).encoder_name
        path = folder_of(same) / name
        path.write_text(json.dumps({**json.loads(path.read_text()), "of_nobody": 1}))
        assert loading.reference(same, 64).encoder_name != before


@pytest.mark.vision
def test_an_encoder_that_is_another_one_today_is_refused(bert):
    ref = EncoderRef(bert, "encoder:hf:bert@0123456789ab/64")

    for use in (loading.encoder_for, loading.require):
        with pytest.raises(TrainingFailed) as failed:
            use(ref)
        assert failed.value.code == "encoder_changed"


@pytest.mark.vision
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_each_file_that_is_lacking_is_named(bert, name):
    ref = loading.reference(bert, 64)
    (folder_of(bert) / name).unlink()

    assert loading.unavailable(bert).code == "encoder_missing"
    with pytest.raises(TrainingFailed) as failed:
        loading.require(ref)
    assert (failed.value.code, failure(bert).code) == ("encoder_missing", "encoder_missing")
    assert f"has no {name}" in failed.value.message
    assert name in failed.value.hint


@pytest.mark.vision
def test_pickled_weights_are_not_opened(tmp_path):
    encoder = tiny_bert.save(tmp_path / "bert", WORDS, safe_serialization=False)

    assert "pickled weights are not opened" in failure(encoder).message


@pytest.mark.vision
def test_code_that_comes_with_a_model_is_not_run(tmp_path, bert):
    folder = folder_of(bert)
    own = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModel": "mine.M"}}
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | own))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nC = M = None\n")

    assert failure(bert).code == "encoder_broken"
    assert not (tmp_path / "ran").exists()


@pytest.mark.vision
def test_weights_that_are_cut_short_or_lacking_are_broken(bert):
    weights = folder_of(bert) / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-100])
    assert failure(bert).code == "encoder_broken"

    from safetensors.numpy import load, save

    weights.write_bytes(save({k: v for k, v in load(content).items() if "layer.1" not in k}))
    found = failure(bert)
    assert found.code == "encoder_broken" and "has no weights for" in found.message


@pytest.mark.vision
def test_a_model_that_reads_fewer_tokens_than_a_window_has_is_refused(tmp_path):
    encoder = tiny_bert.save(tmp_path / "bert", WORDS, positions=32)

    assert loaded(encoder, tokens=32).encode([LONG]).shape == (1, 16)
    assert failure(encoder, tokens=64).code == "encoder_broken"


@pytest.mark.vision
def test_a_model_of_images_is_refused(tmp_path, bert):
    from tests.mlapi.images.extractors import tiny_models

    images = folder_of(tiny_models.save(tmp_path / "vit", tiny_models.vit))
    for name in ("config.json", "model.safetensors"):
        (images / name).replace(folder_of(bert) / name)

    assert failure(bert).code == "encoder_broken"


@pytest.mark.vision
def test_an_unavailable_model_of_the_hub_is_missing(tmp_path):
    script = (
        "from mlapi.domain import TrainingFailed\n"
        "from mlapi.texts.encoders.loading import reference, unavailable\n"
        "assert unavailable('hf:intfloat/multilingual-e5-small') is None\n"
        "try:\n"
        "    reference('hf:intfloat/multilingual-e5-small', 64)\n"
        "except TrainingFailed as e:\n"
        "    print(e.code, '|', e.message, '|', e.hint)\n"
    )

    code, message, hint = hub_cache.output_of(script, tmp_path, hub_cache.OFFLINE).split(" | ")

    assert code == "encoder_missing"
    assert "intfloat/multilingual-e5-small" in message
    assert "hf:FOLDER" in hint


@pytest.mark.vision
def test_a_model_in_the_hubs_cache_is_the_same_without_the_hub(tmp_path):
    saved = tiny_bert.save(hub_cache.snapshot(tmp_path, "someone", "tiny"), WORDS)
    script = (
        "from mlapi.texts.encoders.loading import encoder_for, reference\n"
        "encoder = encoder_for(reference('hf:someone/tiny', 64))\n"
        "print(encoder.name, encoder.size)"
    )

    found = hub_cache.output_of(script, tmp_path, hub_cache.UNREACHABLE)

    digest = loading.reference(saved, 64).encoder_name.partition("@")[2]
    assert found == f"encoder:hf:someone/tiny@{digest} 16"


@pytest.mark.vision
def test_asking_whether_it_can_be_used_and_naming_it_loads_nothing(bert):
    script = (
        "import sys\n"
        "from mlapi.texts.encoders import loading\n"
        "assert loading.unavailable(sys.argv[1]) is None\n"
        "loading.require(loading.reference(sys.argv[1], 64))\n"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", script, bert], check=True)


@pytest.mark.vision
def test_the_encoder_process_makes_its_vectors(bert, monkeypatch):
    monkeypatch.setattr(vectors, "_caches", {})
    ref = loading.reference(bert, 64)
    sender, receiver = messages.calls()
    with sender, receiver:
        serving = threading.Thread(target=process.run, args=(receiver, 1, 0.5))
        serving.start()
        found = EncoderClient(sender).vectors(ref, ODD)
        serving.join()

    assert np.stack(found) == pytest.approx(loading.encoder_for(ref).encode(ODD), abs=1e-5)


@pytest.mark.vision
def test_a_project_may_name_a_folder_or_a_name_on_the_hub(bert, tmp_path):
    validate = get("text_classification").validate_options

    for encoder in (bert, "hf:intfloat/multilingual-e5-small"):
        assert validate({"encoder": encoder})["encoder"] == encoder
    with pytest.raises(InvalidOption, match="is no folder"):
        validate({"encoder": f"hf:{tmp_path}/none"})


@pytest.mark.skipif(
    all(map(importlib.util.find_spec, VISION)), reason="the vision extra is installed"
)
def test_without_the_extra_the_command_is_named():
    with pytest.raises(InvalidOption) as failed:
        get("text_classification").validate_options({"encoder": "hf:someone/some-model"})

    assert "torch" in failed.value.message
    assert "pip install -r requirements-vision.txt" in failed.value.hint
    assert failure("hf:someone/some-model").code == "vision_missing"
