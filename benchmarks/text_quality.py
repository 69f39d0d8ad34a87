"""Accuracy of each text candidate and of the model selection, by set, number of labels and seed.

`python -m benchmarks.text_quality [--labels 20 50 200] [--seeds 1] [--sets ...]`. Sets are public
texts that Debian packages or the repository's data carry: descriptions of packages by section,
fortunes by their file, entries of FOLDOC by subject. A set that is not there is left out. With the
defaults it takes about a minute; the whole is `--labels 20 50 200 1000 --seeds 3 --test 1000`.
"""

import argparse
import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.inputs.text.input import DEFAULT, TextInput
from mlapi.pipelines.classification import calibration, dataset
from mlapi.pipelines.classification.model_selection import Examples, read_examples, select_model
from mlapi.pipelines.text_classification.encoding import with_sentence_vectors
from mlapi.pipelines.text_classification.model import TextModality
from registry.f1 import macro_f1

Pairs = list[tuple[str, str]]
_SECTIONS = Path("../shared/data/package_sections.jsonl")  # from the repository's root
_CLASSES = 8
_LEAST = 40  # texts of a class


def sections() -> Pairs:
    """Descriptions of Debian packages by section."""
    rows = map(json.loads, _SECTIONS.read_text().splitlines())
    return [(row["text"], row["label"]) for row in rows]


def fortunes(folder: str = "/usr/share/games/fortunes") -> Pairs:
    """Fortunes by their file: the packages fortunes, fortunes-zh, fortunes-ru."""
    files = (path for path in Path(folder).glob("*") if path.is_file() and not path.suffix)
    return [
        (text.strip(), path.name)
        for path in files
        for text in path.read_text(errors="replace").split("\n%\n")
        if 30 < len(text) < 2_000
    ]


def foldoc() -> Pairs:
    """Entries of the Free On-Line Dictionary of Computing by their first subject: dict-foldoc."""
    packed = Path("/usr/share/dictd/foldoc.dict.dz")
    entries = re.split(r"\n(?=\S)", gzip.decompress(packed.read_bytes()).decode(errors="replace"))
    subject = re.compile(r"<([a-z ]+)[,>]")
    found = []
    for entry in entries:
        match = subject.search(entry)
        if match:
            found.append((" ".join(subject.sub("", entry).split()), match[1].strip()))
    return found


SETS: dict[str, Callable[[], Pairs]] = {
    "sections": sections,
    "fortunes": fortunes,
    "foldoc": foldoc,
}


def sampled(pairs: Pairs, most: int) -> tuple[list[str], np.ndarray, list[str]]:
    """Texts and label numbers of the commonest classes, shuffled, and the classes."""
    counts = Counter(label for _, label in pairs)
    classes = sorted(name for name, n in counts.most_common(_CLASSES) if n >= _LEAST)
    kept = [pair for pair in dict(pairs).items() if pair[1] in classes]
    order = np.random.default_rng(0).permutation(len(kept))[:most]
    numbers = {name: number for number, name in enumerate(classes)}
    texts = [kept[i][0] for i in order]
    return texts, np.array([numbers[kept[i][1]] for i in order]), classes


def modality() -> TextModality:
    """With the sentence encoder, if it is installed."""
    return with_sentence_vectors(TextInput().chosen({"encoder": DEFAULT, "encoder_tokens": 64}))


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
    """A row for each candidate, and for the model selection, by size and seed."""
    texts, labels, classes = sampled(pairs, max(sizes) * 2 + test)
    held, learned = slice(0, test), np.arange(test, len(texts))
    spec = TargetSpec("label", "text", "Text", "text", "choice", tuple(classes))
    for size in (s for s in sizes if s <= len(learned)):
        for seed in range(seeds):
            rows = np.random.default_rng(seed).permutation(learned)[:size]
            frame = pd.DataFrame(
                {
                    "input": [texts[i] for i in rows],
                    "label": [classes[labels[i]] for i in rows],
                    "fold": dataset.folds(labels[rows].tolist(), seed),
                }
            )
            examples = read_examples(modality(), spec, frame)
            for what, fit in fits(examples):
                started = time.perf_counter()
                probabilities = fit()(texts[held])
                seconds = time.perf_counter() - started
                numbers = measured(probabilities, labels[held])
                yield {"set": name, "labels": size, "what": what, **numbers, "seconds": seconds}


def fits(examples: Examples) -> Iterator[tuple[str, Callable]]:
    """By name what fits each candidate, calibrated as a version is, and the model selection."""
    everything = np.ones(len(examples.inputs), dtype=bool)

    def of(candidate):
        def fit():
            scores = examples.out_of_fold(candidate)
            calibrated = calibration.fit(scores, examples.labels, "single")
            estimator = examples.fit(candidate, everything)
            return lambda texts: calibrated.probabilities(estimator.scores(texts))

        return fit

    n_labels = len(examples.spec.labels)
    for candidate in examples.modality.candidates_for(examples.inputs, n_labels):
        yield candidate.name, of(candidate)
    yield "model selection", lambda: select_model(examples, None, "", 0).trained.probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    chosen = parser.parse_args()
    rows = []
    for name in chosen.sets:
        try:
            pairs = SETS[name]()
        except (OSError, TrainingFailed) as error:
            print(f"{name} is left out: {error}")
            continue
        rows += runs(name, pairs, chosen.labels, chosen.seeds, chosen.test)
    if not rows:
        return
    table = pd.DataFrame(rows).groupby(["set", "labels", "what"]).mean(numeric_only=True)
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
