"""What a prediction pays on its way from the request to the estimator, stage by stage.

    python -m benchmarks.online [--texts 400] [--rounds 400]

In this process, without HTTP, database and other threads: the champion's estimator alone, the
version's predictor (EvaDB's function expression around it), `serving.answer`, and the whole Django
request. Each of these contains the one before it; beside them stands what the estimator takes with
scikit-learn's vectoriser. They take turns in changing order, each with texts of its own. A cell is
the median of the processor's time, so that other work on the machine counts less, and the share of
the request.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from more_itertools import chunked as batched

_FOLDER = tempfile.TemporaryDirectory(prefix="bench-online-")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
    "DATA_DIR": _FOLDER.name,
    "DATABASE_URL": "postgres:///unused",
    "SECRET_KEY": "unused",
    "LOG_LEVEL": "ERROR",
}

import django  # noqa: E402
import numpy as np  # noqa: E402
import orjson  # noqa: E402

from benchmarks.harness import numbers, report  # noqa: E402
from benchmarks.harness import texts as made_up  # noqa: E402
from benchmarks.limits.estimator import of_scikit_learn  # noqa: E402

UID = "1.1700000000"
KEY = "a" * 32  # as long as one
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    + "".join(f'<Choice value="{label}"/>' for label in made_up.LABELS)
    + "</Choices></View>"
)
STAGES = {
    "sklearn": "the estimator with scikit-learn's vectoriser",
    "estimator": "the estimator",
    "predictor": "the predictor: EvaDB's expression around it",
    "answer": "`serving.answer`: with the regions",
    "request": "the whole Django request",
}
SIZES = (1, 8, 100)
_WARM = 10  # rounds that do not count


class Served:
    """A version in memory, as a process serves it that has read its project and loaded it."""

    def __init__(self, texts: int, *, characters: bool) -> None:
        from django.test import RequestFactory
        from django.utils import timezone

        from mlapi import model_cache
        from mlapi.pipelines.version_predictor import VersionPredictor
        from registry.models import AccessKey, ModelVersion, Project

        self.version = ModelVersion(pk=1, project_id=1, number=1, label="v1-000000")
        self.project = Project(pk=1, uid=UID, label_config=CONFIG, champion=self.version)
        self.key = AccessKey(pk=1, name="key", last_used_at=timezone.now())
        model, predictor = _trained(texts, characters)
        self.target = model.targets[0]
        self.sklearn = of_scikit_learn(self.target)
        self.predictor = VersionPredictor({model.pipeline: predictor})
        model_cache._loaded[1] = self.predictor
        self._requests = RequestFactory(headers={"host": "localhost"})
        self._application = _application()

    def stages(self, texts: Sequence[str]) -> dict[str, Callable[[], Any]]:
        """The stages for these texts as one request."""
        from mlapi import serving
        from mlapi.served_config import targets_of

        rows = [{"text": text} for text in texts]
        tasks = [{"id": i, "data": row} for i, row in enumerate(rows)]
        specs = targets_of(self.predictor, CONFIG, {})
        body = orjson.dumps({"project": UID, "label_config": CONFIG, "tasks": tasks})
        return {
            "sklearn": lambda: self.sklearn(texts),
            "estimator": lambda: self.target.probabilities(texts),
            "predictor": lambda: self.predictor.predict(rows, specs),
            "answer": lambda: serving.answer(self.project, CONFIG, tasks),
            "request": lambda: self._request(body),
        }

    def _request(self, body: bytes) -> None:
        path = f"/k/{KEY}/predict"
        request = self._requests.post(path, body, content_type="application/json")
        response = self._application(request)
        if response.status_code != 200:
            raise SystemExit(response.content)

    @contextmanager
    def cached(self) -> Iterator[None]:
        """Key and project are cached, as in a process that listens for changes."""
        from mlapi import registry_cache

        cached = {"project": lambda uid: self.project, "access_key": lambda digest: self.key}
        with mock.patch.multiple(registry_cache, **cached):
            yield


def _trained(n: int, characters: bool) -> tuple[Any, Any]:
    from mlapi.domain import TargetSpec
    from mlapi.pipelines import artifact, get
    from mlapi.pipelines.classification import calibration
    from mlapi.pipelines.classification.model import Classifier, TrainedTarget
    from mlapi.pipelines.text_classification.model import WORD, WORD_CHAR

    texts, labels = zip(*made_up.pairs(n), strict=True)
    spec = TargetSpec("label", "text", "Text", "text", "choice", made_up.LABELS)
    numbers = np.array([made_up.LABELS.index(label) for label in labels])
    estimator = (WORD_CHAR if characters else WORD).fit(texts, numbers, len(spec.labels), "single")
    fitted = calibration.fit(estimator.scores(texts), numbers, "single")
    pipeline = get("text_classification")
    trained = Classifier(pipeline.name, pipeline.input, [TrainedTarget(spec, estimator, fitted)])
    content = artifact.pack(pipeline.name, trained.to_parts())
    model = pipeline.read_model(artifact.unpack(content))
    return model, pipeline.predictor(model)


def _application() -> Callable[[Any], Any]:
    from django.core.handlers.base import BaseHandler

    handler = BaseHandler()
    handler.load_middleware()
    return handler.get_response


def measure(served: Served, batches: Sequence[Sequence[str]]) -> dict[str, list[float]]:
    """By stage the milliseconds of each batch."""
    taken: dict[str, list[float]] = {stage: [] for stage in STAGES}
    stages, order = list(STAGES), random.Random("stages")
    with served.cached():
        # Each stage has texts of its own: none finds what another one has read.
        for own in batched(batches, len(STAGES)):
            order.shuffle(stages)  # what ran before decides what the processor's caches hold
            for stage, texts in zip(stages, own, strict=True):
                call = served.stages(texts)[stage]
                began = time.thread_time()
                call()
                taken[stage].append((time.thread_time() - began) * 1000)
    return taken


def table(served: Served, rounds: int) -> str:
    """A row for each stage, a column for each size of a request."""
    columns: list[dict[str, float]] = []
    for n in SIZES:
        count = max(20, rounds // n)
        some = made_up.texts(n * (count + _WARM) * len(STAGES), seed=1)
        batches = list(batched(some, n))
        taken = measure(served, batches)
        columns.append({stage: numbers.median(ms[_WARM:]) for stage, ms in taken.items()})
    rows = [
        [name, *(f"{c[stage]:.3f} ({c[stage] / c['request']:.0%})" for c in columns)]
        for stage, name in STAGES.items()
    ]
    head = ["ms of the processor", *(f"{n} text{'s' * (n > 1)}" for n in SIZES)]
    return report.table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=400, help="that the version has learned")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--write", metavar="SECTION", help="of docs/performance.md")
    args = parser.parse_args()
    django.setup()
    found = []
    for name, characters in (("words and characters", True), ("words", False)):
        served = Served(args.texts, characters=characters)
        found.append(f"A version that reads {name}:\n\n{table(served, args.rounds)}")
    report.publish("\n".join(found), args.write)


if __name__ == "__main__":
    main()
