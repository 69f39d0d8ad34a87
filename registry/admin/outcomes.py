"""Outcomes in the admin: predictions beside human labels, and the cells of a confusion matrix."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.decorators import display

from registry.engine import LabelType, engine
from registry.formatting import answer_text
from registry.models import ModelVersion, Outcome, Target, Task
from registry.permissions import may_view
from registry.reports.confusion import in_label_cell, in_object_cell, with_human, with_prediction
from registry.reports.tasks import TaskView, task_views, why_no_link

from .images import excerpt, full_view, outlined
from .markup import ago
from .navigation import link
from .registry_admin import VERSION, LongListAdmin, is_list, of_version, once

_ONE = "choice"  # the label type of a target that the version does not have
_PARAMETERS = ["target", "human", "predicted", "label", "cell"]
# For a label of a multiple choice: whether the human label and the prediction include it.
_CELLS = {
    "both": (True, True),
    "human_only": (True, False),
    "model_only": (False, True),
    "neither": (False, False),
}


class CellFilter(admin.ListFilter):
    """`target` with `human` and `predicted`, or with `label` and `cell`; of one version only.

    Without a version it filters nothing, because the database would read every outcome.
    """

    title = "cell of the confusion matrix"
    template = "registry/outcomes/cell_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)  # type: ignore[arg-type]
        for name in _PARAMETERS:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value
        number = request.GET.get("version__id__exact", "")
        self.version = int(number) if number.isdecimal() else None

    def expected_parameters(self) -> list[str]:
        return _PARAMETERS

    def has_output(self) -> bool:
        return bool(self.used_parameters)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield {
            "selected": False,
            "query_string": changelist.get_query_string(remove=_PARAMETERS),
            "display": "All cells",
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.version is None:
            return queryset
        query = {name: str(value) for name, value in self.used_parameters.items()}
        if "target" in query:
            queryset = queryset.filter(target=query["target"])
        if {"human", "predicted"} & query.keys():
            label_type = _label_type(self.version, query.get("target", ""))
            if label_type.localized:
                return in_object_cell(
                    queryset, label_type, query.get("human"), query.get("predicted")
                )
        if "human" in query:
            queryset = with_human(queryset, query["human"])
        if "predicted" in query:
            queryset = with_prediction(queryset, query["predicted"])
        if "label" in query and query.get("cell") in _CELLS:
            human, predicted = _CELLS[query["cell"]]
            queryset = in_label_cell(queryset, query["label"], human=human, predicted=predicted)
        return queryset


def _label_type(version: int, target: str) -> LabelType:
    """That of a version's target; one query."""
    known = Target.objects.filter(version_id=version, name=target)
    return engine().label_type(known.values_list("kind", flat=True).first() or _ONE)


def cell_description(request: HttpRequest) -> dict[str, Any] | None:
    """The selected cell's version and description; None without a cell."""
    query = request.GET
    number = query.get("version__id__exact", "")
    if "target" not in query or not number.isdecimal():
        return None
    version = ModelVersion.objects.filter(pk=number).only("label").first()
    if version is None:
        return None
    parts = [f"Target {query['target']}"]
    if "human" in query:
        parts.append(f"human label {query['human'] or 'none'}")
    if "predicted" in query:
        parts.append(f"prediction {query['predicted'] or 'none'}")
    if "label" in query and query.get("cell") in _CELLS:
        human, model = _CELLS[query["cell"]]
        parts.append(f"human label {'with' if human else 'without'} {query['label']}")
        parts.append(f"prediction {'with' if model else 'without'} it")
    return {"version": version, "text": ", ".join(parts)}


_EXCERPT = 160
_OF_TASKS = ("beginning", "content")


@admin.register(Outcome)
class OutcomeAdmin(LongListAdmin):
    """One prediction of a version for a task and target."""

    list_display = [
        "beginning",
        "human_answer",
        "model_answer",
        "is_correct",
        "score_percent",
        "version",
        "target",
        "source",
        "in_labelstudio",
    ]
    list_filter = [VERSION, "correct", "source", CellFilter]
    list_select_related = ["task__project", "version"]
    list_before_template = "registry/outcomes/list_head.html"
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = [
        "content",
        "human_answer",
        "model_answer",
        "is_correct",
        "score_percent",
        "task_in_labelstudio",
        "version_link",
        "task_link",
        "target",
        "source",
        "when",
    ]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return _for_viewer(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Outcome | None = None) -> list[str]:
        return _for_viewer(request, super().get_fields(request, obj))

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
    @once
    def content(self, outcome: Outcome) -> str:
        label_type = _label_type(outcome.version_id, outcome.target)
        if label_type.localized:
            return outlined(_view(outcome), label_type, outcome.human, outcome.predicted)
        return full_view(_view(outcome))

    @display(description="Human")
    def human_answer(self, outcome: Outcome) -> str:
        return answer_text(outcome.human_classes)

    @display(description="Model")
    def model_answer(self, outcome: Outcome) -> str:
        return answer_text(outcome.predicted_classes)

    @display(
        description="Correct", ordering="correct", label={"correct": "success", "wrong": "danger"}
    )
    def is_correct(self, outcome: Outcome) -> str:
        return "correct" if outcome.correct else "wrong"

    @display(description="Score", ordering="score")
    def score_percent(self, outcome: Outcome) -> str:
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


def _for_viewer(request: HttpRequest, names: Iterable[Any]) -> list[str]:
    """The columns or fields without the content of tasks, if the user may not view tasks."""
    may = may_view(request.user, Task)
    return [name for name in names if may or name not in _OF_TASKS]


def _view(outcome: Outcome) -> TaskView:
    """The view of the outcome's task, cached on the row."""
    cache = vars(outcome)
    if "_view" not in cache:
        cache["_view"] = task_views(outcome.task.project, [outcome.task])[0]
    return cache["_view"]
