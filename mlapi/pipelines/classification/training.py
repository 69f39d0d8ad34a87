"""Trains a classifier's version in EvaDB: tables, race, artifact, evaluation."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.eva.execute import execute, write_table
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion
from mlapi.pipelines import artifact
from mlapi.pipelines.classification import automl_policy
from mlapi.pipelines.classification import dataset as datasets
from mlapi.pipelines.classification.automl import AutoML
from mlapi.pipelines.classification.dataset import Dataset, Modality
from mlapi.pipelines.classification.evaluation import ClassifierHoldout
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.classification.race import NothingFitted, Raced, examples, race
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.training_result import TargetRow, TrainingResult

_SEVERAL = "automl races on controls with one choice only."


@dataclass
class Learned:
    """What the races came to; `untrained` says why a target has no estimator."""

    raced: dict[str, Raced] = field(default_factory=dict)
    untrained: dict[str, tuple[str, str]] = field(default_factory=dict)


def train(job: TrainingJob, report: ProgressWriter, modality: Modality, eva: Eva) -> TrainingResult:
    """See Pipeline.train. Raises TrainingFailed with not_enough_labels, one_class, not_fitted."""
    report.phase("reading", 0.02)
    dataset = datasets.build(modality, job.rows, job.targets, job.seed)
    _tell_what_was_read(dataset, report)
    tables = _write_tables(eva, job, dataset)
    learned = _learn(eva, job, dataset, tables["train"], report)

    report.phase("saving", 0.75)
    trained = [raced.trained for raced in learned.raced.values()]
    model = Classifier(modality.pipeline, trained, modality.extractor)
    stored = artifact.save(job, model)

    champion = load_champion(job, load_model, report)
    holdout = ClassifierHoldout(eva, job, dataset, tables["holdout"])
    found = evaluate(holdout, job, Version(job.number, stored, model), champion, report)
    return TrainingResult(
        recipe=" / ".join(dict.fromkeys(r.recipe for r in learned.raced.values())),
        candidates=[c for raced in learned.raced.values() for c in raced.candidates],
        targets=[_target(spec, learned) for spec in job.targets],
        **vars(found),
        environment=environment(),
        artifact_sha256=stored.sha256,
        extractor=modality.extractor.name if modality.extractor else "",
    )


def _tell_what_was_read(dataset: Dataset, report: ProgressWriter) -> None:
    noun = dataset.modality.noun
    report.log(f"{len(dataset.train)} training and {len(dataset.holdout)} holdout tasks.")
    without = sum(dataset.unreadable.values())
    if without:
        report.log(f"{without} tasks are without a {noun} and take no part.")
    for target, count in dataset.excluded.items():
        if count:
            report.log(f"{target}: {count} holdout labels are not allowed today: left out.")
    for target in dataset.columns:
        known = datasets.on_both_sides(dataset, target)
        if known:
            report.log(
                f"{target}: {known} {noun}s of the holdout were also learned from, in other tasks: "
                "its numbers flatter it."
            )


def _write_tables(eva: Eva, job: TrainingJob, dataset: Dataset) -> dict[str, str]:
    folds = {c.fold: "integer" for c in dataset.columns.values()}
    names = {split: f"{job.prefix}_{split}" for split in ("train", "holdout")}
    write_table(eva, names["train"], dataset.train, {**dataset.types, **folds})
    write_table(eva, names["holdout"], dataset.holdout, dataset.types)
    return names


def _learn(
    eva: Eva, job: TrainingJob, dataset: Dataset, table: str, report: ProgressWriter
) -> Learned:
    learned = Learned()
    specs = {t.name: _with_learned_labels(t, dataset) for t in job.targets}
    singles = [t for t in specs.values() if t.kind == "single"]
    for i, spec in enumerate(specs.values()):
        done = 0.05 + 0.7 * i / len(specs)
        report.phase(f"racing {spec.name}" if len(specs) > 1 else "racing", done)
        refusal = _refusal(spec, dataset)
        if refusal:
            learned.untrained[spec.name] = refusal
            report.log(f"{spec.name} is not trained. {refusal[1]}")
            continue
        try:
            # Half of the run's budget, shared by the targets that AutoML can race on.
            seconds = job.time_budget_s / 2 / max(1, len(singles))
            raced = _race(eva, job, dataset, table, i, spec, seconds, _teller(report, done, specs))
        except NothingFitted as e:
            learned.untrained[spec.name] = ("not_fitted", f"No recipe could be fitted: {e}")
            report.log(f"{spec.name} is not trained. No recipe could be fitted: {e}")
            continue
        learned.raced[spec.name] = raced
        for c in raced.candidates:
            score = "not scored" if c.score is None else f"macro F1 {c.score:.3f}"
            report.log(f"{spec.name}: {c.name}: {score} in {c.seconds:.1f} s. {c.note}")
    if not learned.raced:
        raise _nothing_learned(learned)
    return learned


def _race(
    eva: Eva,
    job: TrainingJob,
    dataset: Dataset,
    table: str,
    number: int,
    spec: TargetSpec,
    seconds: float,
    tell: Callable[[str], None],
) -> Raced:
    c = dataset.columns[spec.name]
    frame = execute(
        eva,
        f"SELECT id, {c.input}, {c.label}, {c.fold} FROM {table} WHERE {c.fold} >= 0",  # noqa: S608
    )
    # Which rows come first is EvaDB's affair, and a fit depends on it in the last digits.
    frame = frame.set_axis(["id", "input", "label", "fold"], axis=1).sort_values("id")
    given = examples(dataset.modality, spec, frame)
    wants_automl, note = job.parameters[automl_policy.NAME], job.notes.get(automl_policy.NAME, "")
    if spec.kind == "multiple":
        return race(given, None, _SEVERAL if wants_automl else "", 0, tell)
    automl = None
    if wants_automl:
        prefix = f"{job.prefix}_automl_{number + 1}"
        automl = AutoML(eva, dataset.modality, table, c, prefix, spec.labels, job.seed)
    return race(given, automl, note, seconds, tell)


def _teller(
    report: ProgressWriter, done: float, specs: dict[str, TargetSpec]
) -> Callable[[str], None]:
    """Each of a target's fits (two recipes, perhaps AutoML, the refit) moves the progress on."""
    fits = 0

    def tell(name: str) -> None:
        nonlocal fits
        report.phase(f"fitting {name}", done + 0.7 / len(specs) * min(fits, 4) / 5)
        fits += 1

    return tell


def _with_learned_labels(spec: TargetSpec, dataset: Dataset) -> TargetSpec:
    """The labels that the training split has, in the config's order."""
    c = dataset.columns[spec.name]
    given = dataset.train.loc[dataset.train[c.fold] >= 0, c.label].unique()
    seen = {label for text in given for label in datasets.decode(text, spec)}
    return replace(spec, labels=tuple(label for label in spec.labels if label in seen))


def _refusal(spec: TargetSpec, dataset: Dataset) -> tuple[str, str] | None:
    """Code and reason if the training split cannot teach the target anything."""
    c = dataset.columns[spec.name]
    given = dataset.train.loc[dataset.train[c.fold] >= 0, c.label]
    if given.empty:
        noun = dataset.modality.noun
        return "not_enough_labels", f"No training task has a usable label and a {noun}."
    if given.nunique() < 2:
        return "one_class", f"All {len(given)} training labels are the same."
    return None


def _nothing_learned(learned: Learned) -> TrainingFailed:
    codes = {code for code, _ in learned.untrained.values()}
    for code in ("not_fitted", "one_class", "not_enough_labels"):
        if code in codes:
            reasons = "; ".join(f"{t}: {why}" for t, (_, why) in learned.untrained.items())
            return TrainingFailed(code, f"No target can be trained. {reasons}")
    return TrainingFailed("not_enough_labels", "There is no target.")


def _target(spec: TargetSpec, learned: Learned) -> TargetRow:
    raced = learned.raced.get(spec.name)
    return raced.trained.spec.row() if raced else spec.row(learned.untrained[spec.name][1])
