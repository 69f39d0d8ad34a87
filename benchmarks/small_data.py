"""How honest scores are at few labels: calibration error and log loss, with and without a share.

    python benchmarks/small_data.py FOLDER [--sizes 20 50 200] [--seeds 5]

Four sets of `script_texts.py`, which are fetched into FOLDER. `temperature` is the version's own
temperature alone, `shrunk` what a version has: a share of each row is all labels', also those of
the config that have no example. Each number is a mean over sets and seeds, of 500 other texts each;
`over` is mean score less accuracy. 500 texts in ten bins have an error of some 0.05 if calibrated.
"""

import argparse
import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import script_texts  # noqa: E402
from mlapi.domain import TargetSpec  # noqa: E402
from mlapi.label_types.label_metrics import ece, multiclass  # noqa: E402
from mlapi.pipelines.classification import calibration  # noqa: E402
from mlapi.pipelines.classification.dataset import folds  # noqa: E402
from mlapi.pipelines.classification.examples import TargetExamples  # noqa: E402
from mlapi.pipelines.text_classification import model  # noqa: E402

SETS = {
    "reviews zh_CN": model.SHORT_CHAR,
    "descriptions de": model.CHAR,
    "descriptions ja": model.SHORT_CHAR,
    "messages en_GB": model.WORD_CHAR,
}
OTHERS = 500


def measure(texts: script_texts.Texts, candidate: model.LinearCandidate, n: int, seed: int) -> dict:
    rows = random.Random(seed).sample(texts, n + OTHERS)
    learned, others = rows[:n], [text for text, _ in rows[n:]]
    humans = [label for _, label in rows[n:]]
    of_config = {label for _, label in texts}
    names = tuple(sorted({label for _, label in learned}))
    labels = np.array([names.index(label) for _, label in learned])
    spec = TargetSpec("label", "text", "Text", "text", "choice", names)
    dealt = folds([label for _, label in learned], seed)
    inputs = [text for text, _ in learned]
    examples = TargetExamples(model.TextModality(), spec, inputs, labels, dealt)
    unlearned = sorted(of_config - set(names))
    shrunk = calibration.fit(examples.out_of_fold(candidate), labels, "single", len(unlearned))
    scores = candidate.fit(inputs, labels, len(names), "single").scores(others)
    found = {}
    kinds = {"temperature": calibration.Temperature(shrunk.temperature), "shrunk": shrunk}
    for name, calibrated in kinds.items():
        p = calibrated.probabilities(scores)
        answers = [names[i] for i in p.argmax(axis=1)]
        rows_of = multiclass(humans, answers, p, names, baseline="", unlearned=unlearned)
        (log_loss,) = [row.value for row in rows_of if row.name == "log_loss"]
        right = np.array(answers) == np.array(humans)
        found[name] = (ece(p.max(axis=1), right), log_loss, p.max(axis=1).mean() - right.mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    sets = script_texts.load(args.folder)
    print("labels  scores        ECE  log loss   over")
    for n in args.sizes:
        means = defaultdict(list)
        for name, candidate in SETS.items():
            for seed in range(args.seeds):
                for kind, numbers in measure(sets[name], candidate, n, seed).items():
                    means[kind].append(numbers)
        for kind, rows in means.items():
            error, log_loss, over = np.mean(rows, axis=0)
            print(f"{n:>6}  {kind:<12}{error:>5.3f}{log_loss:>10.3f}{over:>+7.3f}", flush=True)


if __name__ == "__main__":
    main()
