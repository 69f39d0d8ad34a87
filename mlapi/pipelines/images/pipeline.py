"""The base class of pipelines on images, and which controls of a label config are on an image."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from mlapi.domain import InputError, TargetSpec, TrainingFailed
from mlapi.inputs import ImageFeatures
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag
from mlapi.labelstudio.references import REFERENCE
from mlapi.pipelines import refusals
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.images.options import check_features
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import LearningCurve, TrainingResult

if TYPE_CHECKING:
    from mlapi.eva.open import Eva
    from mlapi.images.folder_store import FolderImageStore

EXTRACTION_SHARE = 0.3  # of the progress of a training


def image_of(control: Control, config: LabelConfig) -> ObjectTag | str:
    """The Image that the control is on, or the code of why it is on none that can be read."""
    found = refusals.objects_of(control, config)
    if isinstance(found, str):
        return found
    if any(tag.tag != "Image" for tag in found):
        return "object_not_served" if len(found) == 1 else "several_objects"
    if len(found) > 1:
        return "several_objects"
    if found[0].attr("valueList"):
        return "several_images"
    return found[0] if REFERENCE.search(found[0].value) else "field_unclear"


class ImagePipeline(Pipeline):
    """Reads the features of the image that each task names."""

    input = ImageFeatures()

    def applies_to(self, config: LabelConfig) -> bool:
        return any(found.tag == "Image" for found in config.objects.values())

    def validate_options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """As of any pipeline; also InvalidOption for features that this machine cannot make."""
        validated = super().validate_options(chosen)
        check_features(validated["features"])
        return validated

    def learning_curve(
        self, job: TrainingJob, progress: ProgressWriter, result: TrainingResult
    ) -> LearningCurve:
        """Empty: what is not fitted to labels does not improve with more of them."""
        return LearningCurve([])

    def prepare_features(
        self, job: TrainingJob, eva: "Eva", progress: ProgressWriter
    ) -> "FolderImageStore":
        """The features of the images of the job's rows, extracted where they are missing."""
        from mlapi.images.extraction import extract_features, log_unavailable
        from mlapi.images.folder_store import FolderImageStore

        store = FolderImageStore.read(job.folder)
        own = self.input.with_settings(job.input)
        named = [
            address
            for row in job.rows
            for target in job.targets
            if (address := self._address(row["data"], target))
        ]
        progress.phase("extracting features", 0.0)
        extract_features(
            job, eva, store, own.extractor, named, progress.part(0.0, EXTRACTION_SHARE)
        )
        log_unavailable(store, named, progress)
        progress.unreadable(_unreadable(job, own, store))
        other = self.input.with_settings(job.champion_input)
        if other not in (own, self.input):
            try:
                extract_features(job, eva, store, other.extractor, named, progress)
            except TrainingFailed as error:
                # Its stored features go too: evaluated on some of the images, it would score less.
                store.features.pop(other.extractor_name, None)
                progress.log(f"The champion's extractor cannot be used: {error.message}")
        return store

    def _address(self, task_data: dict[str, Any], target: TargetSpec) -> str:
        try:
            return self.input.read(task_data, target)
        except InputError:
            return ""


def _unreadable(job: TrainingJob, own: ImageFeatures, store: "FolderImageStore") -> Counter[str]:
    """The number of tasks without an image that can be read, by code of the reason."""
    found: Counter[str] = Counter()
    for row in job.rows:
        for target in job.targets:
            (vector,) = own.read_all([row["data"]], target, store)
            if isinstance(vector, InputError):
                found[vector.code] += 1
                break
    return found
