"""How well texts of many scripts are learned: each candidate, the selection, a character ridge.

    python benchmarks/script_quality.py FOLDER [--only reviews] [--sizes 100 400] [--seeds 3]

Accuracy in points on up to 800 other texts. `before` is TF-IDF of words and characters 3 to 5 as
artifacts without named analyzers have it; the character ridges are scikit-learn's on the same
labels. The sentence encoder is among the candidates where it is installed. FOLDER is where the sets
of `script_texts.py` are fetched into; `--only "sections en"` needs none of them.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.linear_model import RidgeClassifier  # noqa: E402

from benchmarks import script_texts  # noqa: E402
from mlapi.domain import TargetSpec  # noqa: E402
from mlapi.inputs.text.input import DEFAULT, TextInput  # noqa: E402
from mlapi.pipelines.classification.candidates import fit_ridge  # noqa: E402
from mlapi.pipelines.classification.dataset import folds  # noqa: E402
from mlapi.pipelines.classification.examples import TargetExamples  # noqa: E402
from mlapi.pipelines.classification.model_selection import select_model  # noqa: E402
from mlapi.pipelines.text_classification import features, model  # noqa: E402
from mlapi.pipelines.text_classification.encoding import with_sentence_vectors  # noqa: E402

ENGLISH = ROOT.parent / "shared" / "data" / "package_sections.jsonl"
OTHERS = 800  # texts that the accuracy is of
CHARACTERS = ((1, 2), (2, 4))


def measure(texts: script_texts.Texts, size: int, seed: int) -> dict[str, float]:
    rows = random.Random(seed).sample(texts, len(texts))
    size = min(size, len(rows) * 2 // 3)
    names = tuple(sorted({label for _, label in rows[:size]}))
    inputs = [text for text, _ in rows]
    numbers = np.array([names.index(label) if label in names else -1 for _, label in rows])
    learned, others = inputs[:size], inputs[size : size + OTHERS]
    labels, truth = numbers[:size], numbers[size : size + OTHERS]

    def accuracy(scores: np.ndarray) -> float:
        return 100 * float((scores.argmax(axis=1) == truth).mean())

    found = {}
    before = fit_ridge(
        features.TextVectors(*features._UNNAMED), learned, labels, len(names), "single"
    )
    found["before"] = accuracy(before.scores(others))
    for first, last in CHARACTERS:
        vectors = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(first, last), sublinear_tf=True, dtype=np.float32
        )
        ridge = RidgeClassifier().fit(vectors.fit_transform(learned), labels)
        right = ridge.predict(vectors.transform(others)) == truth
        found[f"ridge {first}-{last}"] = 100 * float(right.mean())
    modality = _modality()
    for candidate in modality.candidates:
        estimator = candidate.fit(learned, labels, len(names), "single")
        found[candidate.name.removesuffix(" TF-IDF, linear")] = accuracy(estimator.scores(others))
    spec = TargetSpec("label", "text", "Text", "text", "choice", names)
    dealt = folds([names[number] for number in labels], seed)
    examples = TargetExamples(modality, spec, learned, labels, dealt)
    selected = select_model(examples, None, "", 0).trained
    found["selected"] = accuracy(selected.probabilities(others))
    return found


def _modality() -> model.TextModality:
    """As a run of a project that chooses nothing has it."""
    return with_sentence_vectors(
        TextInput().for_options({"encoder": DEFAULT, "encoder_tokens": 64})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[""])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    sets = {} if args.only == ["sections en"] else script_texts.load(args.folder)
    if ENGLISH.exists():
        with open(ENGLISH, encoding="utf-8") as lines:
            rows = map(json.loads, lines)
            sets["sections en"] = [(row["text"], row["label"]) for row in rows]
    header = False
    for name, texts in sets.items():
        if not any(part in name for part in args.only):
            continue
        for size in args.sizes:
            runs = [measure(texts, size, seed) for seed in range(args.seeds)]
            if not header:
                print(f"{'set':<20}{'n':>5}  " + "  ".join(runs[0]), flush=True)
                header = True
            means = [f"{np.mean([r[k] for r in runs]):>{len(k)}.1f}" for k in runs[0]]
            print(f"{name:<20}{size:>5}  " + "  ".join(means), flush=True)


if __name__ == "__main__":
    main()
