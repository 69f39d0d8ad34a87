"""Filters the list of outcomes to one cell of a version's confusion matrix."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from registry.models import ModelVersion
from registry.reports.confusion import in_label_cell, with_prediction

_PARAMETERS = ["target", "human", "predicted", "label", "cell"]
# Of a label of a multiple choice: whether the human gave it, and whether the model said it.
_CELLS = {
    "both": (True, True),
    "human_only": (True, False),
    "model_only": (False, True),
    "neither": (False, False),
}


class CellFilter(admin.ListFilter):
    """`target` with `human` and `predicted`, or with `label` and `cell`; of one version only.

    Without a version it narrows nothing: the database would have to read every outcome.
    """

    title = "cell of the confusion"
    template = "registry/cell_filter.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)  # type: ignore[arg-type]
        for name in _PARAMETERS:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value
        self.has_version = bool(request.GET.get("version__id__exact"))

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
        if not self.has_version:
            return queryset
        given = {name: str(value) for name, value in self.used_parameters.items()}
        if "target" in given:
            queryset = queryset.filter(target=given["target"])
        if "human" in given:
            queryset = queryset.filter(human=given["human"])
        if "predicted" in given:
            queryset = with_prediction(queryset, given["predicted"])
        if "label" in given and given.get("cell") in _CELLS:
            human, predicted = _CELLS[given["cell"]]
            queryset = in_label_cell(queryset, given["label"], human=human, predicted=predicted)
        return queryset


def cell_description(request: HttpRequest) -> dict[str, Any] | None:
    """The description of the cell that the list is narrowed to, and its version; None for none."""
    given = request.GET
    number = given.get("version__id__exact", "")
    if "target" not in given or not number.isdecimal():
        return None
    version = ModelVersion.objects.filter(pk=number).only("label").first()
    if version is None:
        return None
    parts = [f"Target {given['target']}"]
    if "human" in given:
        parts.append(f"humans said {given['human']}")
    if "predicted" in given:
        parts.append(f"the model said {given['predicted'] or 'nothing'}")
    if "label" in given and given.get("cell") in _CELLS:
        human, model = _CELLS[given["cell"]]
        parts.append(f"humans {'gave' if human else 'did not give'} {given['label']}")
        parts.append(f"the model {'did' if model else 'did not'}")
    return {"version": version, "words": ", ".join(parts)}
