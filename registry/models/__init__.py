"""The tables of the registry, a module for each subject; only `registry.actions` changes state.

Imports the table of metrics and the artifact format, and nothing else of the project.
"""

from .audit_entry import AuditEntry
from .evaluation import Exemplar, Metric, Outcome
from .event import Event, Tombstone
from .project import AccessKey, Project
from .run import TrainingRun
from .task import Feature, PickedTask, Task, TaskScore
from .version import ConvertedArtifact, ModelVersion, Target
from .webhook import Webhook, WebhookDelivery
from .worker import Worker

__all__ = [
    "AccessKey",
    "AuditEntry",
    "ConvertedArtifact",
    "Event",
    "Exemplar",
    "Feature",
    "Metric",
    "ModelVersion",
    "Outcome",
    "PickedTask",
    "Project",
    "Target",
    "Task",
    "TaskScore",
    "Tombstone",
    "TrainingRun",
    "Webhook",
    "WebhookDelivery",
    "Worker",
]
