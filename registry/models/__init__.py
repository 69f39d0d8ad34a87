"""What is remembered. Each concept is a module; state is changed through `registry.actions` only.

Imports nothing of the project.
"""

from .access_key import AccessKey
from .audit_entry import AuditEntry
from .event import Event
from .exemplar import Exemplar
from .feature import Feature
from .metric import Metric
from .outcome import Outcome
from .project import Project
from .run import TrainingRun
from .task import Task
from .task_score import TaskScore
from .tombstone import Tombstone
from .version import ConvertedArtifact, ModelVersion, Target
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
    "Project",
    "Target",
    "Task",
    "TaskScore",
    "Tombstone",
    "TrainingRun",
    "Worker",
]
