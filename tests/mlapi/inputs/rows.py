"""An input that the product does not have, and a pipeline that learns from it.

A row of numbers, each of a field of its own: `<Measure value="$width"/>` beside another one.
"""

from dataclasses import dataclass

import numpy as np

from mlapi import pipelines
from mlapi.domain import InputError
from mlapi.eva.open import open_eva
from mlapi.inputs import Input
from mlapi.labelstudio.references import filled
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline, RunPlan
from mlapi.pipelines.classification.candidates import Candidate, fit_ridge
from mlapi.pipelines.classification.curve import learning_curve
from mlapi.pipelines.classification.dataset import Modality
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.classification.predictor import ClassifierPredictor
from mlapi.pipelines.classification.training import train
from mlapi.pipelines.image_classification.features import Vectors, fit_columns
from mlapi.pipelines.models import READERS
from mlapi.pipelines.targets import target_spec


@dataclass(frozen=True)
class Row(Input):
    """The numbers of all objects that a control is on."""

    medium = "row"
    batch_size = 50

    def read(self, task_data, target):
        values = [filled(source.value, task_data) for source in target.sources]
        if not all(isinstance(value, int | float) for value in values):
            raise InputError("not_numbers", "The task has no row of numbers.")
        return np.array(values, dtype=np.float32)

    def key(self, value):
        return " ".join(map(str, value.tolist()))

    def display_text(self, task_data, target):
        return " x ".join(f"{value:g}" for value in self.read(task_data, target))


class RidgeOnRows(Candidate):
    name = "rows, linear"

    def fit(self, inputs, labels, n_labels, shape):
        return fit_ridge(Vectors(), inputs, labels, n_labels, shape)


class RowModality(Modality):
    pipeline = "toy_rows"
    input = Row()
    noun = "row"
    column = "numbers"
    column_type = "vector"
    candidates = (RidgeOnRows(),)

    def source(self, target):
        return target.sources

    def fit_columns(self, inputs, seed):
        return fit_columns(inputs, seed)


class RowClassification(Pipeline):
    """Choices on Measures."""

    name = "toy_rows"
    input = Row()
    modules = ("mlapi.pipelines.image_classification.model",)

    def target(self, control, config, options):
        found = refusals.objects_of(control, config)
        if isinstance(found, str) or any(tag.tag != "Measure" for tag in found):
            return "control_not_served"
        return refusals.refusal(control) or target_spec(control, found)

    def plan(self, targets, options, history):
        return RunPlan({"automl": False})

    def read_model(self, parts):
        return Classifier.from_parts(self.name, self.input, parts, {Vectors.kind: Vectors})

    def predictor(self, model):
        return ClassifierPredictor(model)

    def train(self, job, progress):
        return train(job, progress, RowModality(), open_eva(job.folder / "eva", progress.statement))

    def learning_curve(self, job, progress, result):
        return learning_curve(job, progress, RowModality(), result)


PIPELINE = RowClassification()


def register(setitem=dict.__setitem__) -> None:
    """List it; `setitem` is monkeypatch's in a process that has other tests."""
    setitem(pipelines.PIPELINES, PIPELINE.name, PIPELINE)
    setitem(READERS, PIPELINE.name, PIPELINE.read_model)
