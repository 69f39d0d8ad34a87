"""Quality of each text candidate and of the model selection, by set, number of labels and seed.

`python -m benchmarks.text_quality [--labels 20 50] [--seeds 1] [--test 300] [--sets ...]`. The sets
are those of `benchmarks/text_sets.py`, fetched into `--folder`; one that cannot be had is left out,
with the reason. Beside the candidates stand the recipe from before the sentence encoder, a ridge on
TF-IDF of words and of characters 3 to 5, and that of Label Studio's own text classifier, logistic
regression on TF-IDF of words, which `benchmarks/peer/model.py` has. With the defaults it takes
some minutes; `make bench-texts` is the whole. Quality does not depend on other processes, seconds
do.
"""

import argparse
import functools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.harness import report
from benchmarks.text_sets import DEFAULT_FOLDER, ENGLISH, SETS, Pairs
from mlapi.domain import TargetSpec
from mlapi.inputs.text.input import DEFAULT, TextInput
from mlapi.pipelines.classification import calibration, dataset
from mlapi.pipelines.classification.candidates import Candidate
from mlapi.pipelines.classification.examples import TargetExamples, read_examples
from mlapi.pipelines.classification.model_selection import select_model
from mlapi.pipelines.text_classification.encoding import with_sentence_vectors
from mlapi.pipelines.text_classification.model import LinearCandidate, TextModality
from mlapi.texts.vectors import vectors_of
from registry.statistics import macro_f1

_CLASSES = 8
_LEAST = 40  # texts of a class
_POOL = 1_200  # texts of a set from which the seeds draw
BEFORE, OFFICIAL, SELECTION = "before the encoder", "official", "model selection"
_OLD = LinearCandidate(BEFORE, ("words without marks", "characters 3-5"))
METRICS = ("accuracy", "macro F1", "log loss", "ECE", "seconds")
Predict = Callable[[Sequence[str]], np.ndarray]


def sampled(pairs: Pairs, most: int) -> tuple[list[str], np.ndarray, list[str]]:
    """Texts and label numbers of the commonest classes, shuffled, and the classes."""
    counts = Counter(label for _, label in pairs)
    classes = sorted(name for name, n in counts.most_common(_CLASSES) if n >= _LEAST)
    kept = [pair for pair in dict(pairs).items() if pair[1] in classes]
    order = np.random.default_rng(0).permutation(len(kept))[:most]
    numbers = {name: number for number, name in enumerate(classes)}
    texts = [kept[i][0] for i in order]
    return texts, np.array([numbers[kept[i][1]] for i in order]), classes


@functools.cache
def modality() -> TextModality:
    """With the sentence encoder, if it is installed."""
    return with_sentence_vectors(
        TextInput().for_options({"encoder": DEFAULT, "encoder_tokens": 64})
    )


def measured(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1, log loss and expected calibration error (ten bins)."""
    best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = best == labels
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [
        (bins == b).mean() * abs(right[bins == b].mean() - sure[bins == b].mean())
        for b in np.unique(bins)
    ]
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-6, 1)
    truth = np.eye(probabilities.shape[1])
    return {
        "accuracy": float(right.mean()),
        "macro F1": macro_f1(truth[labels], truth[best]) or 0.0,
        "log loss": float(-np.log(own).mean()),
        "ECE": float(sum(gaps)),
    }


def runs(name: str, pairs: Pairs, sizes: list[int], seeds: int, test: int) -> Iterator[dict]:
    """A row for each recipe, by size and seed. Each text is encoded once, which no row pays."""
    texts, labels, classes = sampled(pairs, _POOL + test)
    encoder = modality().input.encoder
    if encoder is not None:
        vectors_of(encoder, texts)
    held, learned = slice(0, test), np.arange(test, len(texts))
    for size in (s for s in sizes if s <= len(learned)):
        for seed in range(seeds):
            rows = np.random.default_rng(seed).permutation(learned)[:size]
            names = sorted({classes[labels[i]] for i in rows})
            spec = TargetSpec("label", "text", "Text", "text", "choice", tuple(names))
            frame = pd.DataFrame(
                {
                    "input": [texts[i] for i in rows],
                    "label": [classes[labels[i]] for i in rows],
                    "fold": dataset.folds([classes[labels[i]] for i in rows], seed),
                }
            )
            examples = read_examples(modality(), spec, frame, len(classes) - len(names))
            columns = [classes.index(label) for label in names]
            for what, fit in fits(examples):
                started = time.perf_counter()
                predict, chose = fit()
                seconds = time.perf_counter() - started
                found = predict(texts[held])
                unlearned = max(0.0, 1 - float(found.sum(axis=1).max()))
                probabilities = np.full(
                    (test, len(classes)), unlearned / max(1, examples.unlearned)
                )
                probabilities[:, columns] = found
                numbers = measured(probabilities, labels[held])
                of = {"set": name, "labels": size, "seed": seed, "what": what, "chose": chose}
                yield {**of, **numbers, "seconds": seconds}


def fits(examples: TargetExamples) -> Iterator[tuple[str, Callable[[], tuple[Predict, str]]]]:
    """By name what fits each recipe; candidates are calibrated as a version is."""
    everything = np.ones(len(examples.inputs), dtype=bool)

    def calibrated(candidate: Candidate, shrunk: bool = True) -> tuple[Predict, str]:
        scores = examples.out_of_fold(candidate)
        found = calibration.fit(scores, examples.labels, "single", examples.unlearned)
        if not shrunk:
            found = calibration.Temperature(found.temperature)
        estimator = examples.fit(candidate, everything)
        return lambda texts: found.probabilities(estimator.scores(texts)), ""

    def official() -> tuple[Predict, str]:
        vectors = TfidfVectorizer(ngram_range=(1, 3), token_pattern=r"(?u)\b\w\w+\b|\w")
        pipeline = make_pipeline(vectors, LogisticRegression(C=10))
        return pipeline.fit(examples.inputs, examples.labels).predict_proba, ""

    def selection() -> tuple[Predict, str]:
        found = select_model(examples, None, "", 0)
        return found.trained.probabilities, found.candidate

    yield BEFORE, functools.partial(calibrated, _OLD, shrunk=False)
    yield OFFICIAL, official
    n_labels = len(examples.spec.labels)
    for candidate in examples.modality.candidates_for(examples.inputs, n_labels):
        yield candidate.name, functools.partial(calibrated, candidate)
    yield SELECTION, selection


def tables(rows: pd.DataFrame) -> str:
    """Means over the sets, and each set's accuracy, as markdown."""
    parts = []
    languages = {"in English": True, "in other languages": False}
    for language, english in languages.items():
        some = rows[rows["set"].isin(ENGLISH) == english]
        if not some.empty:
            parts.append(_means(some, f"sets {language}"))
    parts.append(_of_sets(rows))
    parts.append(_chosen(rows))
    return "\n".join(parts)


def _means(rows: pd.DataFrame, sets: str) -> str:
    """Of the recipes that all of the sets have."""
    n_sets = rows.groupby("labels")["set"].nunique()
    lines = []
    for (labels, what), some in rows.groupby(["labels", "what"], sort=False):
        if some["set"].nunique() == n_sets[labels]:
            mean = some.groupby("set")[list(METRICS)].mean().mean()
            before = rows[(rows["labels"] == labels) & (rows["what"] == BEFORE)]
            more = mean["accuracy"] - before.groupby("set")["accuracy"].mean().mean()
            numbers = [f"{mean[name]:.3f}" for name in METRICS[:-1]]
            lines.append(
                [str(labels), what, *numbers, f"{mean['seconds']:.2f}", f"{100 * more:+.1f}"]
            )
    head = ["labels", f"mean of {n_sets.max()} {sets}", *METRICS, "points over before"]
    return report.table(head, lines)


def _of_sets(rows: pd.DataFrame) -> str:
    """The accuracy of each set before the encoder, officially, and by the selection."""
    lines = []
    for (name, labels), some in rows.groupby(["set", "labels"], sort=False):
        mean = some.groupby("what")[list(METRICS)].mean()
        more = mean["accuracy"][SELECTION] - mean["accuracy"][BEFORE]
        lines.append(
            [
                name,
                str(labels),
                *(f"{mean['accuracy'][what]:.3f}" for what in (BEFORE, OFFICIAL, SELECTION)),
                f"{100 * more:+.1f}",
                f"{mean['log loss'][SELECTION]:.3f}",
                f"{mean['ECE'][SELECTION]:.3f}",
            ]
        )
    head = ["set", "labels", BEFORE, OFFICIAL, SELECTION, "points over before", "log loss", "ECE"]
    return report.table(head, lines)


def _chosen(rows: pd.DataFrame) -> str:
    """How often each candidate was chosen, by number of labels."""
    selected = rows[rows["what"] == SELECTION]
    counts = pd.crosstab(selected["chose"], selected["labels"])
    lines = [[str(name), *map(str, counts.loc[name])] for name in counts.index]
    return report.table(["chosen, of all sets and seeds", *map(str, counts.columns)], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--rows", type=Path, help="a CSV to go on from, written after each set")
    parser.add_argument("--write", metavar="SECTION")
    args = parser.parse_args()
    known = pd.read_csv(args.rows, keep_default_na=False) if _has(args.rows) else pd.DataFrame()
    for name in args.sets:
        done = set() if known.empty else set(known["labels"][known["set"] == name])
        sizes = [size for size in args.labels if size not in done]
        if not sizes:
            continue
        try:
            pairs = SETS[name](args.folder.resolve())
        except (OSError, LookupError, subprocess.CalledProcessError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        found = pd.DataFrame(runs(name, pairs, sizes, args.seeds, args.test))
        known = pd.concat([known, found], ignore_index=True)
        print(f"{name} is measured.", file=sys.stderr, flush=True)
        if args.rows is not None:
            known.to_csv(args.rows, index=False)
    if not known.empty:
        report.publish(tables(known.sort_values("labels", kind="stable")), args.write)


def _has(rows: Path | None) -> bool:
    return rows is not None and rows.exists()


if __name__ == "__main__":
    main()
