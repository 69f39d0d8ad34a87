"""A loaded object detection version: task data in, boxes out.

Imports EvaDB only where a predictor is made without an `evaluate` of its own, because exports have
this module and no EvaDB.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from more_itertools import chunked

from mlapi.domain import InputError, NoPrediction, Prediction, TargetSpec
from mlapi.images.features import InputSource, SizedImage
from mlapi.label_types.labelled_box import LabelledBox, boxes_from_json
from mlapi.pipelines.object_detection.lookalikes import lookalikes
from mlapi.pipelines.object_detection.model import DetectionModel
from mlapi.pipelines.predictor import Evaluate, Predictor

_AT_ONCE = 8


class DetectionPredictor(Predictor):
    """Evaluates the version in this process, by `evaluate`: images and numbers of targets in."""

    def __init__(self, model: DetectionModel, evaluate: Evaluate | None = None) -> None:
        self.model = model
        self.targets = tuple(target.spec for target in model.targets)
        self.nbytes = model.nbytes
        self._evaluate = evaluate or _by_evadb(model)

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: InputSource | None = None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        todays = {spec.name: spec for spec in (self.targets if specs is None else specs)}
        # A few images in memory at once; what is late is left out by the store's deadline.
        return [
            answers
            for some in chunked(rows, _AT_ONCE)
            for answers in self._predict(some, todays, store)
        ]

    def _predict(
        self,
        rows: Sequence[dict[str, Any]],
        todays: Mapping[str, TargetSpec],
        store: InputSource | None,
    ) -> list[dict[str, Prediction | NoPrediction]]:
        numbers = {n: t.spec.name for n, t in enumerate(self.model.targets)}
        served = [n for n, name in numbers.items() if name in todays]
        images: dict[Any, list[Any]] = {}
        found: list[dict[str, Prediction | NoPrediction]] = [{} for _ in rows]
        for number in served:
            spec = todays[numbers[number]]
            if spec.sources not in images:  # several controls on one image
                images[spec.sources] = self.model.input.read_all(rows, spec, store)
            self._add(found, number, spec, images[spec.sources])
        return found

    def _add(
        self,
        found: list[dict[str, Prediction | NoPrediction]],
        number: int,
        spec: TargetSpec,
        images: Sequence[Any],
    ) -> None:
        for answers, image in zip(found, images, strict=True):
            if isinstance(image, InputError):
                answers[spec.name] = NoPrediction(spec.name, image.code, image.message)
        at_hand = [i for i, image in enumerate(images) if isinstance(image, SizedImage)]
        _, all_boxes = self._evaluate([images[i] for i in at_hand], [number for _ in at_hand])
        for i, boxes in zip(at_hand, all_boxes, strict=True):
            answer = self.model.targets[number].answer(spec, _read(boxes))
            served = tuple(region for region in answer.regions if not region.value.candidate)
            found[i][spec.name] = answer._replace(regions=served)

    def suggest(
        self,
        row: dict[str, Any],
        specs: Sequence[TargetSpec],
        drawn: Mapping[str, Any],
        store: InputSource | None,
    ) -> dict[str, Prediction]:
        found = {}
        for number, target in enumerate(self.model.targets):
            spec = next((one for one in specs if one.name == target.spec.name), None)
            if spec is None or not drawn.get(spec.name):
                continue
            (image,) = self.model.input.read_all([row], spec, store)
            if isinstance(image, SizedImage):
                _, (boxes,) = self._evaluate([image], [number])
                candidates = target.named(spec, _read(boxes))
                alike = lookalikes(image, drawn[spec.name], candidates)
                score = min((region.score for region in alike), default=1.0)
                found[spec.name] = Prediction(spec.name, spec.kind, alike, score)
        return found


def _read(found: str) -> list[LabelledBox]:
    """The boxes in what the function found; none in an image that could not be read."""
    return boxes_from_json(json.loads(found).get("boxes", ()))


def _by_evadb(model: DetectionModel) -> Evaluate:
    from mlapi.eva.online import OnlineFunction
    from mlapi.pipelines.object_detection.function import DetectObjects

    function, outputs = DetectObjects(), ["target", "found"]
    function.setup()
    function.model = model
    return OnlineFunction(function, "detect_objects", ["image", "number"], outputs).evaluate
