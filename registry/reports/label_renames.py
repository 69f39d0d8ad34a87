"""What a rename of a label would touch: tasks, the champion, versions and outcomes."""

from dataclasses import dataclass

from django.db.models import Q

from registry.engine import engine
from registry.label_renames import Rename
from registry.models import Outcome, Project, Target


@dataclass(frozen=True)
class RenameImpact:
    """The numbers of tasks, versions and outcomes that have the old label.

    `champion` is the champion's version string if it can predict the old label, else "".
    """

    rename: Rename
    tasks: int
    champion: str
    versions: int
    outcomes: int


def rename_impact(project: Project, rename: Rename) -> RenameImpact:
    """Count what the rename affects; four queries and the engine's."""
    control, old = rename.control, rename.old
    learned = Target.objects.filter(
        version__project=project, name=control, trained=True, labels__contains=[old]
    )
    of_versions = list(learned.values_list("version", flat=True))
    has_label = Q(human_classes__contains=[old]) | Q(predicted_classes__contains=[old])
    outcomes = Outcome.objects.filter(has_label, version__project=project, target=control)
    champion = project.champion
    predicts = champion is not None and champion.pk in of_versions
    return RenameImpact(
        rename,
        tasks=engine().tasks_annotated(project, control, old),
        champion=champion.label if champion and predicts else "",
        versions=len(of_versions),
        outcomes=outcomes.count(),
    )
