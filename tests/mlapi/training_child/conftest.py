"""Job folders as the parent process writes them."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlapi.domain import Stored, TargetSpec
from mlapi.images.folder_store import read_features
from mlapi.run_folder.dataset import DatasetFile
from mlapi.run_folder.job import Champion, TrainingJob
from mlapi.training.child import carry_out
from registry.json_sanitize import sanitize

_runs = itertools.count(1)


def target(name="topic", kind="choice", labels=("fruit", "sky", "city"), **other) -> dict[str, Any]:
    base = {"object_name": "t", "object_tag": "Text", "field": "text"}
    return {"name": name, "kind": kind, "labels": list(labels), **base, **other}


def task(number: int, text: Any, labels: dict[str, Any], split: str | None = None) -> dict:
    split = split or ("holdout" if number % 5 == 0 else "train")
    return {"id": number, "data": {"text": text}, "labels": labels, "split": split}


def tasks(texts, labels, name="topic") -> list[dict[str, Any]]:
    """Every fifth is in the holdout."""
    return [
        task(i, text, {name: label})
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


@dataclass
class Job:
    folder: Path

    @property
    def artifact(self) -> Path:
        return self.folder / "artifact.bin"

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    @property
    def result(self) -> dict[str, Any]:
        return self.read("result.json")

    @property
    def progress(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "progress.jsonl").open()]

    @property
    def log(self) -> list[str]:
        return [line["log"] for line in self.progress if "log" in line]

    @property
    def statements(self) -> list[str]:
        return [line["statement"]["sql"] for line in self.progress if "statement" in line]

    def train(self) -> dict[str, Any]:
        """Trains in this process, for speed; `start` does it in a process of its own."""
        assert carry_out(self.folder, curve=False) == 0, (self.folder / "error.json").read_text()
        return self.result

    def fail(self) -> dict[str, Any]:
        assert carry_out(self.folder, curve=False) == 1
        assert not (self.folder / "result.json").exists()
        return self.read("error.json")

    def start(self, *arguments: str) -> subprocess.CompletedProcess:
        """Trains in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "mlapi.training.child", str(self.folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "DATABASE_URL": "postgres://nowhere.invalid/none"},
        )

    def metric(
        self, name: str, target: str = "topic", label: str = "", split: str = "holdout"
    ) -> float | None:
        (found,) = [
            m["value"]
            for m in self.result["metrics"]
            if (m["name"], m["target"], m["label"], m["split"]) == (name, target, label, split)
        ]
        return found


@pytest.fixture
def make_job(tmp_path):
    """`make_job(tasks, targets, **job)`: a folder whose run has a number of its own."""

    def make(
        tasks: list[dict],
        targets: list[dict],
        *,
        automl: bool = False,
        automl_note: str = "off",
        **other: Any,
    ) -> Job:
        run = next(_runs)
        folder = tmp_path / f"run-{run}"
        folder.mkdir()
        TrainingJob(
            folder=folder,
            project=90,
            run=run,
            number=other.pop("number", run + 1000),
            pipeline=other.pop("pipeline", "text_classification"),
            targets=tuple(TargetSpec.from_dict(t) for t in targets),
            parameters={"automl": automl},
            notes={"automl": automl_note} if automl_note else {},
            time_budget_s=other.pop("time_budget_s", 10),
            **other,
        ).write()
        with DatasetFile(folder).writing() as write:
            for task in tasks:
                write(sanitize(task))  # as it is in the database
        return Job(folder)

    return make


def with_automl(
    job_of: Callable[[float], Job], budget_s: float
) -> tuple[Job, dict[str, Any], float]:
    """The job of that time budget, or of the first larger one in which AutoML finds a model.

    Its result and its budget: on a busy machine a trial takes more seconds.
    """
    for more in (1, 5, 25):
        job = job_of(budget_s * more)
        result = job.train()
        if result["candidates"][-1]["score"] is not None:
            break
    return job, result, budget_s * more


def champion_of(job: Job, number: int = 1, **other: Any) -> Champion:
    """The finished job as the champion of another."""
    stored = Stored(job.artifact, job.result["artifact_sha256"])
    usual = {"pipeline": "text_classification", "artifact": stored}
    return Champion(label=f"v{number}-abcdef", number=number, **{**usual, **other})


@pytest.fixture(scope="session")
def stored_features():
    """Features of images of earlier tests, as a database stores them."""
    return {}


@pytest.fixture
def image_job(make_job, stored_features):
    """`image_job(files, labels, ...)`: a folder with the files and a task for each.

    With `fresh` no features are stored.
    """
    # Here, because it takes `Job` from this module.
    from tests.mlapi.training_child import image_jobs

    made = []

    def make(
        files,
        labels,
        pipeline="image_classification",
        options=None,
        target=None,
        fresh=False,
        **other,
    ):
        known = [label for label in labels if isinstance(label, str)]
        job = make_job(
            other.pop("tasks", None) or image_jobs.rows(labels),
            [target or image_jobs.spec(known)],
            pipeline=pipeline,
            options={**image_jobs.OPTIONS, **(options or {})},
            input=other.pop("input", image_jobs.INPUT.settings),
            **other,
        )
        made.append(job)
        return image_jobs.put_images(job, files, {} if fresh else stored_features)

    yield make
    for job in made:
        for path in (job.folder / "features").glob("*.npz"):
            extractor, found = read_features(path)
            if extractor == image_jobs.OPENCV.name:
                stored_features.update(found)
