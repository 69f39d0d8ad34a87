"""Filters the list of outcomes to one cell of a version's confusion matrix."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from registry.models import ModelVersion, Outcome
from registry.reports.confusion import NO_ANSWER

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
            said = given["predicted"]
            condition = Q(predicted__isnull=True) if said == NO_ANSWER else Q(predicted=said)
            queryset = queryset.filter(condition)
        if "label" in given and given.get("cell") in _CELLS:
            queryset = _of_label(queryset, given["label"], *_CELLS[given["cell"]])
        return queryset


def described(request: HttpRequest) -> dict[str, Any] | None:
    """The cell that the list is narrowed to, in words, with its version; None for none."""
    given = request.GET
    number = given.get("version__id__exact", "")
    if "target" not in given or not number.isdecimal():
        return None
    version = ModelVersion.objects.filter(pk=number).only("label").first()
    if version is None:
        return None
    said = [f"Target {given['target']}"]
    if "human" in given:
        said.append(f"humans said {given['human']}")
    if "predicted" in given:
        said.append(f"the model said {given['predicted'] or 'nothing'}")
    if "label" in given and given.get("cell") in _CELLS:
        human, model = _CELLS[given["cell"]]
        said.append(f"humans {'gave' if human else 'did not give'} {given['label']}")
        said.append(f"the model {'did' if model else 'did not'}")
    return {"version": version, "words": ", ".join(said)}


def _of_label(queryset: QuerySet[Outcome], label: str, human: bool, model: bool) -> QuerySet:
    given, said = {"human__contains": [label]}, {"predicted__contains": [label]}
    queryset = queryset.filter(**given) if human else queryset.exclude(**given)
    return queryset.filter(**said) if model else queryset.exclude(**said)
