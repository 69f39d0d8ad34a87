"""The targets of a label config, computed once for each config and options."""

import pytest

from mlapi import pipelines, served_config
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse
from mlapi.mirror import apply_changes, unit_of_work
from mlapi.pipelines import PIPELINES, version_predictor
from mlapi.pipelines.artifact import split
from mlapi.served_config import resolve, targets_of
from tests.factories import LABEL_CONFIG, ProjectFactory
from tests.mlapi.labelstudio.webhooks import task
from tests.mlapi.trained import artifact


def test_a_config_that_is_served_and_one_that_is_not():
    served = resolve(LABEL_CONFIG)
    assert (served.pipeline, served.unserved_reason) == ("text_classification", "")
    assert served.targets == pipelines.match(parse(LABEL_CONFIG)).targets
    refused = resolve("<View></View>")
    assert (refused.is_valid, refused.pipeline, refused.targets) == (True, "", ())
    assert refused.unserved_reason == pipelines.NOTHING_SERVED
    broken = resolve("<View>")
    assert (broken.is_valid, broken.targets) == (False, ())
    assert broken.unserved_reason


def test_a_versions_targets_are_matched_once_for_each_config_and_options(monkeypatch):
    served_config._targets_of.cache_clear()
    pipeline = PIPELINES["text_classification"]
    matches, real = [], pipeline.target
    monkeypatch.setattr(pipeline, "target", lambda *args: matches.append(args) or real(*args))
    predictor = version_predictor.load(split(artifact()))
    for options in ({}, {}, {"seed": 1}):
        (target,) = targets_of(predictor, LABEL_CONFIG, options)
        assert target.name == "label"
    assert len(matches) == 2
    with pytest.raises(InvalidLabelConfig):
        targets_of(predictor, "<View>", {})


@pytest.mark.django_db
def test_a_batch_of_tasks_resolves_the_config_once(monkeypatch):
    project = ProjectFactory()
    calls = []
    monkeypatch.setattr(unit_of_work, "resolve", lambda *args: calls.append(args) or resolve(*args))
    apply_changes.put_whole_tasks(project, [task(n, annotations=[]) for n in range(50)])
    assert len(calls) == 1
