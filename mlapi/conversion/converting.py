"""Converts a version's artifact in a child process, and stores the result beside it."""

import structlog
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from mlapi.child_process import folder as folders
from mlapi.child_process import supervise
from mlapi.child_process.supervise import (
    NO_FAULT_OF_THE_ARTIFACT,
    Limits,
    again_if_killed,
    program,
)
from mlapi.domain import Stored
from mlapi.run_folder.job import ConversionJob
from mlapi.run_folder.result import read_conversion
from registry import artifacts, queue
from registry.actions import registration, run_starts, versions
from registry.errors import EvalsError
from registry.models import ConvertedArtifact, ModelVersion
from registry.verified import ARTIFACT_FORMAT, read_verified

log = structlog.get_logger(__name__)

_SECONDS = 300
_SERVES = Q(project__champion=F("pk"))


class ConversionFailed(EvalsError):
    """The version's artifact could not be brought into today's format."""

    code = "conversion_failed"


def unconverted() -> QuerySet[ModelVersion]:
    """Versions without an artifact of today's format, champions first."""
    converted = ConvertedArtifact.objects.filter(version=OuterRef("pk"))
    old = ModelVersion.objects.filter(~Exists(converted), artifact_format__lt=ARTIFACT_FORMAT)
    champions_first = Case(When(_SERVES, then=0), default=1)
    return old.select_related("project").order_by(champions_first, "-pk")


def is_old(version: ModelVersion) -> bool:
    """Whether the version must be converted before it can be loaded."""
    return unconverted().filter(pk=version.pk).exists()


def request_champions() -> None:
    """Queues the conversion of each champion of an old format; the others are converted on use.

    A version that is promoted, rolled back or fallen back to later is converted then; the
    command `convert_artifacts` converts all of them.
    """
    for version in unconverted().filter(_SERVES):
        queue.convert(version.pk)


def convert(version: ModelVersion) -> ConvertedArtifact | None:
    """Converts the version unless it has today's format or was converted; returns the artifact.

    Raises ConversionFailed, ArtifactMissing, ArtifactCorrupt, ChildKilled where its process was
    killed from outside twice, DiskFull, or FolderInvalid. Takes some seconds, and may not be called
    in a transaction.
    """
    if not is_old(version):
        return None
    with folders.temporary_folder("convert") as folder:
        path = artifacts.fetch_file(version.artifact, version.artifact_sha256)
        ConversionJob(Stored(path, version.artifact_sha256), version.pipeline).write(folder)
        try:
            conversion = program("mlapi.conversion.child", str(folder))
            limits = Limits.from_settings(_SECONDS)
            again_if_killed(lambda: supervise.supervise(conversion, folder, limits))
            content = read_verified(folder / "artifact.bin", read_conversion(folder).sha256)
        except NO_FAULT_OF_THE_ARTIFACT:
            raise
        except EvalsError as error:
            tail = supervise.output_tail(folder).strip()
            log.error("not converted", version=version.label, error=str(error), output=tail)
            raise ConversionFailed(f"{version.label} was not converted: {error}") from error
    converted = registration.add_converted(version, content)
    log.info("converted", version=version.label, artifact=converted.artifact)
    return converted


def convert_or_train(version: ModelVersion) -> None:
    """Converts the version; if that fails and it is champion, queues one run to replace it.

    Until that run has ended the project's tasks get empty entries. The champion does not fall
    back: earlier versions have the old format as well.
    """
    if not version.load_failed_at:  # else it was tried before
        try:
            convert(version)
        except ConversionFailed as error:
            versions.mark_load_failed(version, error.message)
        else:
            return
    if version.project.champion_id == version.pk:
        run_starts.start_for_format(version.project, actor="serving", reason=version.load_error)
