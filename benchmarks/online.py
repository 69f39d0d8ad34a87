"""What a prediction pays on its way from the request to the estimator, stage by stage.

    python -m benchmarks.online [--texts 400] [--rounds 200] [--words]

In this process, without HTTP, database and other threads: the champion's estimator alone, the
version's predictor (EvaDB's function expression around it), `serving.answer`, and the whole Django
request. Each stage contains the one before it. They take turns, and a cell is the median in
milliseconds of the processor's time, so that other work on the machine counts less.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from more_itertools import chunked as batched

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
    "DATA_DIR": tempfile.mkdtemp(prefix="bench-online-"),
    "DATABASE_URL": "postgres:///unused",
    "SECRET_KEY": "unused",
    "LOG_LEVEL": "ERROR",
}

import django  # noqa: E402
import numpy as np  # noqa: E402
import orjson  # noqa: E402

from benchmarks.harness import texts as made_up  # noqa: E402

UID = "1.1700000000"
KEY = "a" * 32  # as long as one
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    + "".join(f'<Choice value="{label}"/>' for label in made_up.LABELS)
    + "</Choices></View>"
)
STAGES = ("estimator", "predictor", "answer", "request")


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


def measure(served: Served, batches: Sequence[Sequence[str]]) -> dict[str, float]:
    """By stage the median over the batches, in milliseconds."""
    taken: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with served.cached():
        # Each stage has texts of its own: none finds what another one has read.
        for own in batched(batches, len(STAGES)):
            for stage, texts in zip(STAGES, own, strict=True):
                call = served.stages(texts)[stage]
                began = time.thread_time()
                call()
                taken[stage].append((time.thread_time() - began) * 1000)
    return {stage: statistics.median(times) for stage, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=400, help="that the version has learned")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--words", action="store_true", help="a version that reads words only")
    chosen = parser.parse_args()
    django.setup()
    served = Served(chosen.texts, characters=not chosen.words)
    print(f"{'texts':>5} " + " ".join(f"{stage:>10}" for stage in STAGES) + "   ms; over the last")
    for n in (1, 8, 100):
        rounds = max(20, chosen.rounds // n)
        some = made_up.texts(n * (rounds + 10) * len(STAGES), seed=1)
        batches = list(batched(some, n))
        warm = 10 * len(STAGES)
        measure(served, batches[:warm])
        found = list(measure(served, batches[warm:]).values())
        over = [b - a for a, b in zip(found, found[1:], strict=False)]
        print(
            f"{n:>5} "
            + " ".join(f"{ms:>10.3f}" for ms in found)
            + "   "
            + " ".join(f"{ms:+.3f}" for ms in over),
            flush=True,
        )


if __name__ == "__main__":
    main()
