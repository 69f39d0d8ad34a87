"""What EvaDB's function expression costs over the bare estimator, side by side, alternating.

    python benchmarks/online.py [--labels 6] [--rounds 300]

The texts are made of random words, so that it runs anywhere; only the ratio and the
difference mean something, and only on a quiet machine.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from mlapi.domain import TargetSpec  # noqa: E402
from mlapi.pipelines.classification import calibration  # noqa: E402
from mlapi.pipelines.classification.model import Classifier, TrainedTarget  # noqa: E402
from mlapi.pipelines.classification.predictor import ClassifierPredictor  # noqa: E402
from mlapi.pipelines.text_classification import TextClassification  # noqa: E402
from mlapi.pipelines.text_classification.model import WORD_CHAR  # noqa: E402


def some_texts(n: int, labels: int, seed: int) -> tuple[list[str], np.ndarray]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnop", k=rng.randint(3, 9))) for _ in range(4000)]
    wanted = [i % labels for i in range(n)]
    texts = [
        " ".join(rng.choices(words[w * 300 : w * 300 + 600], k=rng.randint(6, 25))) for w in wanted
    ]
    return texts, np.array(wanted)


def trained(labels: int) -> ClassifierPredictor:
    texts, wanted = some_texts(2000, labels, 0)
    names = tuple(f"label {i}" for i in range(labels))
    spec = TargetSpec("c", "t", "Text", "text", "single", names)
    estimator = WORD_CHAR.fit(texts, wanted, labels, "single")
    fitted = calibration.fit(estimator.scores(texts), wanted, "single")
    pipeline = TextClassification()
    return pipeline.predictor(Classifier(pipeline.name, [TrainedTarget(spec, estimator, fitted)]))


def milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=300)
    chosen = parser.parse_args()
    predictor = trained(chosen.labels)
    estimator = predictor.model.targets[0]
    print(
        f"{'rows':>5} {'bare ms':>9} {'function ms':>12} {'predictor ms':>13} {'over bare ms':>13}"
    )
    for n in (1, 100, 1500):
        texts, _ = some_texts(n, chosen.labels, 1)
        frame = pd.DataFrame({"input_0": texts}, dtype=object)
        rows = [{"text": text} for text in texts]
        calls = (
            lambda texts=texts: estimator.probabilities(texts),
            lambda frame=frame: predictor._function.evaluate(frame),
            lambda rows=rows: predictor.predict(rows),
        )
        taken: list[list[float]] = [[], [], []]
        for _ in range(max(10, chosen.rounds // n)):
            for call, times in zip(calls, taken, strict=True):
                times.append(milliseconds(call))
        bare, function, whole = (statistics.median(times) for times in taken)
        over = f"{function - bare:>9.2f} ms, {function / bare:.2f}x"
        print(f"{n:>4} {bare:>9.2f} {function:>13.2f} {whole:>14.2f} {over}")


if __name__ == "__main__":
    main()
