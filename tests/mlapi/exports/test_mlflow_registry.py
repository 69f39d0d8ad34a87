"""When a champion is pushed to MLflow; the real server is in `test_mlflow`."""

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from mlapi import jobs
from mlapi.exports.mlflow_registry import MlflowError, push
from mlapi.jobs.maintenance import push_champions
from registry.errors import Refused
from tests.factories import ModelVersionFactory, promote
from tests.mlapi import trained

NOWHERE = "http://127.0.0.1:9"
JOB = "mlapi.jobs.push_to_mlflow"


def queued_jobs() -> list[tuple]:
    return [job.args() for job in OrmQ.objects.filter(key="training") if job.func() == JOB]


@pytest.mark.django_db(transaction=True)
def test_a_promotion_queues_the_push_where_mlflow_is_configured(settings):
    version = ModelVersionFactory(content=trained.artifact(), champion=True)
    assert queued_jobs() == []

    settings.MLFLOW_TRACKING_URI = NOWHERE
    other = ModelVersionFactory(project=version.project, content=trained.artifact(0.7))
    promote(other)

    assert queued_jobs() == [(other.pk,)]
    push_champions()
    assert queued_jobs() == [(other.pk,), (other.pk,)]


@pytest.mark.django_db
def test_a_server_that_does_not_answer_is_an_error_and_a_former_champion_is_not_pushed(settings):
    settings.MLFLOW_TRACKING_URI = NOWHERE
    version = ModelVersionFactory(content=trained.artifact())
    with pytest.raises(MlflowError, match="does not answer"):
        push(version)
    with pytest.raises(CommandError, match="does not answer"):
        call_command("push_to_mlflow", version.project.uid, "v1")
    jobs.push_to_mlflow(version.pk)


@pytest.mark.django_db
def test_without_the_setting_nothing_is_pushed():
    version = ModelVersionFactory(content=trained.artifact(), champion=True)
    with pytest.raises(Refused, match="No MLflow is configured"):
        push(version)
