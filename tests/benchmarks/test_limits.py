"""The bare estimator that serving is compared with is the champion's own."""

import pytest

from benchmarks.limits import OWN, SCIKIT_LEARN, estimator
from tests.factories import ModelVersionFactory
from tests.mlapi.trained import artifact

pytestmark = pytest.mark.django_db


def test_the_estimator_of_the_champion_is_timed_in_batches():
    version = ModelVersionFactory(content=artifact(), champion=True)
    target = estimator.trained_target(version.project.uid)
    good, bad = target.probabilities(["good fine", "awful poor"])
    assert good.argmax() != bad.argmax()
    texts = ["good fine", "bad poor", "fine great"]
    vectorisers = estimator.vectorisers(target)
    assert list(vectorisers) == [OWN, SCIKIT_LEARN]
    own, scikit_learn = (probabilities(texts) for probabilities in vectorisers.values())
    assert own == pytest.approx(scikit_learn)
    assert all(estimator.rate(each, texts, 2, 0.05) > 0 for each in vectorisers.values())
