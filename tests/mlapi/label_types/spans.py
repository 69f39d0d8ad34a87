"""A label type that the product does not have, and a pipeline that predicts it.

A value is a list of spans of a text, each `{"start", "end", "class"}`: regions with geometry.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlapi import label_types, pipelines
from mlapi.domain import InputError, NoPrediction, Prediction, ScoredValue
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.evaluation.evaluate import Holdout, Version, evaluate, load_champion, outcome_row
from mlapi.evaluation.joined import TrainedPart
from mlapi.inputs import TextInput
from mlapi.label_types.base import LabelType, Region
from mlapi.label_types.label_metrics import row
from mlapi.pipelines import artifact
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.models import READERS, load_model
from mlapi.pipelines.parts import spec_parts
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.result import environment
from registry.training_result import LearningCurve, TrainingResult

METRIC = "span_agreement"


def overlap(one: dict, other: dict) -> float:
    """Intersection over union; 0 for another class."""
    if one["class"] != other["class"]:
        return 0.0
    both = max(0, min(one["end"], other["end"]) - max(one["start"], other["start"]))
    return both / (one["end"] - one["start"] + other["end"] - other["start"] - both)


def in_order(spans) -> list[dict]:
    return sorted(spans, key=lambda s: (s["start"], s["end"], s["class"]))


class Spans(LabelType[list[dict]]):
    name = "spans"
    tags = ("Labels",)
    shape = "spans"
    several = True
    metric = METRIC
    correct_from = 0.75

    def read(self, regions, target):
        spans = [
            {"start": value["start"], "end": value["end"], "class": label}
            for region in regions
            for value in [region["value"]]
            for label in value.get("labels", ())
        ]
        allowed = [span for span in spans if span["class"] in target.labels]
        return None if spans and not allowed else in_order(allowed)

    def consensus(self, votes):
        agreed: list[dict] = []
        for span in (span for vote in votes for span in vote):
            n = sum(any(overlap(span, other) >= 0.5 for other in vote) for vote in votes)
            if 2 * n == len(votes):
                return None
            if 2 * n > len(votes) and not any(overlap(span, other) >= 0.5 for other in agreed):
                agreed.append(span)
        return in_order(agreed)

    def value(self, regions):
        return in_order(region.value for region in regions)

    def write(self, regions, control):
        if any(region.value["class"] not in control.labels for region in regions):
            return None
        return [
            Region(
                "labels",
                {
                    "start": region.value["start"],
                    "end": region.value["end"],
                    "labels": [region.value["class"]],
                },
                region.score,
            )
            for region in regions
        ]

    def classes(self, value):
        return sorted({span["class"] for span in value})

    def renamed(self, value, names: Mapping[str, str]):
        return [self.renamed_region(span, names) for span in value]

    def renamed_region(self, region, names: Mapping[str, str]):
        return region | {"class": names.get(region["class"], region["class"])}

    def from_json(self, stored):
        is_spans = isinstance(stored, list) and all(isinstance(span, dict) for span in stored)
        return stored if is_spans else None

    def agreement(self, predicted, human):
        """The F1 of spans that overlap by half."""
        if not predicted and not human:
            return 1.0
        found = sum(any(overlap(span, other) >= 0.5 for other in human) for span in predicted)
        return 2 * found / (len(predicted) + len(human))

    def _agreements(self, truth, predicted):
        pairs = zip(predicted, truth, strict=True)
        return np.array([0.0 if p is None else self.agreement(p, h) for p, h in pairs])

    def metrics(self, evaluated):
        n = len(evaluated.truth)
        agreements = self._agreements(evaluated.truth, evaluated.predicted)
        held = Counter(cls for value in evaluated.truth for cls in self.classes(value))
        return [
            row(METRIC, agreements.mean() if n else None, n),
            *(row("support", float(k), k, label=cls) for cls, k in sorted(held.items())),
        ]

    def scores(self, truth, predicted):
        agreements = self._agreements(truth, predicted)
        return {METRIC: lambda weights: weights @ agreements / weights.sum(axis=1)}


@dataclass
class SpanModel:
    """The class of each word that was a span."""

    spec: Any
    words: dict[str, str]

    def predict(self, text: str) -> Prediction:
        regions = []
        for word, cls in sorted(self.words.items()):
            start = text.find(word)
            if start >= 0:
                span = {"start": start, "end": start + len(word), "class": cls}
                regions.append(ScoredValue(span, 0.9 if cls == "PER" else 0.7))
        score = min((region.score for region in regions), default=0.8)
        return Prediction(self.spec.name, self.spec.kind, tuple(regions), score)

    def to_parts(self):
        words = sorted(self.words)
        target = {
            "spec": spec_parts(self.spec),
            "needs": [],
            "words": words,
            "classes": [self.words[word] for word in words],
        }
        return {"targets": [target]}

    @classmethod
    def from_parts(cls, parts):
        target = parts.only("targets")
        words = dict(zip(target.texts("words"), target.texts("classes"), strict=True))
        return cls(target.spec(), words)


class SpanPredictor(Predictor):
    nbytes = 1_000

    def __init__(self, model: SpanModel) -> None:
        self.model = model
        self.targets = (model.spec,)

    def predict(self, rows, specs=None, store=None):
        found = []
        for data in rows:
            for spec in specs if specs is not None else self.targets:
                try:
                    found.append({spec.name: self.model.predict(PIPELINE.input.read(data, spec))})
                except InputError as e:
                    found.append({spec.name: NoPrediction(spec.name, e.code, e.message)})
        return found


class SpanHoldout(Holdout[SpanModel, dict[int, Prediction]]):
    primary_metric = METRIC

    def __init__(self, job) -> None:
        self._job = job
        self._spec = job.targets[0]
        self._type = label_types.of(self._spec)
        self._rows = [
            (row, value)
            for row in job.rows
            if row["split"] == "holdout"
            and (value := self._type.from_json(row["labels"].get(self._spec.name))) is not None
        ]
        self._truth = [value for _, value in self._rows]

    def predict(self, version):
        return {
            row["id"]: version.model.predict(PIPELINE.input.read(row["data"], self._spec))
            for row, _ in self._rows
        }

    def _values(self, predictions):
        return [label_types.value_of(predictions[row["id"]]) for row, _ in self._rows]

    def metrics(self, predictions):
        evaluated = label_types.base.Evaluated(
            self._truth, self._values(predictions), self._spec.labels
        )
        rows = self._type.metrics(evaluated)
        primary = replace(rows[0], name="primary")
        return [primary, *(replace(r, target=self._spec.name) for r in rows)]

    def outcomes(self, predictions):
        return [
            outcome_row(self._spec, row["id"], predictions[row["id"]], value)
            for row, value in self._rows
        ]

    def paired(self, candidate, champion):
        both = PairedTarget.of(
            self._spec.name,
            self._spec.kind,
            [row["id"] for row, _ in self._rows],
            self._truth,
            self._values(candidate),
            [None] * len(self._rows) if champion is None else self._values(champion),
        )
        return PairedHoldout([both], champion_serves=champion is not None)


class SpanPipeline(Pipeline):
    """Labels on Text: each word of the training split's spans has its class."""

    name = "toy_spans"
    input = TextInput()

    def target(self, control, config, options):
        texts = [config.objects.get(name) for name in control.to_name]
        if control.tag == "Labels" and texts[0] is not None and texts[0].tag == "Text":
            return target_spec(control, texts)
        return "control_not_served"

    def read_model(self, parts):
        return SpanModel.from_parts(parts)

    def predictor(self, model):
        return SpanPredictor(model)

    def train(self, job, report):
        spec = job.targets[0]
        words = {
            self.input.read(row["data"], spec)[span["start"] : span["end"]]: span["class"]
            for row in job.rows
            if row["split"] == "train"
            for span in row["labels"].get(spec.name, ())
        }
        model = SpanModel(spec, words)
        stored = artifact.save(job.artifact, job.pipeline, model)
        version = Version(job.number, stored, model)
        champion = load_champion(job, load_model, report)
        found = evaluate(SpanHoldout(job), job, version, champion, report)
        result = TrainingResult(
            recipe="words",
            candidates=[],
            targets=[spec.row()],
            **found.of_result,
            environment=environment(),
            artifact_sha256=stored.sha256,
        )
        return TrainedPart(result, found.own, found.paired)

    def learning_curve(self, job, report, result):
        return LearningCurve([])


PIPELINE = SpanPipeline()
# What a product that had them would list: the label type, and the pipeline with its models.
LISTS: list[tuple[dict, Any]] = [
    (label_types.LABEL_TYPES, Spans()),
    (pipelines.PIPELINES, PIPELINE),
]


def register(setitem=dict.__setitem__) -> None:
    """List them; `setitem` is monkeypatch's in a process that has other tests."""
    for known, one in LISTS:
        setitem(known, one.name, one)
    setitem(READERS, PIPELINE.name, PIPELINE.read_model)
