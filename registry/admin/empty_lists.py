"""The text of an empty list, which says what creates its first row."""

from django.db.models import Model

_FILLED_BY = {
    "project": "A project appears once its Label Studio is connected: paste the URL of an access "
    "key into Settings, Model of the project there.",
    "modelversion": "A version is made by each training that finds a new model. The first trains "
    "by itself at 20 labels.",
    "trainingrun": "A run is a training: by itself once enough labels have changed, by Start "
    "Training in Label Studio, or by Train now.",
    "task": "Tasks come with a project's webhooks, and are read from Label Studio where it has a "
    "token.",
    "event": "Events are what Label Studio sends when someone labels, imports or connects.",
    "outcome": "Outcomes are a version's predictions beside what humans said: of its holdout, "
    "and of what is labelled while it serves.",
    "metric": "Metrics come with each version.",
    "target": "Targets are the controls of the label config that a version has learned.",
    "auditentry": "Each promotion, roll-back, setting and other action is an audit entry.",
    "accesskey": "Make a key: it is part of the URL that is pasted into Label Studio.",
    "webhook": "Make a webhook: it is sent what happens here, such as a failed run.",
    "webhookdelivery": "Each message that is sent to a webhook is a delivery, with its attempts.",
    "worker": "A worker appears here as soon as it runs: make run starts them.",
}


def filled_by(model: type[Model]) -> str:
    """One sentence or two; "" for a model of Django's."""
    return _FILLED_BY.get(model._meta.model_name or "", "")
