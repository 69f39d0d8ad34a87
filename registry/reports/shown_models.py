"""The models whose rows a version's reports and files show, beside the version itself.

Who may not view one of them sees the report neither by REST nor in the admin.
"""

from registry.models import Metric, Outcome, Project, Task, TrainingRun

MISTAKES = (Outcome, Task)
EXEMPLARS = (Task, Metric)
COMPARISON = (Outcome, Task, Metric)
EXPORT = (Project, TrainingRun, Metric, Outcome)
