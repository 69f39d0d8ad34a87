"""The accuracy of the pipeline on 2,400 real texts, where they are available."""

import random

import numpy as np
import pytest

from mlapi.label_types import label_metrics
from tests.mlapi.training_child.conftest import target, task, tasks
from tests.shared import package_sections


def shuffled():
    rows = package_sections()
    random.Random(0).shuffle(rows)
    return rows, sorted({row["label"] for row in rows})


def test_real_texts_are_learned_and_the_scores_mean_what_they_say(make_job):
    """Four other splits read 0.83 to 0.87, so 0.78 is no matter of luck here."""
    rows, labels = shuffled()
    job = make_job(
        tasks([r["text"] for r in rows], [r["label"] for r in rows]), [target(labels=labels)]
    )

    job.train()

    assert job.metric("accuracy") >= 0.78
    assert job.metric("ece") <= 0.10
    assert job.metric("macro_f1") > 5 * job.metric("baseline_macro_f1")


@pytest.mark.nightly
def test_half_of_them_are_learned_no_worse_than_before(make_job):
    """A guard against getting worse, over five holdouts that hold every text once.

    One holdout of half the texts has 240: thirty of them read 0.788 on average, from 0.74 to
    0.84, and only 17 of the 30 reached 0.78. So neither a single split nor 0.78 is required.
    """
    rows, labels = shuffled()
    outcomes = []
    for k in range(5):
        split = [
            task(
                i,
                row["text"],
                {"topic": row["label"]},
                "holdout" if i % 5 == k else "train",
            )
            for i, row in enumerate(rows[:1200])
        ]
        outcomes += make_job(split, [target(labels=labels)]).train()["outcomes"]

    correct = np.array([o["correct"] for o in outcomes])
    assert len({o["task"] for o in outcomes}) == 1200
    assert correct.mean() >= 0.75
    assert label_metrics.ece(np.array([o["score"] for o in outcomes]), correct) <= 0.10
