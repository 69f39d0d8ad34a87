"""Tries a stored version: can it be fetched, verified, loaded and asked, in a fresh process?"""

import json
import tempfile
from pathlib import Path

import orjson
import structlog
from django.forms.models import model_to_dict

from mlapi.pipelines.base import TargetSpec
from mlapi.training import folder as folders
from mlapi.training import supervise
from mlapi.training.supervise import ChildError, Limits, program
from registry import artifacts
from registry.errors import EvalsError
from registry.models import ModelVersion, Task

log = structlog.get_logger(__name__)

_ROWS = 10
_SECONDS = 300


def loads_in_a_fresh_process(version: ModelVersion) -> bool:
    """Whether the version could serve. What keeps it from that is logged.

    A process of its own, because what does not load may take its process with it.
    """
    folders.home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=folders.home()) as work:
        folder = Path(work)
        try:
            artifact = artifacts.fetch(version)
            _write_job(version, folder)
            supervise.supervise(
                program("mlapi.training.verify", str(folder), str(artifact)),
                folder,
                Limits(_SECONDS, Limits.from_settings().memory_mb),
                on_progress=lambda lines: None,
                checkpoint=lambda: None,
            )
        except ChildError as error:
            log.error("does not load", version=version.label, error=why(error, folder))
            return False
        except EvalsError as error:
            log.error("does not load", version=version.label, error=error.message)
            return False
    return True


def why(error: ChildError, folder: Path) -> str:
    """What the verifying program said of itself, else how it ended."""
    tail = supervise.output_tail(folder).strip()
    try:
        return str(json.loads(tail.splitlines()[-1])["message"])
    except (IndexError, ValueError, KeyError, TypeError):
        return f"{error.message} {tail}".strip()


def _write_job(version: ModelVersion, folder: Path) -> None:
    """The version as it was trained, and some labelled tasks to ask it."""
    targets = [TargetSpec.from_dict(model_to_dict(t)) for t in version.targets.all()]
    job = {
        "project": version.project_id,
        "run": version.run_id,
        "number": version.number,
        "pipeline": version.pipeline,
        "targets": [target.to_dict() for target in targets],
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    labelled = Task.objects.filter(
        project=version.project_id, split="train", deleted_at__isnull=True
    ).exclude(labels={})
    with open(folder / "dataset.jsonl", "wb") as rows:
        for task in labelled.order_by("pk")[:_ROWS]:
            row = {"id": task.pk, "data": task.data, "labels": task.labels, "split": task.split}
            rows.write(orjson.dumps(row) + b"\n")
