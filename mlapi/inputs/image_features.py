"""The features of a task's image as an input.

What reads the database or decodes images is imported where it is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.images import addresses
from mlapi.images.features import ExtractorRef, FeatureSource
from mlapi.inputs.base import Input, Preparation

if TYPE_CHECKING:
    from django.db.models import QuerySet

DEFAULT = "opencv"


@dataclass(frozen=True)
class ImageFeatures(Input):
    """The features of the image at the address in a task, by an extractor; None: not yet chosen."""

    extractor: ExtractorRef | None = None

    medium = "image"
    shown_as = "image"
    in_data = False
    batch_size = 16  # each may have to be downloaded and embedded first
    setting_names = ("features", "name")

    def read(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        """The address of the image."""
        return addresses.read_address(task_data, target)

    def key(self, value: str) -> str:
        return addresses.canonical(value)

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: FeatureSource | None = None,
    ) -> list[Any]:
        """The vectors; one look-up for all."""
        return addresses.read_vectors(rows, target, self._chosen(), source)

    def thumbnail(
        self, project: Any, task_data: dict[str, Any], target: TargetSpec
    ) -> bytes | None:
        from mlapi.images.thumbnails import thumbnail

        address = self._read(task_data, target)
        return thumbnail(project, address) if isinstance(address, str) else None

    @property
    def settings(self) -> dict[str, str]:
        return asdict(self.extractor) if self.extractor else {}

    def of(self, settings: Mapping[str, str]) -> "ImageFeatures":
        return ImageFeatures(ExtractorRef(**settings)) if settings else self

    def chosen(self, options: Mapping[str, Any]) -> "ImageFeatures":
        """By the option `features`. Raises TrainingFailed where it is unavailable here."""
        from mlapi.images.extractors.loading import extractor

        features = options["features"]
        return ImageFeatures(ExtractorRef(features, extractor(features).name))

    def recorded(self, made_by: str, options: Mapping[str, Any]) -> "ImageFeatures":
        features = options.get("features", DEFAULT)
        return ImageFeatures(ExtractorRef(features, made_by)) if made_by else self

    @property
    def made_by(self) -> str:
        return self._chosen().name

    def source_in(self, folder: Path) -> FeatureSource:
        from mlapi.images.folder_store import FolderFeatureStore

        return FolderFeatureStore.read(folder)

    def tasks_at_hand(self, project: int, most: int) -> "QuerySet | None":
        from mlapi.images.feature_store import tasks_with_features

        return tasks_with_features(project, self.extractor, most) if self.extractor else None

    @classmethod
    def preparation(
        cls,
        project: Any,
        folder: Path,
        inputs: Sequence[Input],
        targets: Sequence[TargetSpec],
        rows: Iterable[dict[str, Any]],
    ) -> Preparation | None:
        from mlapi.images.preparation import ImagePreparation

        found = [one.extractor for one in inputs if isinstance(one, cls) and one.extractor]
        extractors = list(dict.fromkeys(found))
        return ImagePreparation.of(project, folder, extractors, targets, rows)

    def _chosen(self) -> ExtractorRef:
        if self.extractor is None:
            raise ValueError("The input's extractor is not chosen yet.")
        return self.extractor
