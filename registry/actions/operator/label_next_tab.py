"""Label next tab: the tasks to label next are a tab of the Data Manager in Label Studio."""

from typing import Any

from registry.actions import label_next
from registry.engine import engine
from registry.errors import EvalsError, Refused
from registry.models import Project
from registry.reports import tasks

from .action import OPTIONAL_REASON, Action, Button, Caller, Change, Result, register

MOST_TASKS = 50  # each is a filter of the tab


class NothingToLabelNext(Refused):
    """No task has a place in the order yet."""

    code = "nothing_to_label_next"


class TabNotMade(Refused):
    """Label Studio was not reached, or has refused the tab; nothing was changed."""

    code = "tab_not_made"


@register
class LabelNextTab(Action[Project]):
    """The tab is made, or has other tasks; the tasks are remembered as picked."""

    name = "label_next_tab"
    title = "Tab of tasks to label next"
    description = "Makes or refreshes a tab in Label Studio's Data Manager with the next tasks."
    permission = "registry.train_project"
    subject = Project
    form = OPTIONAL_REASON
    button = Button(icon="playlist_add", group="Label Studio", place=100)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if subject.champion is None:
            return NothingToLabelNext(tasks.why_none(subject))
        return None

    def changes(self, subject: Project) -> list[Change]:
        count = len(tasks.label_next(subject, MOST_TASKS))
        now = "the tasks of before" if subject.label_next_tab else "none"
        after = f"the {count} tasks to label next" if count else tasks.why_none(subject)
        return [Change("Tab Label next", now, after)]

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        found = tasks.label_next(subject, MOST_TASKS)
        if not found:
            raise NothingToLabelNext(tasks.why_none(subject))
        try:
            tab = engine().save_tab(subject, [one.task.labelstudio_id for one in found])
        except EvalsError as error:
            raise TabNotMade(error.message, hint=error.hint) from error
        picked = {one.task.id: one.at_random for one in found}
        entry = label_next.record_tab(
            subject, tab, picked, actor=caller.name, reason=values["reason"]
        )
        return Result(f"The tab Label next has {len(found)} tasks.", entry)
