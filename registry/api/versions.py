"""/api/versions/: what each learned and how good it is; promote, archive and annotate one."""

from typing import Any

from registry.models import Metric, ModelVersion

from .version_filters import VersionFilter
from .version_reports import VersionReports
from .version_serializers import VersionDetailSerializer, VersionSerializer

# What may be long, or is decrypted, and no list shows.
_LONG = [
    f"project__{name}"
    for name in ("label_config", "extra_params", "connection", "setup_token", "labelstudio_key")
]


class Versions(VersionReports):
    """Immutable versions of the projects' models. Nothing deletes one."""

    queryset = ModelVersion.objects.select_related("project")  # whose champion says the state
    serializer_class = VersionSerializer
    detail_serializer_class = VersionDetailSerializer
    filterset_class = VersionFilter
    ordering_fields = ("id", "number", "created_at", "artifact_bytes")
    search_fields = ("label", "note")
    narrow_by = ("project", "run")
    indexed = ("label", "champion", "archived", "load_failed")
    ordered_by = ("project",)
    reads = {"retrieve": (Metric,), **VersionReports.reads}

    def get_queryset(self) -> Any:
        if self.action == "list":
            return self.queryset.defer("environment", *_LONG)
        return self.queryset.prefetch_related("targets")
