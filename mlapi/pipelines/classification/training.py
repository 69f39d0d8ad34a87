"""Trains a classifier's version in EvaDB: tables, model selection, artifact, evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mlapi.domain import Prediction, TargetSpec, TrainingFailed
from mlapi.eva.execute import execute, write_table
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion
from mlapi.evaluation.joined import TrainedPart
from mlapi.label_types import shape_of
from mlapi.pipelines import artifact
from mlapi.pipelines.classification import dataset as datasets
from mlapi.pipelines.classification.automl import AutoML
from mlapi.pipelines.classification.dataset import ClassifierDataset, Modality
from mlapi.pipelines.classification.evaluation import ClassifierHoldout
from mlapi.pipelines.classification.examples import read_examples
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.classification.model_selection import NothingFitted, Selection, select_model
from mlapi.pipelines.classification.predictor import answers
from mlapi.pipelines.classification.run_plan import LEFT_OUT, WITH_AUTOML
from mlapi.pipelines.models import load_model
from mlapi.pipelines.options import AS_LIKELY, RARE
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.error_codes import INPUT_HINTS
from registry.training_result import TargetRow, TrainingResult

_SEVERAL = "AutoML is for controls with one choice only."


@dataclass
class Trained:
    """The selection of each trained target; `untrained` has the code and reason of the others.

    `out_of_fold` are, by target and task, predictions by estimators that had not seen the task.
    """

    selections: dict[str, Selection] = field(default_factory=dict)
    untrained: dict[str, tuple[str, str]] = field(default_factory=dict)
    out_of_fold: dict[str, dict[int, Prediction]] = field(default_factory=dict)


def train(job: TrainingJob, progress: ProgressWriter, modality: Modality, eva: Eva) -> TrainedPart:
    """See Pipeline.train. Raises TrainingFailed with not_enough_labels, one_class, not_fitted."""
    progress.phase("reading", 0.02)
    dataset = datasets.build(modality, job.rows, job.targets, job.seed)
    _log_dataset(dataset, progress)
    tables = _write_tables(eva, job, dataset)
    results = _train_targets(eva, job, dataset, tables["train"], progress)

    progress.phase("saving", 0.75)
    trained = [selection.trained for selection in results.selections.values()]
    read = modality.input_of([target.estimator for target in trained])
    model = Classifier(modality.pipeline, read, trained)
    stored = artifact.save(job.artifact, job.pipeline, model)

    champion = load_champion(job, load_model, progress)
    holdout = ClassifierHoldout(
        eva, job, dataset, tables["holdout"], progress.log, results.out_of_fold
    )
    found = evaluate(holdout, job, Version(job.number, stored, model), champion, progress)
    result = TrainingResult(
        recipe=" / ".join(dict.fromkeys(s.candidate for s in results.selections.values())),
        candidates=[c for s in results.selections.values() for c in s.candidates],
        targets=[_target(spec, results) for spec in job.targets],
        **found.of_result,
        environment=environment(),
        artifact_sha256=stored.sha256,
        extractor=read.extractor_name,
    )
    return TrainedPart(result, found.own, found.paired, found.chosen)


def _log_dataset(dataset: ClassifierDataset, progress: ProgressWriter) -> None:
    noun = dataset.modality.noun
    progress.log(f"{len(dataset.train)} training and {len(dataset.holdout)} holdout tasks.")
    progress.unreadable(dataset.unreadable)
    for code, count in dataset.unreadable.most_common():
        tasks = "1 task has" if count == 1 else f"{count} tasks have"
        progress.log(f"{tasks} no {noun} that can be read: {code}. {INPUT_HINTS.get(code, '')}")
    for target, count in dataset.excluded.items():
        if count:
            progress.log(f"{target}: {count} holdout labels are not allowed today: left out.")
    for target in dataset.columns:
        shared = datasets.count_shared_inputs(dataset, target)
        if shared:
            progress.log(
                f"{target}: {shared} {noun}s of the holdout are in training tasks too: "
                "the scores are too high."
            )


def _write_tables(eva: Eva, job: TrainingJob, dataset: ClassifierDataset) -> dict[str, str]:
    folds = {c.fold: "integer" for c in dataset.columns.values()}
    names = {split: f"{job.prefix}_{split}" for split in ("train", "holdout")}
    write_table(eva, names["train"], dataset.train, {**dataset.types, **folds})
    write_table(eva, names["holdout"], dataset.holdout, dataset.types)
    return names


def _train_targets(
    eva: Eva, job: TrainingJob, dataset: ClassifierDataset, table: str, progress: ProgressWriter
) -> Trained:
    results = Trained()
    specs = {t.name: _with_learned_labels(t, dataset) for t in job.targets}
    singles = [t for t in specs.values() if shape_of(t) == "single"]
    for i, spec in enumerate(specs.values()):
        done = 0.05 + 0.7 * i / len(specs)
        what = f"selecting a model for {spec.name}" if len(specs) > 1 else "selecting a model"
        progress.phase(what, done)
        refusal = _refusal(spec, dataset)
        if refusal:
            results.untrained[spec.name] = refusal
            progress.log(f"{spec.name} is not trained. {refusal[1]}")
            continue
        try:
            # Half of the run's budget, shared by the targets that AutoML can be trained on.
            seconds = job.time_budget_s / 2 / max(1, len(singles))
            on_fit = _progress(progress, done, specs)
            # Four of them fit into the run's limit: two candidates, AutoML and the refit.
            limit = job.time_limit_s / 4 / len(specs)
            selection, out_of_fold = _select(
                eva, job, dataset, table, i, spec, seconds, limit, on_fit
            )
        except NothingFitted as e:
            results.untrained[spec.name] = ("not_fitted", f"No candidate could be fitted: {e}")
            progress.log(f"{spec.name} is not trained. No candidate could be fitted: {e}")
            continue
        results.selections[spec.name] = selection
        results.out_of_fold[spec.name] = out_of_fold
        for c in selection.candidates:
            score = "not scored" if c.score is None else f"macro F1 {c.score:.3f}"
            progress.log(f"{spec.name}: {c.name}: {score} in {c.seconds:.1f} s. {c.note}")
    if not results.selections:
        raise _nothing_trained(results, dataset)
    return results


def _select(
    eva: Eva,
    job: TrainingJob,
    dataset: ClassifierDataset,
    table: str,
    number: int,
    spec: TargetSpec,
    seconds: float,
    limit_s: float,
    on_fit: Callable[[str], None],
) -> tuple[Selection, dict[int, Prediction]]:
    c = dataset.columns[spec.name]
    frame = execute(
        eva,
        f"SELECT id, {c.input}, {c.label}, {c.fold} FROM {table} WHERE {c.fold} >= 0",  # noqa: S608
    )
    # EvaDB returns rows in any order, and a fit depends on it in the last digits.
    frame = frame.set_axis(["id", "input", "label", "fold"], axis=1).sort_values("id")
    of_config = {target.name: target.labels for target in job.targets}[spec.name]
    unlearned = len(set(of_config) - set(spec.labels))
    examples = read_examples(dataset.modality, spec, frame, unlearned)
    left_out = job.parameters.get(LEFT_OUT, ())
    wants_automl, note = job.parameters[WITH_AUTOML], job.notes.get(WITH_AUTOML, "")
    automl = None
    if shape_of(spec) == "multiple":
        wants_automl, note, seconds = False, _SEVERAL if wants_automl else "", 0
    if wants_automl:
        prefix = f"{job.prefix}_automl_{number + 1}"
        automl = AutoML(eva, dataset.modality, table, c, prefix, spec.labels, job.seed)
    is_balanced = job.options.get(RARE) != AS_LIKELY
    selection = select_model(
        examples, automl, note, seconds, on_fit, limit_s, left_out, is_balanced
    )
    return selection, _out_of_fold(selection, frame["id"].tolist())


def _out_of_fold(selection: Selection, tasks: Sequence[int]) -> dict[int, Prediction]:
    if selection.out_of_fold is None:
        return {}
    weights = selection.out_of_fold_weights
    found = answers(selection.trained.spec, selection.out_of_fold, weights=weights)
    return {task: answer for task, answer in zip(tasks, found, strict=True) if answer is not None}


def _progress(
    progress: ProgressWriter, done: float, specs: dict[str, TargetSpec]
) -> Callable[[str], None]:
    """Advances the progress with each fit of a target: two candidates, AutoML, the refit."""
    fits = 0

    def on_fit(name: str) -> None:
        nonlocal fits
        progress.phase(f"fitting {name}", done + 0.7 / len(specs) * min(fits, 4) / 5)
        fits += 1

    return on_fit


def _with_learned_labels(spec: TargetSpec, dataset: ClassifierDataset) -> TargetSpec:
    """The labels that the training split has, in the config's order."""
    c = dataset.columns[spec.name]
    values = dataset.train.loc[dataset.train[c.fold] >= 0, c.label].unique()
    learned = {label for text in values for label in datasets.classes(text, spec)}
    return replace(spec, labels=tuple(label for label in spec.labels if label in learned))


def _refusal(spec: TargetSpec, dataset: ClassifierDataset) -> tuple[str, str] | None:
    """Code and reason if nothing can be learned for the target from the training split."""
    c = dataset.columns[spec.name]
    labels = dataset.train.loc[dataset.train[c.fold] >= 0, c.label]
    if labels.nunique() >= 2:
        return None
    code = "not_enough_labels" if labels.empty else "one_class"
    if _unread_classes(spec.name, dataset):
        noun = dataset.modality.noun
        those = "No training task" if labels.empty else "Training tasks of one class only"
        verb = "has" if labels.empty else "have"
        why = ", ".join(f"{reason} {n}" for reason, n in dataset.unreadable.most_common())
        return code, f"{those} with a usable label {verb} a {noun} that can be read: {why}."
    if labels.empty:
        return code, "No training task has a usable label."
    return code, f"All {len(labels)} training labels are the same."


def _unread_classes(target: str, dataset: ClassifierDataset) -> bool:
    """Whether there are classes that only tasks have of which nothing can be read."""
    c = dataset.columns[target]
    readable = dataset.train.loc[dataset.train[c.fold] >= 0, c.label]
    return int(readable.nunique()) < int(dataset.train[c.label].nunique())


def _nothing_trained(results: Trained, dataset: ClassifierDataset) -> TrainingFailed:
    codes = {code for code, _ in results.untrained.values()}
    for code in ("not_fitted", "one_class", "not_enough_labels"):
        if code in codes:
            reasons = "; ".join(f"{t}: {why}" for t, (_, why) in results.untrained.items())
            hint = None
            of_code = [target for target, (of, _) in results.untrained.items() if of == code]
            unread = any(_unread_classes(target, dataset) for target in of_code)
            if unread and code != "not_fitted":
                # More labels are no cure where what is labelled cannot be read.
                hint = INPUT_HINTS.get(dataset.unreadable.most_common(1)[0][0])
            return TrainingFailed(code, f"No target can be trained. {reasons}", hint=hint)
    return TrainingFailed("not_enough_labels", "There is no target.")


def _target(spec: TargetSpec, results: Trained) -> TargetRow:
    selection = results.selections.get(spec.name)
    if selection is None:
        return spec.row(results.untrained[spec.name][1])
    return replace(selection.trained.spec.row(), decision=selection.decision)
