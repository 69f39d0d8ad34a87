"""Judges the new version, and the champion beside it, on the holdout of a run."""

from pathlib import Path
from typing import Any

from mlapi.eva.execute import StatementFailed
from mlapi.eva.open import Eva
from mlapi.eva.tables import write_table
from mlapi.evaluation.classification import row
from mlapi.pipelines.classification import dataset as datasets
from mlapi.pipelines.classification import evaluation
from mlapi.pipelines.classification.dataset import Dataset
from mlapi.pipelines.classification.model import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress_writer import Reporter
from registry.training_result import Comparison


def verdict(
    eva: Eva, job: TrainingJob, dataset: Dataset, table: str, report: Reporter
) -> dict[str, Any]:
    """`metrics`, `outcomes` and `comparison` of the result, for the artifact in the job's folder.

    Both versions answer the holdout `table` through their EvaDB functions.
    """
    candidate = _ask(eva, job, dataset, table, job.number, job.artifact)
    judged = [evaluation.holdout(dataset, spec) for spec in job.targets]
    return {
        **_numbers(job, dataset, judged, candidate),
        "comparison": _comparison(eva, job, dataset, table, judged, candidate, report),
    }


def _ask(
    eva: Eva, job: TrainingJob, dataset: Dataset, table: str, number: int, artifact: Path
) -> dict[str, evaluation.Asked]:
    today = {t.name: t for t in job.targets}
    return evaluation.ask(eva, f"p{job.project}_v{number}", artifact, dataset, table, today)


def _numbers(
    job: TrainingJob,
    dataset: Dataset,
    judged: list[evaluation.Holdout],
    asked: dict[str, evaluation.Asked],
) -> dict[str, Any]:
    metrics, outcomes, scores = [], [], []
    for h in judged:
        if h.spec.name not in asked:
            continue
        rows = evaluation.metrics(h, asked[h.spec.name], dataset, job.seed)
        metrics += rows
        scores += [r.value for r in rows if r.name == "macro_f1" and r.value is not None]
        outcomes += evaluation.outcomes(h, asked[h.spec.name])
    n = len({o.task for o in outcomes})
    metrics.append(row("primary", sum(scores) / len(scores) if scores else None, n))
    return {"metrics": metrics, "outcomes": outcomes}


def _comparison(
    eva: Eva,
    job: TrainingJob,
    dataset: Dataset,
    table: str,
    judged: list[evaluation.Holdout],
    candidate: dict[str, evaluation.Asked],
    report: Reporter,
) -> Comparison | None:
    """None if there is no champion, or one that serves and yet could not be asked."""
    if not job.champion:
        return None
    try:
        champion = _ask_champion(eva, job, dataset, table, report)
    except StatementFailed as e:
        report.log(f"The champion {job.champion.label} could not be judged: {e}")
        return None
    return evaluation.compare(judged, candidate, champion, job.seed)


def _ask_champion(
    eva: Eva, job: TrainingJob, dataset: Dataset, table: str, report: Reporter
) -> dict[str, evaluation.Asked]:
    """What the champion says; nothing if it is another pipeline's, does not load or cannot see."""
    if job.champion.pipeline != job.pipeline:
        return {}
    report.phase("judging the champion", 0.9)
    artifact = job.champion.artifact
    try:
        model = load_model(str(artifact))
    except Exception as e:  # noqa: BLE001 - whatever a pickle raises: it serves nothing
        report.log(f"The champion {job.champion.label} does not load: {e}")
        return {}
    if model.extractor != dataset.modality.extractor:
        table = f"{job.prefix}_holdout_champion"
        modality = dataset.modality.seen_by(model.extractor)
        dataset = datasets.build(modality, job.rows, job.targets, job.seed)
        if all(dataset.holdout[c.input].isna().all() for c in dataset.columns.values()):
            return {}
        write_table(eva, table, dataset.holdout, dataset.types)
    return _ask(eva, job, dataset, table, job.champion.number, artifact)
