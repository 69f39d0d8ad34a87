"""A pipeline that reads pixels, which the product does not have: Choices on Image by mean colour.

The option `by_colour` chooses it for a control; other Choices on Image are image classification's.
"""

from dataclasses import dataclass

import numpy as np

from mlapi import pipelines
from mlapi.domain import InputError
from mlapi.eva.open import open_eva
from mlapi.inputs import ImagePixels
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline, RunPlan
from mlapi.pipelines.classification.candidates import Candidate, fit_ridge
from mlapi.pipelines.classification.curve import learning_curve
from mlapi.pipelines.classification.dataset import KeyedInput, Modality
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.classification.training import train
from mlapi.pipelines.images.pipeline import image_of
from mlapi.pipelines.models import READERS
from mlapi.pipelines.options import Option
from mlapi.pipelines.targets import target_spec

SIDE = 20


class MeanColour:
    """The means of red, green and blue, as the pixels have them."""

    kind = "mean_colour"
    nbytes = 0
    size = 3

    def fit_transform(self, inputs):
        return self.transform(inputs)

    def transform(self, inputs):
        assert all(max(image.shape[:2]) <= SIDE for image in inputs)
        return np.stack([image.mean(axis=(0, 1)) / 255 for image in inputs])

    def to_parts(self):
        return {}

    @classmethod
    def from_parts(cls, parts):
        return cls()


@dataclass(frozen=True)
class RidgeOnColours(Candidate):
    name: str = "mean colour, linear"

    def fit(self, inputs, labels, n_labels, shape):
        return fit_ridge(MeanColour(), inputs, labels, n_labels, shape, 0.01)


class PixelModality(Modality):
    pipeline = "toy_colours"
    noun = "image"
    column = "pixels"
    column_type = "image"
    candidates = (RidgeOnColours(),)

    def __init__(self, job):
        self.input = ColourClassification.input.with_settings(job.input)
        self._source = self.input.source_in(job.folder)

    def source(self, target):
        return target.sources

    def read(self, data, target):
        (image,) = self.input.read_all([data], target, self._source)
        if isinstance(image, InputError):
            raise image
        return KeyedInput(image, self._source.content(self.input.read(data, target)))

    def fit_columns(self, inputs, seed):
        raise AssertionError("`plan` says that there is no AutoML.")


class ColourClassification(Pipeline):
    """Choices on Image, by the colour of the images."""

    name = "toy_colours"
    input = ImagePixels(SIDE)
    options = {
        "by_colour": Option(False, lambda v: isinstance(v, bool), "boolean", of_control=True)
    }
    chosen_by = "by_colour"

    def target(self, control, config, options):
        image = image_of(control, config)
        if isinstance(image, str) or control.tag != "Choices" or not options.get(self.chosen_by):
            return "control_not_served"
        return refusals.refusal(control) or target_spec(control, (image,))

    def plan(self, targets, options, history):
        return RunPlan({"automl": False})

    def read_model(self, parts):
        return Classifier.from_parts(self.name, self.input, parts, {MeanColour.kind: MeanColour})

    def predictor(self, model):
        return ClassifierPredictor(model)

    def train(self, job, progress):
        eva = open_eva(job.folder / "eva", progress.statement)
        return train(job, progress, PixelModality(job), eva)

    def learning_curve(self, job, progress, result):
        return learning_curve(job, progress, PixelModality(job), result)


PIPELINE = ColourClassification()


def register(setitem=dict.__setitem__) -> None:
    """List it; `setitem` is monkeypatch's in a process that has other tests."""
    setitem(pipelines.PIPELINES, PIPELINE.name, PIPELINE)
    setitem(READERS, PIPELINE.name, PIPELINE.read_model)
