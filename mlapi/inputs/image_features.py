"""The features of a task's image as an input."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.images import addresses
from mlapi.images.features import ExtractorRef, InputSource
from mlapi.inputs.image import ImageInput
from mlapi.texts.refs import is_encoder

if TYPE_CHECKING:
    from django.db.models import QuerySet

DEFAULT = "opencv"


@dataclass(frozen=True)
class ImageFeatures(ImageInput):
    """The features of the image at the address in a task, by an extractor; None: not yet chosen."""

    extractor: ExtractorRef | None = None

    setting_names = ("features", "name")

    def read_all(
        self,
        rows: Sequence[dict[str, Any]],
        target: TargetSpec,
        source: InputSource | None = None,
    ) -> list[Any]:
        """The vectors; one look-up for all."""
        return addresses.read_vectors(rows, target, self._chosen(), source)

    @property
    def settings(self) -> dict[str, str]:
        return asdict(self.extractor) if self.extractor else {}

    def with_settings(self, settings: Mapping[str, str]) -> "ImageFeatures":
        own = {name: settings[name] for name in self.setting_names if name in settings}
        return ImageFeatures(ExtractorRef(**own)) if own else self

    def for_options(self, options: Mapping[str, Any]) -> "ImageFeatures":
        """By the option `features`. Raises TrainingFailed where it is unavailable here."""
        from mlapi.images.extractors.loading import extractor

        features = options["features"]
        return ImageFeatures(ExtractorRef(features, extractor(features).name))

    def of_version(self, extractor_name: str, options: Mapping[str, Any]) -> "ImageFeatures":
        features = options.get("features", DEFAULT)
        names = [name for name in extractor_name.split(", ") if name and not is_encoder(name)]
        return ImageFeatures(ExtractorRef(features, names[0])) if names else self

    @property
    def extractor_name(self) -> str:
        return self._chosen().name

    def tasks_with_stored_input(self, project: int, most: int) -> "QuerySet | None":
        from mlapi.images.feature_store import tasks_with_features

        return tasks_with_features(project, self.extractor, most) if self.extractor else None

    def _chosen(self) -> ExtractorRef:
        if self.extractor is None:
            raise ValueError("The input's extractor is not chosen yet.")
        return self.extractor
