"""Writes job.json, which says to the child process what to train."""

import json
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.forms.models import model_to_dict

from mlapi import pipelines
from mlapi.domain import Match
from mlapi.training import automl
from registry import artifacts
from registry.errors import EvalsError
from registry.models import ModelVersion, TrainingRun

log = structlog.get_logger(__name__)


def write(
    folder: Path,
    run: TrainingRun,
    matched: Match,
    number: int,
    champion: ModelVersion | None,
) -> dict[str, Any]:
    """Write `folder/job.json` and return what it says. The run's parameters go before options."""
    pipeline = pipelines.get(matched.pipeline)
    # What was set for another pipeline, which the label config asked for before, says nothing now.
    stored = {k: v for k, v in run.project.options.items() if k in pipeline.option_names}
    options = pipeline.validate_options({**stored, **run.parameters.get("options", {})})
    race, note = automl.decide(run, options)
    job = {
        "project": run.project_id,
        "run": run.pk,
        "number": number,
        "pipeline": matched.pipeline,
        "options": options,
        "targets": [target.to_dict() for target in matched.targets],
        "seed": run.parameters.get("seed", options.get("seed", 0)),
        "time_budget_s": run.parameters.get("time_budget_s")
        or options.get("time_budget_s")
        or settings.TRAIN_TIME_BUDGET_S,
        "automl": race,
        "automl_note": note,
        "champion": _champion(champion, folder),
        "extractor": extractor(matched.pipeline, options),
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    return job


def extractor(pipeline: str, options: dict[str, Any]) -> dict[str, str] | None:
    """What sees the pictures for this pipeline, by its option and its full name; None for texts.

    Raises TrainingFailed where it cannot be had on this machine.
    """
    if not pipelines.get(pipeline).sees:
        return None
    from mlapi.seeing.extractors import extractor as loaded

    return {"features": options["features"], "name": loaded(options["features"]).name}


def extractor_of(version: ModelVersion) -> dict[str, str] | None:
    """What saw the pictures for a version, as it was then."""
    if not version.extractor:
        return None
    options = version.run.parameters.get("options", {}) if version.run else {}
    return {"features": options.get("features", "opencv"), "name": version.extractor}


def _champion(version: ModelVersion | None, folder: Path) -> dict[str, Any] | None:
    """The version to be judged beside, with its artifact in reach.

    `artifact` names no file if the store cannot give it: what cannot be loaded serves nothing.
    """
    if version is None:
        return None
    try:
        path = artifacts.fetch(version)
    except EvalsError:
        log.exception("the champion's artifact cannot be fetched", version=version.label)
        path = folder / "champion-is-missing"
    targets = version.targets.all()
    return {
        "label": version.label,
        "number": version.number,
        "pipeline": version.pipeline,
        "artifact": str(path),
        "extractor": extractor_of(version),
        "config_targets": [model_to_dict(t, exclude=["id", "version"]) for t in targets],
    }
