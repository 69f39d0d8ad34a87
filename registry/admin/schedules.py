"""Schedules in the admin: looked at only, by everyone. One names code to call; ours are in code."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_q.admin import ScheduleAdmin as BaseScheduleAdmin
from django_q.models import Schedule
from unfold.admin import ModelAdmin

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
