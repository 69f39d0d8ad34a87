"""Outcomes in the admin: what versions answered, beside what humans said."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from registry.models import Outcome

from .filters import VERSION
from .long_lists import LongListAdmin, of_version


@admin.register(Outcome)
class OutcomeAdmin(LongListAdmin):
    """One answer of a version for one task and target."""

    list_display = ["task", "version", "target", "predicted", "human", "correct", "score", "source"]
    list_filter = [VERSION, "correct", "source"]
    list_select_related = ["task", "version"]
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = [
        "version",
        "task",
        "target",
        "source",
        "predicted",
        "human",
        "correct",
        "score",
        "at",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version", "task")
