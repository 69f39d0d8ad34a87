"""Workers and schedules in the admin: read-only, because a schedule names code to call."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_q.admin import ScheduleAdmin as BaseScheduleAdmin
from django_q.models import Schedule
from unfold.admin import ModelAdmin

from registry.models import Worker

from .registry_admin import RegistryAdmin

admin.site.unregister(Schedule)


@admin.register(Schedule)
class ScheduleAdmin(BaseScheduleAdmin, ModelAdmin):
    """A periodic job and its next time."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Worker)
class WorkerAdmin(RegistryAdmin):
    """A django-q cluster on a machine."""

    list_display = ["cluster", "hostname", "heartbeat_at"]
    list_filter = ["cluster"]
    ordering = ["-heartbeat_at"]
    search_fields = ["hostname"]
    fields = ["cluster", "hostname", "heartbeat_at"]
