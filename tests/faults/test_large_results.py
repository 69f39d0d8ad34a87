"""Results on one task that together pass PostgreSQL's limit for a row: no event waits for ever."""

import json

import pytest

from mlapi import jobs
from registry.models import Event
from tests.mlapi.caller import Caller
from tests.mlapi.labelstudio.webhooks import annotated
from tests.mlapi.mirror.syncing import mirrored_tasks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.nightly,
    pytest.mark.long,  # it takes 3 GB of memory
]
MB = 2**20
LIMIT = "total size of jsonb array elements exceeds the maximum"


def body(annotation: int, task: int, megabytes: int) -> bytes:
    """An event of an annotation with a brush stroke of that size."""
    payload = annotated(annotation, task, "Positive", completed_by=annotation)
    brush = {"format": "rle", "rle": "x" * (megabytes * MB), "brushlabels": ["a"]}
    stroke = {"from_name": "brush", "to_name": "image", "type": "brushlabels", "value": brush}
    payload["annotation"]["result"].append(stroke)
    payload["project"]["created_at"] = "2026-11-23T08:00:00Z"
    return json.dumps({**payload, "action": "ANNOTATION_CREATED"}).encode()


def test_results_that_pass_the_limit_together_fail_and_others_are_applied(key):
    call = Caller(f"/k/{key.plain}")
    for number in range(1, 7):
        answer = call.raw("/webhook", body(number, task=1, megabytes=55))
        assert answer.status_code < 300, answer.text
    assert call.raw("/webhook", body(7, task=2, megabytes=0)).status_code < 300
    project = Event.objects.latest("pk").project
    jobs.process_events(project.pk)
    *large, last = Event.objects.order_by("pk")
    statuses = [event.status for event in large]
    assert statuses == ["applied"] * 4 + ["failed"] * 2, statuses
    assert all(LIMIT in event.outcome for event in large[4:])
    assert last.status == "applied"
    annotations = {pk: len(task.annotations) for pk, task in mirrored_tasks(project).items()}
    assert annotations == {1: 4, 2: 1}
