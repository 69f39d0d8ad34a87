"""A pipeline that reads pixels goes through all of the product, beside the features of the image.

Nothing here is patched but the list of pipelines.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mlapi import model_cache, serving
from mlapi.domain import NoPrediction
from mlapi.mirror import apply_changes
from mlapi.pipelines import artifact as artifacts_of_parts
from mlapi.served_config import resolve
from mlapi.training import load_check, load_check_child, scoring
from mlapi.training.run import carry_out
from registry import artifacts
from registry.actions import project_settings, run_starts
from registry.engine import engine
from registry.models import Feature, Task, TaskScore, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_files import png
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.inputs import colours
from tests.mlapi.labelstudio import webhooks
from tests.mlapi.training.projects import programs_with

__all__ = ["server"]

INKS = {"red": (220, 30, 40), "blue": (40, 30, 220)}
IMAGE = '<Image name="img" value="$image"/>'
INK = '<Choices name="ink" toName="img"><Choice value="blue"/><Choice value="red"/></Choices>'
DIGIT = '<Choices name="digit" toName="img"><Choice value="0"/><Choice value="1"/></Choices>'
CONFIG = f"<View>{IMAGE}{INK}{DIGIT}</View>"
OPTIONS = {"controls": {"ink": {"by_colour": True}}}
PROGRAMS = programs_with(colours)
AGAIN = replace(PROGRAMS, curve=WITHOUT_CURVE.curve)  # the first run has computed one
COUNT = 80
HEIC = b"\0\0\0\x18ftypheic" + bytes(16)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    colours.register(monkeypatch.setitem)


def test_one_image_is_read_by_two_pipelines():
    match = resolve(CONFIG, OPTIONS).match

    assert {t.name: t.pipeline for t in match.targets} == {
        "ink": "toy_colours",
        "digit": "image_classification",
    }
    assert match.unserved == ()


def test_pixels_and_features_of_an_image_are_one_input_key():
    def key(config, options, address):
        served = resolve(config, options)
        return served.derive_labels("1.2026", {"image": address}, (), {}).input_key

    both = key(CONFIG, OPTIONS, "http://host/a.png")
    assert both == key(f"<View>{IMAGE}{DIGIT}</View>", {}, "http://host/a.png")
    assert both == key(f"<View>{IMAGE}{INK}</View>", OPTIONS, "http://host/a.png?token=1")
    assert both != key(CONFIG, OPTIONS, "http://host/b.png")


def _drawn(count: int) -> list[tuple[bytes, str, str]]:
    """Files of zeros and ones, 32 by 32, the same shape in red and in blue; ink and digit."""
    found = load_digits(n_class=2)
    drawn = []
    for number in range(count):
        # Two in a row are one shape in two inks.
        digit = np.kron(found.images[number // 2] / 16, np.ones((4, 4)))[:, :, None]
        ink = ("red", "blue")[number % 2]
        image = 255 * (1 - digit) + np.array(INKS[ink]) * digit
        file = png(np.round(image).astype(np.uint8))
        drawn.append((file, ink, str(found.target[number // 2])))
    return drawn


def _region(control: str, label: str) -> dict:
    value = {"choices": [label]}
    return {"from_name": control, "to_name": "img", "type": "choices", "value": value}


def _put(project, server, *, mistakes: int = 0) -> list[str]:
    """Labelled tasks, the first of them zeros, and two without labels; the addresses of all."""
    addresses, tasks = [], []
    for number, (file, ink, digit) in enumerate(_drawn(COUNT + 2), start=1):
        addresses.append(server.put(f"{number}.png", file))
        digit = "0" if number <= mistakes else digit  # noqa: PLW2901
        result = [_region("ink", ink), _region("digit", digit)]
        made = [webhooks.annotation(number, number, result=result)] if number <= COUNT else []
        data = {"image": addresses[-1]}
        tasks.append(
            webhooks.task(number, data=data, annotations=made, total_annotations=len(made))
        )
    apply_changes.put_whole_tasks(project, tasks)
    return addresses


def _train(project, programs=PROGRAMS) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=programs)
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    project.refresh_from_db()
    return run


def _choices(prediction) -> dict[str, str]:
    return {r["from_name"]: r["value"]["choices"][0] for r in prediction["result"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_loaded_versions", "forked_trainings")
def test_pixels_are_learned_and_served_beside_features_in_one_version(server, tmp_path):
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
    apply_changes.refresh_config(project, CONFIG)
    project_settings.configure(project, options=OPTIONS, actor="tester")
    apply_changes.refresh_stored_config(project)
    addresses = _put(project, server)

    run = _train(project)
    version = project.champion

    assert {t.name: t.pipeline for t in version.targets.all()} == {
        "ink": "toy_colours",
        "digit": "image_classification",
    }
    images = run.dataset_counts["images"]
    assert (images["images"], images["downloaded"], images["unavailable"]) == (COUNT, COUNT, 0)
    assert images["embedded"] == COUNT
    assert version.primary_value > 0.9
    _assert_in_evadb(run)
    _assert_red_green_blue(version)
    _assert_answers(project, server, addresses)
    _assert_load_check(version, tmp_path)

    assert scoring.score(version.pk) == 2
    assert TaskScore.objects.filter(version=version).count() == 2
    task = Task.objects.get(labelstudio_id=3)
    (described,) = engine().describe_tasks(project, [task])
    assert (described["kind"], described["text"]) == ("image", addresses[2])
    assert engine().thumbnail(task)[:2] == b"\xff\xd8"

    # Features are stored by now, and pixels still need the files of all images.
    _put(project, server, mistakes=12)  # else it is the same version
    again = _train(project, AGAIN)
    images = again.dataset_counts["images"]
    assert (images["cached"], images["embedded"], images["unavailable"]) == (COUNT, 0, 0)
    assert set(again.comparison["targets"]) == {"ink", "digit"}
    assert again.comparison["champion_label"] == version.label


def _assert_in_evadb(run) -> None:
    """Table, SELECT, CREATE FUNCTION and SELECT of the part that reads pixels, in that order."""
    ran = [statement["sql"] for statement in run.statements]
    places = [
        next(i for i, sql in enumerate(ran) if re.match(pattern, sql))
        for pattern in (
            r"CREATE TABLE \S+_train \(.*pixels NDARRAY UINT8",
            r"SELECT id, pixels, label.* FROM \S+_train",
            r"SELECT .*\(pixels\)",
        )
    ]
    function = re.search(r"(\w+)\(pixels\)", ran[places[-1]])[1]
    created = next(i for i, sql in enumerate(ran) if f"FUNCTION {function} " in sql)
    assert places == sorted(places)
    assert places[1] < created < places[2]


def _assert_red_green_blue(version) -> None:
    """The model has learned the red pixels in the first channel."""
    predictor = model_cache.predictor_for(version).parts["toy_colours"]
    (target,) = predictor.model.targets
    assert target.spec.labels == ("blue", "red")
    red, _, blue = target.estimator.ridge.coef_.ravel()  # of the second label, red
    assert red > 0 > blue


def _assert_answers(project, server, addresses) -> None:
    sent = [*addresses[-2:], server.put("a.heic", HEIC), f"http://{server.host}/missing.png"]
    tasks = [{"id": COUNT + 1 + n, "data": {"image": a}} for n, a in enumerate(sent)]
    answered = serving.answer(project, CONFIG, tasks)
    digit = _drawn(COUNT + 2)[-1][2]
    assert [_choices(prediction) for prediction in answered.results[:2]] == [
        {"ink": "red", "digit": digit},
        {"ink": "blue", "digit": digit},
    ]
    assert answered.results[2:] == [[], []]
    assert answered.problems == {"image_format": [COUNT + 3], "media_not_found": [COUNT + 4]}

    rows = [(n, task["data"]) for n, task in enumerate(tasks[2:])]
    for answers in serving.predict_mirrored(project, rows):
        pixels, features = answers["ink"], answers["digit"]
        assert isinstance(pixels, NoPrediction)
        assert (pixels.code, pixels.message) == (features.code, features.message)


def _assert_load_check(version, folder) -> None:
    """The check of a stored version reads images of the cache, and tells a wrong model."""
    load_check._write_job(version, folder)
    key, sha256 = artifacts.loaded_from(version)
    path = artifacts.fetch_file(key, sha256)
    load_check_child.check_artifact(folder, path, sha256)
    source = colours.PIPELINE.input.source_in(folder)
    addresses = Feature.objects.filter(project=version.project).values_list("task__data__image")
    read = colours.PIPELINE.input.read_all
    (target,) = [t for t in resolve(CONFIG, OPTIONS).match.targets if t.name == "ink"]
    images = read([{"image": address} for (address,) in addresses], target, source)
    assert sum(isinstance(image, np.ndarray) for image in images) >= load_check.ROWS
    assert set(artifacts_of_parts.split(path.read_bytes())) == {
        "toy_colours",
        "image_classification",
    }
