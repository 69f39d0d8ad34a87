"""Evaluates a new version on the holdout, and the champion beside it, for every pipeline."""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd

from mlapi import label_types
from mlapi.domain import Prediction, Stored, TargetSpec
from mlapi.eva import functions
from mlapi.eva.execute import execute
from mlapi.eva.functions import ModelFunction
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.run_folder.job import Chosen, ChosenElsewhere, TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import ExemplarRow, MetricRow, OutcomeRow

Model = TypeVar("Model")
Found = TypeVar("Found")
Predictions = TypeVar("Predictions")


@dataclass(frozen=True)
class Version(Generic[Model]):
    """A version to be evaluated: its number in the project, its artifact, and its model."""

    number: int
    artifact: Stored
    model: Model


@dataclass(frozen=True)
class Evaluation:
    """What a TrainingResult has of an evaluation, and what it is compared with the champion by.

    `paired` is None where there was no champion, or one that failed to predict; `own` are the
    targets that the version has learned, each beside itself. `chosen` are the labels that both
    predict, for the parts that come after.
    """

    metrics: list[MetricRow]
    outcomes: list[OutcomeRow]
    out_of_fold: list[OutcomeRow]
    exemplars: list[ExemplarRow]
    primary_metric: str
    own: Sequence[PairedTarget]
    paired: PairedHoldout | None
    chosen: ChosenElsewhere

    @property
    def of_result(self) -> dict[str, Any]:
        """The fields of a TrainingResult that it has."""
        names = ("metrics", "outcomes", "out_of_fold", "exemplars", "primary_metric")
        return {name: getattr(self, name) for name in names}


class Holdout(ABC, Generic[Model, Predictions]):
    """The holdout of a run under today's config, as one pipeline predicts and scores it."""

    primary_metric: str

    @abstractmethod
    def predict(self, version: Version[Model]) -> Predictions | None:
        """The version's predictions, by its EvaDB function; None if it serves no target of today.

        Raises StatementFailed.
        """

    def predict_champion(self, champion: Version[Model]) -> Predictions | None:
        """The champion's predictions; as `predict` unless a pipeline knows them already."""
        return self.predict(champion)

    @abstractmethod
    def metrics(self, predictions: Predictions) -> list[MetricRow]:
        """Of the holdout; with one that is named `primary`, the whole version's."""

    @abstractmethod
    def outcomes(self, predictions: Predictions) -> list[OutcomeRow]:
        """A row for each task and target of the holdout that humans have labelled."""

    def out_of_fold(self) -> list[OutcomeRow]:
        """A row for each training task and target that estimators predicted which had not seen it.

        None by default.
        """
        return []

    def exemplars(self, predictions: Predictions) -> list[ExemplarRow]:
        """Tasks that show what a label means; none by default."""
        return []

    def chosen(self, predictions: Predictions) -> Chosen:
        """The labels that are predicted, where controls of other parts can be shown by them."""
        return {}

    def own(self, predictions: Predictions) -> Sequence[PairedTarget]:
        """The version beside itself, on the tasks of its metrics: the primary one's interval."""
        return self.paired(predictions, predictions).targets

    @abstractmethod
    def paired(self, candidate: Predictions, champion: Predictions | None) -> PairedHoldout:
        """Both on the same tasks; None is a champion that serves nothing of today's config."""


def load_champion(
    job: TrainingJob, load: Callable[[str, str], Any], progress: ProgressWriter
) -> Version[Any] | None:
    """The job's champion; None if there is none, it is another pipeline's, or does not load.

    With today's names of its labels.
    """
    champion = job.champion
    if champion is None or champion.pipeline != job.pipeline:
        return None
    try:
        model = load(str(champion.artifact.path), champion.artifact.sha256)
        model = model.renamed(champion.names) if champion.names else model
    except Exception as e:  # noqa: BLE001 - whatever an artifact raises: it serves nothing
        progress.log(f"The champion {champion.label} does not load: {e}")
        return None
    return Version(champion.number, champion.artifact, model)


def evaluate(
    holdout: Holdout[Model, Predictions],
    job: TrainingJob,
    version: Version[Model],
    champion: Version[Model] | None,
    progress: ProgressWriter,
) -> Evaluation:
    """Evaluate the new version. Raises StatementFailed.

    Only its predictions are needed: what else fails is left out, and the log has the reason.
    `champion` is what `load_champion` found. It is not compared where it fails: an absent
    comparison promotes nothing, one without its predictions would.
    """
    progress.phase("evaluating", 0.8)
    predictions = holdout.predict(version)
    if predictions is None:
        raise ValueError("The new version serves no target of its own config.")
    paired, of_champion = _paired(holdout, job, predictions, champion, progress)
    return Evaluation(
        metrics=optional("The metrics", lambda: holdout.metrics(predictions), [], progress),
        outcomes=optional("The outcomes", lambda: holdout.outcomes(predictions), [], progress),
        out_of_fold=optional("The outcomes out of fold", holdout.out_of_fold, [], progress),
        exemplars=optional("The exemplars", lambda: holdout.exemplars(predictions), [], progress),
        primary_metric=holdout.primary_metric,
        own=optional("The interval", lambda: holdout.own(predictions), [], progress),
        paired=paired,
        chosen=ChosenElsewhere(holdout.chosen(predictions), of_champion),
    )


def optional(
    what: str, compute: Callable[[], Found], otherwise: Found, progress: ProgressWriter
) -> Found:
    """What `compute` returns; `otherwise` where it fails, with the reason in the log."""
    try:
        return compute()
    except Exception as e:  # noqa: BLE001 - a version is made without it
        progress.log(f"{what} could not be evaluated: {type(e).__name__}: {e}")
        progress.log(traceback.format_exc())
        return otherwise


def _paired(
    holdout: Holdout[Model, Predictions],
    job: TrainingJob,
    candidate: Predictions,
    champion: Version[Model] | None,
    progress: ProgressWriter,
) -> tuple[PairedHoldout | None, Chosen]:
    """Both on the same tasks, and the labels that the champion predicts."""
    if job.champion is None:
        return None, {}
    if champion is not None:
        progress.phase("evaluating the champion", 0.9)

    def paired() -> tuple[PairedHoldout | None, Chosen]:
        predictions = None if champion is None else holdout.predict_champion(champion)
        chosen = {} if predictions is None else holdout.chosen(predictions)
        return holdout.paired(candidate, predictions), chosen

    nothing: tuple[PairedHoldout | None, Chosen] = None, {}
    return optional(f"The champion {job.champion.label}", paired, nothing, progress)


def outcome_row(spec: TargetSpec, task: int, answer: Prediction | None, human: Any) -> OutcomeRow:
    """A version's prediction for a task of the holdout, beside the human value."""
    label_type = label_types.of(spec)
    predicted = label_types.value_of(answer) if answer else None
    return OutcomeRow(
        task=task,
        target=spec.name,
        predicted=None if predicted is None else label_type.to_json(predicted),
        score=answer.score if answer else None,
        human=label_type.to_json(human),
        correct=label_type.is_correct(predicted, human),
        human_classes=sorted(label_type.classes(human)),
        predicted_classes=None if predicted is None else sorted(label_type.classes(predicted)),
    )


def predict_table(
    eva: Eva,
    job: TrainingJob,
    version: Version,
    function: type[ModelFunction],
    table: str,
    columns: Sequence[str],
    **setup: str,
) -> pd.DataFrame:
    """Create the version's EvaDB function, and select `id` and its outputs for a table's rows.

    `columns` are the function's arguments; `setup` is what it takes beside the artifact.
    """
    name = identifier(job.function(version.number))
    artifact = {"artifact": str(version.artifact.path), "sha256": version.artifact.sha256}
    clauses = [
        "MODEL_PATH ':artifact' SHA256 ':sha256'",
        *(f"{key.upper()} ':{key}'" for key in setup),
    ]
    execute(
        eva,
        f"CREATE FUNCTION {name} IMPL ':impl' {' '.join(clauses)}",
        {"impl": functions.path(function), **artifact, **setup},
    )
    arguments = ", ".join(map(identifier, columns))
    return execute(eva, f"SELECT id, {name}({arguments}) FROM {identifier(table)}")  # noqa: S608
