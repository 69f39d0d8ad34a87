"""Tasks in the admin: the mirror of Label Studio's tasks."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from registry.errors import EvalsError
from registry.formatting import answer_text
from registry.models import Task
from registry.reports.tasks import SimilarTask, TaskView, similar, task_views, why_no_link

from .images import Tile, full_view, image_row, tile
from .markup import as_json
from .navigation import link
from .registry_admin import PROJECT, LongListAdmin, is_list

_SIMILAR = 8


def _of_id(word: str) -> Q:
    return Q(labelstudio_id=int(word)) if word.isdecimal() and len(word) < 19 else Q(pk__in=[])


@admin.register(Task)
class TaskAdmin(LongListAdmin):
    """A task, its annotations, and the labels derived from them."""

    list_display = ["labelstudio_id", "project", "labels", "split", "labels_changed_at"]
    list_filter = [PROJECT, "split", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project"]
    search_help_text = "By the task's id in Label Studio"
    sortable_by = ["labelstudio_id", "labels_changed_at"]
    finds = [_of_id]
    fields = [
        "labelstudio_id",
        "project_link",
        "content",
        "most_similar",
        "labels",
        "ties",
        "split",
        "labels_changed_at",
        "total_annotations",
        "annotations_json",
        "data_json",
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

    def get_fields(self, request: HttpRequest, obj: Task | None = None) -> Any:
        """`most_similar` is for tasks with an image only."""
        is_text = obj is None or _view(obj).thumbnail is None
        return [name for name in self.fields if not (is_text and name == "most_similar")]

    @display(description="Task")
    def content(self, task: Task) -> str:
        content, url = full_view(_view(task)), _view(task).url
        if not url:
            return format_html("{} {}", content, why_no_link([_view(task)]))
        return format_html(
            '{}<a class="text-primary-600 dark:text-primary-500" href="{}">in Label Studio</a>',
            content,
            url,
        )

    @display(description="Most similar")
    def most_similar(self, task: Task) -> str:
        try:
            found = similar(task, _SIMILAR)
        except EvalsError as error:
            return error.sentence
        if not found:
            return "No other task of the project has features yet."
        return image_row(
            [_tile(one) for one in found], f"Most similar to task {task.labelstudio_id}"
        )

    @display(description="Annotations")
    def annotations_json(self, task: Task) -> str:
        return as_json(task.annotations)

    @display(description="Data")
    def data_json(self, task: Task) -> str:
        return as_json(task.data)


def _view(task: Task) -> TaskView:
    """The view of the task, cached on the row."""
    cache = vars(task)
    if "_view" not in cache:
        cache["_view"] = task_views(task.project, [task])[0]
    return cache["_view"]


def _tile(similar_task: SimilarTask) -> Tile:
    labels = [answer_text(found) for found in similar_task.classes.values()]
    return tile(
        similar_task.task, "; ".join(labels) or "not labelled", f"cosine {similar_task.cosine:.3f}"
    )
