"""A version of several pipelines: each predicts its own targets, and one alone can be lost."""

import pytest

from mlapi import pipelines
from mlapi.domain import InputError, NoPrediction, Prediction
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines import version_predictor
from mlapi.pipelines.artifact import join, split
from mlapi.pipelines.batches import Batches
from mlapi.pipelines.parts import ArtifactInvalid
from tests.mlapi import trained, trained_images
from tests.mlapi.image_files import digits

CONFIG = (
    '<View><Text name="text" value="$text"/><Image name="img" value="$image"/>'
    '<Choices name="label" toName="text"><Choice value="Positive"/><Choice value="Negative"/>'
    '</Choices><Choices name="kind" toName="img">'
    + "".join(f'<Choice value="{label}"/>' for label in trained_images.LABELS)
    + "</Choices></View>"
)
NAMES = ("text_classification", "image_classification")
ROWS = [{"text": "good fine", "image": "http://images/0.png"}]


class Features:
    """The feature vector of the first digit, for every image."""

    def vectors(self, extractor, addresses):
        return [trained_images.features_of(120)[0] for _ in addresses]


class NoFeatures:
    def vectors(self, extractor, addresses):
        return [InputError("image_pending", "Not yet.") for _ in addresses]


def artifact() -> bytes:
    return join(
        {
            "text_classification": trained.artifact(),
            "image_classification": trained_images.artifact(),
        }
    )


def targets(predictor):
    owners = {target.name: target.pipeline for target in predictor.targets}
    return pipelines.targets_of(predictor.pipelines, owners, parse(CONFIG))


def test_each_pipeline_predicts_its_own_targets_of_a_task():
    predictor = version_predictor.load(split(artifact()))
    specs = targets(predictor)
    assert {t.name: t.pipeline for t in specs} == {
        "label": "text_classification",
        "kind": "image_classification",
    }
    (answers,) = predictor.predict(ROWS, specs, Features())
    found = {name: answer.regions[0].value for name, answer in answers.items()}
    assert found == {"label": "Positive", "kind": digits(120)[1][0]}
    assert predictor.nbytes > 0


def test_a_target_without_its_input_leaves_the_other_its_prediction():
    predictor = version_predictor.load(split(artifact()))
    (answers,) = predictor.predict(ROWS, targets(predictor), NoFeatures())
    assert isinstance(answers["label"], Prediction)
    assert answers["kind"].code == "image_pending"


def test_a_pipeline_that_does_not_load_keeps_the_others_from_nothing():
    parts = split(artifact()) | {"image_classification": b"no artifact"}
    predictor = version_predictor.load(parts)
    (answers,) = predictor.predict(ROWS, targets(predictor), Features())
    assert isinstance(answers["label"], Prediction)
    assert isinstance(answers["kind"], NoPrediction)
    assert answers["kind"].code == "part_not_loaded"


def test_a_version_of_which_nothing_loads_says_why():
    with pytest.raises(ArtifactInvalid):
        version_predictor.load(dict.fromkeys(NAMES, b"no artifact"))


def test_a_control_that_was_not_trained_is_that_of_the_first_pipeline_that_would_fill_it():
    names = ("image_similarity", "image_classification")
    options = {"similar_to": "3"}

    def found(trained_for):
        specs = pipelines.targets_of(names, trained_for, parse(CONFIG), options)
        return {t.name: t.pipeline for t in specs}

    assert found({}) == {"kind": "image_similarity"}
    assert found({"kind": "image_classification"}) == {"kind": "image_classification"}


def test_texts_share_a_batch_and_images_which_may_be_downloaded_do_not(monkeypatch):
    predictor = version_predictor.load(split(artifact()))
    specs, shared = targets(predictor), []

    def share(self, predict, rows, specs):
        shared.append(predict(rows, specs))
        return shared[-1]

    monkeypatch.setattr(Batches, "predict", share)
    found = [part.predict_shared(ROWS, specs, Features()) for part in predictor.each]

    assert sorted(name for answers in found for name in answers[0]) == ["kind", "label"]
    assert shared == [answers for answers in found if "label" in answers[0]]


def test_a_control_whose_part_did_not_load_is_not_that_of_another_pipeline():
    """The options choose the pipeline that did not load of the two that could fill the control."""
    parts = {
        "image_classification": trained_images.artifact(),
        "image_similarity": b"no artifact",
    }
    predictor = version_predictor.load(parts)
    looks = '<Choices name="looks" toName="img"><Choice value="a"/><Choice value="b"/></Choices>'
    config = parse(CONFIG.replace("</View>", f"{looks}</View>"))
    owners = {target.name: target.pipeline for target in predictor.targets}
    options = {"controls": {"looks": {"similar_to": "a"}}}

    specs = pipelines.targets_of(predictor.pipelines, owners, config, options)
    (answers,) = predictor.predict(ROWS, specs, Features())

    assert isinstance(answers["kind"], Prediction)
    assert answers["looks"].code == "part_not_loaded"
