"""Training runs in the admin: what started each, what it did, how it ended; cancel and retry."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant

from registry.acts import runs
from registry.models import TrainingRun

from .base import OptionalReasonForm, act, as_json, as_text, is_list, link
from .filters import PROJECT
from .long_lists import LongListAdmin, of_project

STATE_COLOURS = {
    "Queued": "info",
    "Running": "info",
    "Succeeded": "success",
    "Failed": "danger",
    "Cancelled": "warning",
}


def _of_error(word: str) -> Q:
    return Q(error_code=word)


@admin.register(TrainingRun)
class TrainingRunAdmin(LongListAdmin):
    """One attempt to learn a version."""

    list_display = [
        "id",
        "project",
        "state_label",
        "percent",
        "trigger",
        "version_link",
        "created_at",
    ]
    list_display_links = ["id", "project"]
    list_filter = [PROJECT, "state", "trigger"]
    list_select_related = ["project", "version"]
    search_help_text = "By project, or code of the error"
    finds = [_of_error, of_project]
    actions_detail = ["cancel", "retry"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "project_link",
                    "state_label",
                    "phase",
                    "percent",
                    "version_link",
                    "error_code",
                    "error",
                    "hint",
                ]
            },
        ),
        (
            "Started",
            {
                "fields": [
                    "trigger",
                    "actor",
                    "retry_link",
                    "worker",
                    "created_at",
                    "started_at",
                    "heartbeat_at",
                    "ended_at",
                    "cancel_requested",
                ]
            },
        ),
        (
            "Learned from",
            {"fields": ["dataset", "dataset_fingerprint", "dataset_file", "snapshot_at"]},
        ),
        ("Did", {"fields": ["shown_candidates", "shown_comparison", "shown_phases"]}),
        ("Parameters", {"classes": ["collapse"], "fields": ["shown_parameters"]}),
        ("EvaDB statements", {"classes": ["collapse"], "fields": ["shown_statements"]}),
        ("Log", {"fields": ["shown_log"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request).select_related("project", "version", "retry_of")
        if is_list(request):
            # What only the page of one run shows may be megabytes for each.
            return queryset.defer("log", "statements", "candidates", "comparison", "phases")
        return queryset

    @act(
        "Cancel",
        name="cancel",
        description="A queued run ends at once, a running one within two seconds.",
        form=OptionalReasonForm,
        variant=ActionVariant.DANGER,
        icon="cancel",
    )
    def cancel(self, request: HttpRequest, run: TrainingRun, given: dict[str, Any]) -> str:
        run = runs.cancel(run.pk, actor=request.user.get_username(), reason=given["reason"])
        return f"Run {run.pk} is asked to stop." if run.is_active else f"Run {run.pk} is cancelled."

    @act(
        "Retry",
        name="retry",
        description="Queues it again, with its parameters, on today's labels.",
        form=OptionalReasonForm,
        icon="replay",
    )
    def retry(self, request: HttpRequest, run: TrainingRun, given: dict[str, Any]) -> str:
        again, created = runs.retry(run, actor=request.user.get_username(), reason=given["reason"])
        if created:
            return f"Run {again.pk} is queued."
        return f"Run {again.pk} is {again.state} already."

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, run: TrainingRun) -> str:
        return run.get_state_display()

    @display(description="Progress", ordering="progress")
    def percent(self, run: TrainingRun) -> str:
        return f"{run.progress:.0%}"

    @display(description="Version")
    def version_link(self, run: TrainingRun) -> str:
        return link(getattr(run, "version", None))

    @display(description="Project")
    def project_link(self, run: TrainingRun) -> str:
        return link(run.project)

    @display(description="Retry of")
    def retry_link(self, run: TrainingRun) -> str:
        return link(run.retry_of)

    @display(description="Counts")
    def dataset(self, run: TrainingRun) -> str:
        return as_json(run.dataset_counts)

    @display(description="Candidates")
    def shown_candidates(self, run: TrainingRun) -> str:
        return as_json(run.candidates)

    @display(description="Beside the champion")
    def shown_comparison(self, run: TrainingRun) -> str:
        return as_json(run.comparison)

    @display(description="Phases")
    def shown_phases(self, run: TrainingRun) -> str:
        return as_json(run.phases)

    @display(description="Parameters")
    def shown_parameters(self, run: TrainingRun) -> str:
        return as_json(run.parameters)

    @display(description="As executed")
    def shown_statements(self, run: TrainingRun) -> str:
        return as_json(run.statements)

    @display(description="Log")
    def shown_log(self, run: TrainingRun) -> str:
        return as_text(run.log)
