"""Tasks in the admin: the mirror of what Label Studio has."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from registry.errors import EvalsError
from registry.models import Task
from registry.reports import shown_tasks

from .base import as_json, as_text, is_list, link
from .filters import PROJECT
from .long_lists import LongListAdmin


def _of_id(word: str) -> Q:
    return Q(labelstudio_id=int(word)) if word.isdecimal() and len(word) < 19 else Q(pk__in=[])


@admin.register(Task)
class TaskAdmin(LongListAdmin):
    """A task, what humans said of it, and what that amounts to."""

    list_display = ["labelstudio_id", "project", "labels", "split", "labels_changed_at"]
    list_filter = [PROJECT, "split", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project"]
    search_help_text = "By the task's id in Label Studio"
    sortable_by = ["labelstudio_id", "labels_changed_at"]
    finds = [_of_id]
    fields = [
        "labelstudio_id",
        "project_link",
        "shown",
        "labels",
        "ties",
        "split",
        "labels_changed_at",
        "total_annotations",
        "shown_annotations",
        "shown_data",
        "input_key",
        "source_updated_at",
        "created_at",
        "deleted_at",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request).select_related("project")
        if is_list(request):
            return queryset.defer("data", "annotations")
        return queryset

    @display(description="Project")
    def project_link(self, task: Task) -> str:
        return link(task.project)

    @display(description="Task")
    def shown(self, task: Task) -> str:
        try:
            found = shown_tasks.shown(task, task.project)
        except EvalsError as error:
            return error.message
        text = as_text(found.text)
        if not found.url:
            return format_html("{} {}", text, shown_tasks.why_no_link([found]))
        return format_html(
            '{}<a class="text-primary-600 dark:text-primary-500" href="{}">in Label Studio</a>',
            text,
            found.url,
        )

    @display(description="Annotations")
    def shown_annotations(self, task: Task) -> str:
        return as_json(task.annotations)

    @display(description="Data")
    def shown_data(self, task: Task) -> str:
        return as_json(task.data)
