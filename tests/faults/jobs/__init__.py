"""The jobs of the workers, and actions that queue some, each with what it works on."""

from tests.faults.jobs.actions import ArchiveAndBack, Promotion, StartTraining
from tests.faults.jobs.job import Job
from tests.faults.jobs.maintenance import Deliveries, Hourly, Tick
from tests.faults.jobs.mirror import (
    EventsOfAProject,
    FirstReading,
    FirstReadingByExport,
    LaterReading,
)
from tests.faults.jobs.versions import Conversion, FailedConversion, FallBack, Scoring, Training

__all__ = ["JOBS", "Job"]

JOBS = [
    *(EventsOfAProject, FirstReading, FirstReadingByExport, LaterReading),
    *(Training, Scoring, FallBack, Conversion, FailedConversion),
    *(Tick, Hourly, Deliveries),
    *(ArchiveAndBack, Promotion, StartTraining),
]
