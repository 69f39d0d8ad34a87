"""The result of a training, as the registry registers it. Plain values without Django's models.

The training child makes them and has no database, so this module imports nothing.
"""

from dataclasses import dataclass, field
from typing import Any

# Beside `holdout`: training tasks, predicted by estimators that had not seen them, and both splits
# together.
OUT_OF_FOLD, COMBINED = "out_of_fold", "combined"


@dataclass(frozen=True)
class CandidateRow:
    """An algorithm that was tried for a target; `score` is None where it could not be scored.

    `score` is on `n` examples of the training split, `won` marks the one that the version has.
    """

    target: str
    name: str
    score: float | None
    metric: str
    seconds: float
    n: int
    note: str
    won: bool


@dataclass(frozen=True)
class TargetRow:
    """A control of the label config, the labels that the version can give it, and its pipeline.

    `decision` says how one of the labels is predicted where it is not the likeliest.
    """

    name: str
    object_name: str
    object_tag: str
    field: str
    kind: str
    labels: list[str]
    trained: bool = True
    untrained_reason: str = ""
    pipeline: str = ""
    decision: str = ""


@dataclass(frozen=True)
class MetricRow:
    """A metric on `n` tasks, None where it is undefined; without a target of the whole version.

    `step` is k, or the number of training examples of a point of the learning curve.
    """

    name: str
    value: float | None
    n: int
    target: str = ""
    split: str = "holdout"
    label: str = ""
    step: int = 0


@dataclass(frozen=True)
class OutcomeRow:
    """The version's prediction for a task, beside the human label.

    Both are JSON of the target's label type, with the classes in them; None is no prediction.
    """

    task: int
    target: str
    predicted: Any
    score: float | None
    human: Any
    correct: bool
    human_classes: list[str]
    predicted_classes: list[str] | None


@dataclass(frozen=True)
class ExemplarRow:
    """A task that shows what a label stands for where the version did not learn it from humans."""

    target: str
    label: str
    task: int
    score: float


@dataclass(frozen=True)
class TargetComparison:
    """Candidate and champion on the same `n` tasks, by the metric that decides.

    They are those of the holdout, and `n_out_of_fold` training tasks that neither has learned from
    where it predicted them.
    `interval` is the 95 % interval of candidate minus champion. `excluded` tasks have a human
    label that the config does not allow any more. None where nothing could be compared.
    """

    metric: str
    candidate: float | None
    champion: float | None
    difference: float | None
    interval: list[float] | None
    n: int
    excluded: int
    n_out_of_fold: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class Comparison(TargetComparison):
    """The same over all targets; `champion_serves` is whether it serves any of today's config."""

    champion_serves: bool
    targets: dict[str, TargetComparison] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingResult:
    """A new version beside its artifact.

    `comparison` is None where there was no champion, or one that failed to predict.
    `primary_metric` is what the metric `primary` is the mean of, `extractor` the full name of
    what computed its features, `environment` has the versions of the packages by name.
    `primary_interval` is the 95 % interval of that metric, None where it has none.
    `artifact_sha256` is the hash of the artifact that was written and evaluated.
    `outcomes` are of the holdout, `out_of_fold` of training tasks.
    """

    recipe: str
    candidates: list[CandidateRow]
    targets: list[TargetRow]
    metrics: list[MetricRow]
    outcomes: list[OutcomeRow]
    environment: dict[str, str]
    primary_metric: str
    artifact_sha256: str
    primary_interval: list[float] | None = None
    extractor: str = ""
    out_of_fold: list[OutcomeRow] = field(default_factory=list)
    exemplars: list[ExemplarRow] = field(default_factory=list)
    comparison: Comparison | None = None


@dataclass(frozen=True)
class LearningCurve:
    """Metrics of a version's algorithm by the number of training examples."""

    metrics: list[MetricRow]
