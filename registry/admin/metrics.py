"""Metrics in the admin: every number about every version."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from registry.models import Metric

from .filters import VERSION
from .long_lists import LongListAdmin, of_version


@admin.register(Metric)
class MetricAdmin(LongListAdmin):
    """A metric of a version, with its number of examples."""

    list_display = ["name", "value", "n", "version", "target", "label", "step", "split"]
    list_filter = [VERSION]
    list_select_related = ["version"]
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = ["version", "target", "name", "split", "label", "step", "value", "n"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version")
