"""A browser-like client that is logged in, a champion with mistakes, and a row of every model."""

import pytest
from django.contrib.auth.models import User

from tests import factories as make
from tests.registry.admin.version_pages import classifier


@pytest.fixture
def client(client):
    client.force_login(User.objects.create_superuser("ada", password="x"))
    return client


@pytest.fixture
def version(db):
    """The champion of four tasks, which it predicts right in two."""
    answers = [
        ("Positive", "Positive", 0.9),
        ("Positive", "Negative", 0.8),
        ("Negative", "Negative", 0.7),
        ("Negative", "Positive", 0.95),
    ]
    described = {"candidates": [{"target": "label", "name": "word", "score": 0.7, "won": True}]}
    project = make.ProjectFactory(title="Sentiment")
    return classifier(project, answers, champion=True, described=described)


@pytest.fixture
def rows(db):
    """Each model's rows by name; two of most, so that a query per row shows."""
    project = make.ProjectFactory(title="Sentiment")
    task = make.TaskFactory(project=project, labelled="Positive")
    version = make.ModelVersionFactory(project=project, champion=True)
    return {
        "project": [project, make.ProjectFactory()],
        "task": [task, make.TaskFactory(project=project)],
        "modelversion": [version, make.ModelVersionFactory(project=project)],
        "target": list(version.targets.all()),
        "metric": list(version.metrics.all()),
        "outcome": [make.OutcomeFactory(version=version, task=task)],
        "trainingrun": [make.TrainingRunFactory(), make.TrainingRunFactory(state="failed")],
        "event": [
            make.EventFactory(project=project, payload={"annotation": {"id": 7, "note": "<b>"}}),
            make.EventFactory(project=None),
        ],
        "auditentry": list(project.audit_entries.all()),
        "accesskey": [make.AccessKeyFactory(), make.AccessKeyFactory(project=project)],
        "worker": [make.WorkerFactory()],
        "webhook": [make.WebhookFactory(), make.WebhookFactory(project=project)],
        "webhookdelivery": [make.WebhookDeliveryFactory(), make.WebhookDeliveryFactory()],
    }
