"""How good an image similarity version is: asked through its EvaDB function, each task of others.

No task is its own reference here, so what carries the label is judged by its fellows.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlapi.domain import Answer
from mlapi.eva import functions
from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.evaluation import comparison
from mlapi.evaluation.classification import row
from mlapi.pipelines.image_similarity.function import NearestReferences
from mlapi.pipelines.image_similarity.model import SimilarityModel, index_of, load_model
from mlapi.pipelines.images.seen import SeenPictures
from mlapi.pipelines.images.table import write_pictures
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress_writer import Reporter
from registry.f1 import f1_by_label, indicators, macro_f1
from registry.training_result import Comparison, ExemplarRow, MetricRow, OutcomeRow

SHOWN = 100  # of the tasks that are most like a reference, kept to be shown


@dataclass
class Examples:
    """All tasks with a picture, in the order of their ids.

    `humans` are sets of labels, None where nobody said anything of the control.
    """

    tasks: np.ndarray
    vectors: np.ndarray
    humans: list[frozenset[str] | None]
    holdout: np.ndarray
    label: str

    @cached_property
    def carries(self) -> np.ndarray:
        """(n,) whether each is a reference."""
        return np.array([h is not None and self.label in h for h in self.humans])

    @cached_property
    def judged(self) -> np.ndarray:
        """(n,) whether each is in the holdout and was labelled."""
        return self.holdout & np.array([h is not None for h in self.humans])


def judge(
    eva: Eva,
    job: TrainingJob,
    examples: Examples,
    model: SimilarityModel,
    k: int,
    seen: SeenPictures,
    report: Reporter,
) -> dict[str, Any]:
    """`metrics`, `outcomes`, `exemplars` and `comparison` of the result."""
    said = _ask(eva, f"p{job.project}_v{job.number}", job.artifact, f"{job.prefix}_tasks")
    answers = {task: _without_itself(model, task, said) for task in examples.tasks.tolist()}
    judged = [i for i, there in enumerate(examples.judged) if there]
    return {
        "metrics": [
            r if r.name == "primary" else replace(r, target=model.spec.name)
            for r in _metrics(examples, judged, answers, k)
        ],
        "outcomes": [_outcome(examples, i, answers, model) for i in judged],
        "exemplars": _exemplars(examples, answers, model),
        "comparison": _comparison(eva, job, examples, judged, answers, model, seen, report),
    }


def _ask(
    eva: Eva, function: str, artifact: Path, table: str
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    execute(
        eva,
        f"CREATE FUNCTION {identifier(function)} IMPL ':impl' MODEL_PATH ':artifact'",
        {"impl": functions.path(NearestReferences), "artifact": str(artifact)},
    )
    found = execute(eva, f"SELECT id, {function}(features) FROM {identifier(table)}")  # noqa: S608
    columns = (found[name].tolist() for name in ("id", "tasks", "nearness"))
    return {task: (ids, near) for task, ids, near in zip(*columns, strict=True)}


def _without_itself(
    model: SimilarityModel, task: int, said: dict[int, tuple[np.ndarray, np.ndarray]]
) -> Answer | None:
    ids, near = said[task]
    return model.answer(near[ids != task])


def _metrics(
    examples: Examples, judged: list[int], answers: dict[int, Answer | None], k: int
) -> list[MetricRow]:
    n = len(judged)
    truth, said = _binary(examples, judged, answers)
    labels = _classes(examples.label)
    known, told = indicators(truth, labels), indicators(said, labels)
    f1 = macro_f1(known, told) if n else None
    precision, by_chance, queries = precision_at_k(examples, k)
    hits = int((known[:, 0] * told[:, 0]).sum()) if n else 0
    given, answered = (int(m[:, 0].sum()) if n else 0 for m in (known, told))
    always = indicators([(labels[1],)] * n, labels)
    return [
        row("primary", f1, n),
        row("macro_f1", f1, n),
        row("baseline_macro_f1", macro_f1(known, always) if n else None, n),
        row("precision_at_k", precision, queries, step=k),
        row("baseline_precision_at_k", by_chance, queries, step=k),
        row("references", float(examples.carries.sum()), len(examples.tasks)),
        row("precision", hits / answered if answered else None, answered, label=examples.label),
        row("recall", hits / given if given else None, given, label=examples.label),
        row("f1", f1_by_label(known, told)[0] if n else None, given, label=examples.label),
        row("support", float(given), given, label=examples.label),
    ]


def precision_at_k(examples: Examples, k: int) -> tuple[float | None, float | None, int]:
    """Of each judged task's k nearest labelled others, the share that has a label in common.

    The mean over the judged tasks that carry any label; what it would be if the others were
    drawn by chance; and how many were judged. Manning et al., Introduction to Information
    Retrieval, 2008, section 8.4.
    """
    there = [i for i, human in enumerate(examples.humans) if human]
    queries = [i for i in there if examples.judged[i]]
    k = min(k, len(there) - 1)
    if not queries or k < 1:
        return None, None, 0
    labels = sorted({label for i in there for label in examples.humans[i] or ()})
    matrix = indicators([tuple(examples.humans[i] or ()) for i in there], labels)
    place = {i: n for n, i in enumerate(there)}
    _, found = index_of(examples.vectors[there]).search(examples.vectors[queries], k + 1)
    shares, chances = [], []
    for query, nearest in zip(queries, found, strict=True):
        own = place[query]
        others = [n for n in nearest if n != own][:k]
        alike = (matrix @ matrix[own]) > 0
        shares.append(alike[others].mean())
        chances.append((alike.sum() - 1) / (len(there) - 1))
    return float(np.mean(shares)), float(np.mean(chances)), len(queries)


def _classes(label: str) -> list[str]:
    return [label, f"not {label}"]


def _binary(
    examples: Examples, judged: list[int], answers: dict[int, Answer | None]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """What humans and what the version said of each judged task: the label, or not."""
    yes: tuple[str, ...] = (_classes(examples.label)[0],)
    no: tuple[str, ...] = (_classes(examples.label)[1],)
    truth = [yes if examples.carries[i] else no for i in judged]
    said = [yes if answers.get(int(examples.tasks[i])) else no for i in judged]
    return truth, said


def _outcome(
    examples: Examples, i: int, answers: dict[int, Answer | None], model: SimilarityModel
) -> OutcomeRow:
    single = model.spec.kind == "single"
    human = sorted(examples.humans[i] or ())
    answer = answers[int(examples.tasks[i])]
    said = [examples.label] if answer else []
    return OutcomeRow(
        task=int(examples.tasks[i]),
        target=model.spec.name,
        predicted=(said[0] if said else None) if single else said,
        score=answer.score if answer else None,
        human=(human[0] if human else "") if single else human,
        correct=bool(answer) == bool(examples.carries[i]),
    )


def _exemplars(
    examples: Examples, answers: dict[int, Answer | None], model: SimilarityModel
) -> list[ExemplarRow]:
    """The tasks that would get the label and do not carry it, the most similar first."""
    found = [
        (answer.score, int(task))
        for task, carries in zip(examples.tasks, examples.carries, strict=True)
        if not carries and (answer := answers[int(task)])
    ]
    found.sort(key=lambda one: (-one[0], one[1]))
    return [
        ExemplarRow(model.spec.name, examples.label, task, score) for score, task in found[:SHOWN]
    ]


def _comparison(
    eva: Eva,
    job: TrainingJob,
    examples: Examples,
    judged: list[int],
    answers: dict[int, Answer | None],
    model: SimilarityModel,
    seen: SeenPictures,
    report: Reporter,
) -> Comparison | None:
    """None without a champion. One of another pipeline or of another label serves nothing."""
    if not job.champion:
        return None
    theirs = _champion(eva, job, model, seen, report)
    truth, said = _binary(examples, judged, answers)
    _, champion = _binary(examples, judged, theirs or {})
    tasks = [int(examples.tasks[i]) for i in judged]
    both = comparison.Judged(model.spec.name, tasks, truth, list(said), list(champion))
    return comparison.compare([both], champion_serves=theirs is not None, seed=job.seed)


def _champion(
    eva: Eva,
    job: TrainingJob,
    model: SimilarityModel,
    seen: SeenPictures,
    report: Reporter,
) -> dict[int, Answer | None] | None:
    if job.champion.pipeline != job.pipeline:
        return None
    report.phase("judging the champion", 0.9)
    artifact = job.champion.artifact
    try:
        theirs = load_model(str(artifact))
    except Exception as e:  # noqa: BLE001 - whatever a pickle raises: it serves nothing
        report.log(f"The champion {job.champion.label} does not load: {e}")
        return None
    if theirs.label != model.label or theirs.spec.name != model.spec.name:
        return None
    function = f"p{job.project}_v{job.champion.number}"
    if theirs.extractor == model.extractor:
        said = _ask(eva, function, artifact, f"{job.prefix}_tasks")
        return {task: _without_itself(theirs, task, said) for task in said}
    table = f"{job.prefix}_tasks_champion"
    if not write_pictures(eva, table, job.rows, model.spec, theirs.extractor, seen):
        return None
    said = _ask(eva, function, artifact, table)
    return {task: _without_itself(theirs, task, said) for task in said}
