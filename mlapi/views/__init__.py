"""Label Studio's routes. No logic: each asks one service or action, and answers.

Imports intake, serving, readiness, serializers and authentication. Imported by urls only.
"""

from .champions import Metrics, Versions
from .health import Health, Ready
from .predict import Predict
from .setup import Setup, Validate
from .training import IsTraining, JobStatus, Train
from .webhook import Webhook

__all__ = [
    "Health",
    "IsTraining",
    "JobStatus",
    "Metrics",
    "Predict",
    "Ready",
    "Setup",
    "Train",
    "Validate",
    "Versions",
    "Webhook",
]
