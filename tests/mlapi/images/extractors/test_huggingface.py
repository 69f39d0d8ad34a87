"""Features of Hugging Face models: tiny random ones, made here and loaded from a folder."""

import gc
import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mlapi.domain import TrainingFailed
from mlapi.eva.images import evaluate_images
from mlapi.eva.online import OnlineFunction
from mlapi.eva.open import open_eva
from mlapi.images.extractors.loading import check, extractor
from mlapi.images.function import ImageFeaturesFunction
from tests.mlapi import hub_cache
from tests.mlapi.images.extractors import tiny_models
from tests.mlapi.images.extractors.samples import tiles, write_pngs
from tests.mlapi.images.extractors.test_opencv import odd_images

pytestmark = pytest.mark.vision

MODELS = [
    tiny_models.vit,
    tiny_models.vit_classifier,
    tiny_models.resnet,
    tiny_models.yolos,
    tiny_models.clip,
]


@pytest.fixture(params=MODELS, ids=lambda make: make.__name__)
def model_option(request, tmp_path):
    return tiny_models.save(tmp_path / request.param.__name__, request.param)


@pytest.fixture
def vit(tmp_path):
    return tiny_models.save(tmp_path / "vit", tiny_models.vit)


def folder_of(features: str) -> Path:
    return Path(features.removeprefix("hf:"))


def failure(features: str) -> TrainingFailed:
    with pytest.raises(TrainingFailed) as failed:
        extractor(features)
    assert failed.value.hint
    return failed.value


def test_any_image_has_a_vector_of_length_one(model_option):
    made = extractor(model_option)
    images = odd_images()

    rows = made.features(images)

    assert rows.dtype == np.float32
    assert rows.shape == (len(images), made.size)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(made.features(images), rows)
    assert made.features([]).shape == (0, made.size)


def test_a_vector_is_its_images_alone(model_option):
    made = extractor(model_option)
    images = odd_images()

    together = made.features(images)

    for row, image in zip(together, images, strict=True):
        np.testing.assert_allclose(made.features([image])[0], row, atol=1e-5)


def test_images_that_differ_have_vectors_that_differ(model_option):
    first, *_, last = extractor(model_option).features(tiles(64).images)

    assert np.abs(first - last).max() > 1e-3


def test_it_has_the_largest_side_that_it_uses_and_its_size_in_memory(model_option):
    made = extractor(model_option)

    assert 256 <= made.max_side <= 1024
    assert made.nbytes > 10_000


def hash_of(folder: Path) -> str:
    """The hash of all that determines the features: both configs, then the weights."""
    files = ("config.json", "preprocessor_config.json", "model.safetensors")
    whole = b"".join((folder / name).read_bytes() for name in files)
    return hashlib.sha256(whole).hexdigest()[:12]


def test_its_name_has_the_hash_of_the_weights_and_of_how_they_are_used(tmp_path):
    one = tiny_models.save(tmp_path / "a", tiny_models.vit)
    same = tiny_models.save(tmp_path / "b" / "a", tiny_models.vit)
    other = tiny_models.save(tmp_path / "c" / "a", tiny_models.vit, seed=1)

    assert extractor(one).name == f"hf:a@{hash_of(tmp_path / 'a')}"
    assert extractor(same).name == extractor(one).name
    assert extractor(other).name != extractor(one).name
    before = extractor(same).name
    processor = tmp_path / "b" / "a" / "preprocessor_config.json"
    processor.write_text(json.dumps({**json.loads(processor.read_text()), "rescale_factor": 0.5}))
    assert extractor(same).name != before


def test_shards_are_one_model(tmp_path, vit):
    sharded = tiny_models.save(tmp_path / "shards" / "vit", tiny_models.vit, max_shard_size="20KB")
    assert len(list((tmp_path / "shards" / "vit").glob("*.safetensors"))) > 1
    images = tiles(128).images

    rows = extractor(sharded).features(images)

    np.testing.assert_allclose(rows, extractor(vit).features(images), atol=1e-6)


def test_odd_names_of_folders_leave_a_plain_name(tmp_path):
    folder = tmp_path / ('it\'s "ünï" [1] 日本 ' + "x" * 150) / ("y" * 200 + " é")
    made = extractor(tiny_models.save(folder, tiny_models.vit))

    assert made.name.isascii()
    assert set(made.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-:@")
    assert len(made.name) <= 255


def test_untrained_weights_are_no_part_of_the_features(tmp_path):
    """A classifier's file has no pooler; transformers would make one up, another each time."""
    features = tiny_models.save(tmp_path / "classifier", tiny_models.vit_classifier)
    images = tiles(128).images[:3]
    script = (
        "import sys, numpy as np\n"
        "from mlapi.images.extractors.loading import extractor\n"
        "images = np.load(sys.argv[2])\n"
        "np.save(sys.argv[3], extractor(sys.argv[1]).features(list(images)))\n"
    )
    np.save(tmp_path / "images.npy", np.stack(images))
    files = [str(tmp_path / "images.npy"), str(tmp_path / "rows.npy")]

    subprocess.run([sys.executable, "-c", script, features, *files], check=True)

    found = extractor(features).features(images)
    np.testing.assert_allclose(np.load(tmp_path / "rows.npy"), found, atol=1e-5)


def test_threads_that_ask_at_once_get_one_model(vit):
    images, found, barrier = tiles(128).images, [], threading.Barrier(6)

    def ask():
        barrier.wait()
        made = extractor(vit)
        found.append((made, made.features(images)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(made) for made, _ in found}) == 1
    for _, rows in found:
        np.testing.assert_allclose(rows, found[0][1], atol=1e-5)


def test_a_model_is_loaded_once_for_many_statements(tmp_path, vit):
    """EvaDB executes the function's file and makes an instance of it for each statement."""
    images = tiles(128).images
    write_pngs(tmp_path / "png", images)
    eva = open_eva(tmp_path / "eva")
    made = extractor(vit)
    mark = id(made)
    expected = made.features(images)
    del made
    gc.collect()

    for number in range(3):
        table, chosen = f"hf_once_{number}", {"features": vit}
        found = evaluate_images(eva, table, tmp_path / "png", ImageFeaturesFunction, chosen)
        np.testing.assert_allclose(np.stack(list(found.values())), expected, atol=1e-5)

    assert id(extractor(vit)) == mark


def test_a_model_that_nobody_holds_makes_room_for_the_next(tmp_path, vit):
    other = tiny_models.save(tmp_path / "other", tiny_models.resnet)
    held = extractor(vit)

    extractor(other)
    assert extractor(vit) is held
    mark = id(extractor(other))
    del held
    gc.collect()

    assert id(extractor(other)) == mark


def test_a_folder_whose_weights_change_is_loaded_again(vit):
    before = extractor(vit)
    tiny_models.save(folder_of(vit), tiny_models.vit, seed=5)

    assert extractor(vit).name != before.name


def test_online_gives_the_same_vectors(vit):
    images = tiles(128).images[:5]
    online = OnlineFunction(ImageFeaturesFunction(vit), "image_features", ["image"], ["features"])

    (found,) = online.evaluate(images)

    np.testing.assert_allclose(np.stack(found), extractor(vit).features(images), atol=1e-6)


def test_asking_whether_it_can_be_used_loads_nothing(vit):
    script = (
        "import sys\n"
        "from mlapi.images.extractors.loading import check\n"
        "assert check(sys.argv[1]) is None\n"
        "assert check('hf:google/vit-base-patch16-224') is None\n"
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", script, vit], check=True)


def test_a_folder_that_is_no_model_is_missing(tmp_path):
    assert check(f"hf:{tmp_path}/none").code == "model_missing"
    assert "is no folder" in failure(f"hf:{tmp_path}/none").message
    assert "has no config.json" in failure(f"hf:{tmp_path}").message


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_each_file_that_is_lacking_is_named(vit, name):
    (folder_of(vit) / name).unlink()

    assert failure(vit).code == "model_missing"
    assert f"has no {name}" in failure(vit).message


def test_a_shard_that_is_lacking_is_named(tmp_path):
    features = tiny_models.save(tmp_path / "vit", tiny_models.vit, max_shard_size="20KB")
    shard = sorted((tmp_path / "vit").glob("model-*.safetensors"))[1]
    shard.unlink()

    assert failure(features).code == "model_missing"
    assert shard.name in failure(features).message


@pytest.mark.parametrize("index", ["", "[]", '{"weight_map": 5}', '{"weight_map": {"a": 1}}'])
def test_an_invalid_index_is_refused(tmp_path, index):
    features = tiny_models.save(tmp_path / "vit", tiny_models.vit, max_shard_size="20KB")
    (tmp_path / "vit" / "model.safetensors.index.json").write_text(index)

    assert failure(features).code == "model_missing"


def test_pickled_weights_are_not_opened(tmp_path):
    features = tiny_models.save(tmp_path / "vit", tiny_models.vit, safe_serialization=False)

    assert check(features).code == "model_missing"
    assert "pickled weights are not opened" in failure(features).message


def test_weights_that_are_cut_short_are_broken(vit):
    weights = folder_of(vit) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])

    assert failure(vit).code == "model_broken"


def test_weights_of_another_model_are_broken(tmp_path, vit):
    tiny_models.save(tmp_path / "resnet", tiny_models.resnet)
    (tmp_path / "resnet" / "model.safetensors").replace(folder_of(vit) / "model.safetensors")

    assert failure(vit).code == "model_broken"
    assert "has no weights for" in failure(vit).message


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("text", ["", "{}", "[1", '{"model_type": "no_such_model"}'])
def test_an_invalid_config_is_broken(vit, name, text):
    (folder_of(vit) / name).write_text(text)

    assert failure(vit).code == "model_broken"


def test_a_model_of_texts_is_refused(tmp_path):
    features = tiny_models.save(tmp_path / "bert", tiny_models.bert)

    assert failure(features).code == "model_broken"
    assert "makes no features of images" in failure(features).message


def test_a_model_whose_features_differ_each_time_is_refused(tmp_path):
    features = tiny_models.save(tmp_path / "mae", tiny_models.masked_autoencoder)

    assert failure(features).code == "model_broken"
    assert "other features" in failure(features).message


def test_code_that_comes_with_a_model_is_not_run(tmp_path, vit):
    folder = folder_of(vit)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModel": "mine.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nC = M = None\n")

    assert failure(vit).code == "model_broken"
    assert not (tmp_path / "ran").exists()


def test_an_unavailable_model_of_the_hub_is_missing(tmp_path):
    script = (
        "from mlapi.domain import TrainingFailed\n"
        "from mlapi.images.extractors.loading import extractor, check\n"
        "assert check('hf:google/vit-base-patch16-224') is None\n"
        "try:\n"
        "    extractor('hf:google/vit-base-patch16-224')\n"
        "except TrainingFailed as e:\n"
        "    print(e.code, '|', e.message, '|', e.hint)\n"
    )

    code, message, hint = hub_cache.output_of(script, tmp_path, hub_cache.OFFLINE).split(" | ")

    assert code == "model_missing"
    assert "google/vit-base-patch16-224" in message
    assert "hf:FOLDER" in hint


def test_a_model_in_the_hubs_cache_needs_no_network(tmp_path):
    folder = hub_cache.snapshot(tmp_path, "someone", "tiny")
    tiny_models.save(folder, tiny_models.vit)
    script = (
        "from mlapi.images.extractors.loading import extractor\n"
        "print(extractor('hf:someone/tiny').name)"
    )

    found = hub_cache.output_of(script, tmp_path, hub_cache.OFFLINE)

    assert found == f"hf:someone/tiny@{hash_of(folder)}"
