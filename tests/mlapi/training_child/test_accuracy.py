"""How good the pipeline is on 2,400 real texts, where they are at hand."""

import random

import pytest

from tests.mlapi.training_child.conftest import target, tasks
from tests.shared import package_sections


@pytest.mark.parametrize("size", [1200, 2400])
def test_real_texts_are_learned_and_the_scores_mean_what_they_say(make_job, size):
    rows = package_sections()
    random.Random(0).shuffle(rows)
    rows = rows[:size]
    labels = sorted({row["label"] for row in rows})
    job = make_job(
        tasks([r["text"] for r in rows], [r["label"] for r in rows]), [target(labels=labels)]
    )

    job.train()

    assert job.metric("accuracy") >= 0.78
    assert job.metric("ece") <= 0.10
    assert job.metric("macro_f1") > 5 * job.metric("baseline_macro_f1")
