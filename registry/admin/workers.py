"""Workers in the admin: which were seen, and when."""

from django.contrib import admin

from registry.models import Worker

from .registry_admin import RegistryAdmin


@admin.register(Worker)
class WorkerAdmin(RegistryAdmin):
    """A django-q cluster on a machine."""

    list_display = ["cluster", "hostname", "seen_at"]
    list_filter = ["cluster"]
    ordering = ["-seen_at"]
    search_fields = ["hostname"]
    fields = ["cluster", "hostname", "seen_at"]
