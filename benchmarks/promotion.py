"""How often the promotion rule errs on few labels: by the holdout alone, and with out of fold.

`python -m benchmarks.promotion [--labels 50 100 150] [--draws 40] [--wrong 0.15]`. In each draw
of labelled texts a champion learns from all of them, and a worse version from the same with some
labels of the training split replaced by others at random. What each is worth is its macro F1 on
texts that neither has seen, as many as there are. The rule promotes the worse version where its
score is at least as good: on the holdout (a fifth of the labels), and on all labels, those of the
training split out of fold. With the defaults it takes about a minute.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.text_quality import sampled
from benchmarks.text_sets import DEFAULT_FOLDER, SETS, Pairs
from mlapi.domain import TargetSpec
from mlapi.pipelines.classification import dataset
from mlapi.pipelines.classification.examples import TargetExamples
from mlapi.pipelines.text_classification.model import WORD, TextModality
from registry.statistics import macro_f1


def draws(name: str, pairs: Pairs, size: int, count: int, share: float) -> Iterator[dict]:
    """A row for each draw: by how much the one version is worse, and what the rule does."""
    texts, labels, classes = sampled(pairs, len(pairs))
    spec = TargetSpec("label", "text", "Text", "text", "choice", tuple(classes))
    truth = np.eye(len(classes))
    for seed in range(count):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(texts))
        holdout, train = np.split(order[:size], [size // 5])
        unseen = order[size : size + 1_000]
        wrong = np.where(
            rng.random(len(train)) < share,
            rng.integers(len(classes), size=len(train)),
            labels[train],
        )
        found = {}
        for what, learned in (("champion", labels[train]), ("worse", wrong)):
            folds = dataset.folds(labels[train].tolist(), seed)
            examples = TargetExamples(
                TextModality(), spec, [texts[i] for i in train], learned, folds
            )
            estimator = examples.fit(WORD, np.ones(len(train), bool))

            def predict(rows, estimator=estimator):
                return estimator.scores([texts[i] for i in rows]).argmax(axis=1)

            out_of_fold = examples.out_of_fold(WORD).argmax(axis=1)
            found[what] = predict(unseen), predict(holdout), out_of_fold

        def score(which, *rows, found=found):
            predicted = np.concatenate([found[which][at] for at, _ in rows])
            return macro_f1(truth[np.concatenate([labels[r] for _, r in rows])], truth[predicted])

        own = [(0, unseen)], [(1, holdout)], [(1, holdout), (2, train)]
        by, alone, combined = (score("champion", *r) - score("worse", *r) for r in own)
        yield {
            "set": name,
            "labels": size,
            "worse by": by,
            "holdout": alone <= 0,
            "with out of fold": combined <= 0,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 150])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--wrong", type=float, default=0.15, help="share of wrong labels")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["sections"])
    args = parser.parse_args()
    rows = [
        row
        for name in args.sets
        for size in args.labels
        for row in draws(name, SETS[name](DEFAULT_FOLDER.resolve()), size, args.draws, args.wrong)
    ]
    table = pd.DataFrame(rows)
    # A version that is as good by chance is no error of the rule.
    worse = table[table["worse by"] > 0.02]
    columns = ["worse by", "holdout", "with out of fold"]
    print(worse.groupby(["set", "labels"])[columns].mean().round(2).to_string())
    print(worse.groupby(["set", "labels"]).size().rename("draws").to_string())


if __name__ == "__main__":
    main()
