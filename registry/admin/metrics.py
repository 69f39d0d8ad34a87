"""Metrics in the admin: every number about every version."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from registry.models import Metric

from .base import LongListAdmin
from .filters import VERSION


@admin.register(Metric)
class MetricAdmin(LongListAdmin):
    """A number about a version, with the examples it rests on."""

    list_display = ["name", "value", "n", "version", "target", "label", "step", "split"]
    list_filter = [VERSION, "split"]
    list_select_related = ["version"]
    ordering = ["-id"]
    search_fields = ["name", "target", "label"]
    fields = ["version", "target", "name", "split", "label", "step", "value", "n"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version")
