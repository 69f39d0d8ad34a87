"""Outcomes in the admin: predictions beside human labels."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.decorators import display

from registry.formatting import answer_text
from registry.models import Outcome
from registry.reports.tasks import TaskView, task_views, why_no_link

from .badges import ago
from .base import is_list, link
from .cell_filter import CellFilter, cell_description
from .images import excerpt, whole
from .lists import VERSION, LongListAdmin, of_version

_EXCERPT = 160


@admin.register(Outcome)
class OutcomeAdmin(LongListAdmin):
    """One prediction of a version for a task and target."""

    list_display = [
        "beginning",
        "human_answer",
        "model_answer",
        "is_right",
        "sure",
        "version",
        "target",
        "source",
        "in_labelstudio",
    ]
    list_filter = [VERSION, "correct", "source", CellFilter]
    list_select_related = ["task__project", "version"]
    list_before_template = "registry/cell_above.html"
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = [
        "content",
        "human_answer",
        "model_answer",
        "is_right",
        "sure",
        "task_in_labelstudio",
        "version_link",
        "task_link",
        "target",
        "source",
        "when",
    ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(
            request, {**(extra_context or {}), "cell": cell_description(request)}
        )
        shown_with = getattr(response, "context_data", None) or {}
        if "cl" in shown_with:  # a list, not a redirect
            shown_with["no_link"] = why_no_link(map(_view, shown_with["cl"].result_list))
        return response

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request)
        if is_list(request):
            return queryset
        return queryset.select_related("version__project", "task__project")

    @display(description="Content")
    def beginning(self, outcome: Outcome) -> str:
        return excerpt(_view(outcome), _EXCERPT)

    @display(description="Content")
    def content(self, outcome: Outcome) -> str:
        return whole(_view(outcome))

    @display(description="Human")
    def human_answer(self, outcome: Outcome) -> str:
        return answer_text(outcome.human)

    @display(description="Model")
    def model_answer(self, outcome: Outcome) -> str:
        return answer_text(outcome.predicted)

    @display(description="Right", ordering="correct", label={"right": "success", "wrong": "danger"})
    def is_right(self, outcome: Outcome) -> str:
        return "right" if outcome.correct else "wrong"

    @display(description="Score", ordering="score")
    def sure(self, outcome: Outcome) -> str:
        return "–" if outcome.score is None else f"{outcome.score:.0%}"

    @display(description="In Label Studio")
    def in_labelstudio(self, outcome: Outcome) -> str:
        task = _view(outcome)
        if not task.url:
            return f"task {task.labelstudio_id}"
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}" rel="noreferrer">{} ↗</a>',
            task.url,
            task.labelstudio_id,
        )

    @display(description="In Label Studio")
    def task_in_labelstudio(self, outcome: Outcome) -> str:
        return format_html("{} {}", self.in_labelstudio(outcome), why_no_link([_view(outcome)]))

    @display(description="Version")
    def version_link(self, outcome: Outcome) -> str:
        return link(outcome.version)

    @display(description="Task")
    def task_link(self, outcome: Outcome) -> str:
        return link(outcome.task)

    @display(description="When")
    def when(self, outcome: Outcome) -> str:
        return ago(outcome.at)


def _view(outcome: Outcome) -> TaskView:
    """The view of the outcome's task, cached on the row."""
    cache = vars(outcome)
    if "_view" not in cache:
        cache["_view"] = task_views(outcome.task.project, [outcome.task])[0]
    return cache["_view"]
