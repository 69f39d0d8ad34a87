"""Freezes what a run learns from, and writes it into the run's folder with the jobs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Max

from mlapi import pipelines
from mlapi.errors import NotServed
from mlapi.inputs.base import Preparation
from mlapi.labelstudio.label_config import InvalidLabelConfig
from mlapi.pipelines import control_options
from mlapi.pipelines.base import CHALLENGER
from mlapi.pipelines.control_options import CONTROLS
from mlapi.pipelines.options import agreed
from mlapi.run_folder.job import TrainingJob
from mlapi.served_config import ServedConfig, resolve
from mlapi.training import dataset, preparation
from mlapi.training.heartbeat import RunLog
from registry.actions import runs
from registry.models import ModelVersion, Project, TrainingRun


@dataclass(frozen=True)
class Frozen:
    """The champion when the dataset was frozen, and the new version's number.

    `preparations` are of what the pipelines read that is not in the tasks' data.
    """

    champion: ModelVersion | None
    number: int
    preparations: Sequence[Preparation]


def freeze(run: TrainingRun, run_log: RunLog, folder: Path) -> Frozen:
    """Freezes the dataset and writes the jobs. Raises InvalidLabelConfig or NotServed."""
    project = run.project
    project.refresh_from_db()
    served = _require_served(project)
    match = served.match
    in_data = all(pipelines.get(name).input.in_data for name in match.pipelines)
    rows: list[dict[str, Any]] = []
    # Only rows whose inputs have to be fetched are read again here; others stay in the file.
    _freeze_dataset(run, run_log, folder, served, (lambda row: None) if in_data else rows.append)
    number = (project.versions.aggregate(Max("number"))["number__max"] or 0) + 1
    jobs = preparation.write_jobs(folder, run, match, number, project.champion)
    runs.set_details(
        run,
        parameters={**run.parameters, **parameters_of(jobs, project.options)},
    )
    for note in dict.fromkeys(note for job in jobs for note in job.notes.values()):
        run_log.write(note)
    preparations = preparation.of_inputs(project, jobs, rows)
    return Frozen(project.champion, number, preparations)


def _require_served(project: Project) -> ServedConfig:
    served = resolve(project.label_config, project.options)
    if not served.is_valid:
        raise InvalidLabelConfig(served.unserved_reason)
    if not served.targets:
        raise NotServed(served.unserved_reason, hint="")
    return served


def _freeze_dataset(
    run: TrainingRun,
    run_log: RunLog,
    folder: Path,
    served: ServedConfig,
    on_row: Callable[[dict[str, Any]], object],
) -> None:
    """Freezes the dataset of what the pipelines learn from, and records both on the run."""
    project = run.project
    learn_from = {pipelines.get(name).learns_from for name in served.match.pipelines}
    frozen = dataset.freeze(
        run,
        served.targets,
        folder,
        "all" if "all" in learn_from else "labelled",
        on_row=on_row,
        on_snapshot=lambda at: runs.set_details(run, snapshot_at=at),
        no_input_key=served.no_input_key(project.uid),
        may_be_empty=any(pipelines.get(t.pipeline).is_pretrained(t) for t in served.targets),
    )
    if project.read_so_far:
        read, of = project.read_so_far
        frozen.counts["read_so_far"] = {"read": read, "of": of}
    if left_out := frozen.counts.get("left_out"):
        run_log.write(f"{left_out} holdout tasks are left out: training tasks have the same input.")
    runs.set_details(
        run,
        # Before the options are checked: a run that fails of these was on this label config too.
        parameters={
            **run.parameters,
            "fingerprint": served.fingerprint,
            "pipeline": served.pipeline,
        },
        dataset_fingerprint=frozen.fingerprint,
        dataset_counts=frozen.counts,
        dataset_file=frozen.file,
    )


def parameters_of(jobs: Sequence[TrainingJob], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the run records of its jobs, and is tried again with."""
    own = {t.name: control_options.own_of(options, t.name) for job in jobs for t in job.targets}
    controls = {name: values for name, values in own.items() if values}
    shared = agreed([job.options for job in jobs])
    return {
        "options": {**shared, CONTROLS: controls} if controls else shared,
        "seed": jobs[0].seed,
        "time_budget_s": sum(job.time_budget_s for job in jobs),
        **agreed([job.parameters for job in jobs]),
        CHALLENGER: any(job.parameters.get(CHALLENGER) for job in jobs),
    }
