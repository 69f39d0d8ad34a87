"""Image clusters as a pipeline: the name of a task's cluster, which annotators can change."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig
from mlapi.pipelines import refusals
from mlapi.pipelines.image_clusters.options import OPTIONS
from mlapi.pipelines.images.pipeline import ImagePipeline, image_of
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.targets import target_spec
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter

if TYPE_CHECKING:
    from mlapi.evaluation.joined import TrainedPart
    from mlapi.pipelines.image_clusters.model import ClusterModel
    from mlapi.pipelines.parts import Parts

CONTROLS = ("TextArea", "Choices", "Taxonomy")
# A cluster has one name, also where the control takes several.
_ONE = {"choices": "choice", "taxonomy": "taxonomy_choice"}


class ImageClusters(ImagePipeline):
    """The option `cluster` chooses a TextArea, Choices or Taxonomy on Image."""

    name = "image_clusters"
    options = OPTIONS
    chosen_by = "cluster"
    one_target = True
    modules = (
        "mlapi.images.function",
        "mlapi.pipelines.image_clusters.function",
    )
    learns_from = "all"
    counts = "tasks"  # clusters are found without labels, which only name them
    # A few new names are worth a version, however many images there are.
    policy = {"changed_min": 5, "changed_share": 0.0}

    def purpose(self, options: Mapping[str, Any]) -> str:
        return "clusters"

    def target(
        self, control: Control, config: LabelConfig, options: Mapping[str, Any]
    ) -> TargetSpec | str:
        code = _refusal(control, config, options.get("cluster"))
        image = image_of(control, config)
        if code or isinstance(image, str):
            return code
        spec = target_spec(control, (image,))
        return replace(spec, kind=_ONE.get(spec.kind, spec.kind))

    def read_model(self, parts: "Parts") -> "ClusterModel":
        from mlapi.pipelines.image_clusters.model import ClusterModel

        return ClusterModel.from_parts(parts)

    def predictor(self, model: "ClusterModel") -> Predictor:
        from mlapi.pipelines.image_clusters.predictor import ClusterPredictor

        return ClusterPredictor(model)

    def train(self, job: TrainingJob, progress: ProgressWriter) -> "TrainedPart":
        from mlapi.eva.open import open_eva
        from mlapi.pipelines.image_clusters.training import train

        eva = open_eva(job.folder / "eva", progress.statement)
        store = self.prepare_features(job, eva, progress)
        return train(job, progress, self.input.with_settings(job.input), store, eva)


def _refusal(control: Control, config: LabelConfig, cluster: Any) -> str:
    """The code of why the control is not the one that the option chooses; "" if it is.

    The option is the name of a control, or true for one whose own option it is.
    """
    if control.tag not in CONTROLS:
        return "control_not_served"
    image = image_of(control, config)
    if isinstance(image, str):
        return image
    if cluster is not True and control.name != cluster:
        named = any(other.name == cluster for other in config.controls)
        return "other_control" if named else "control_not_found"
    if control.per_region:
        return "per_region"
    if control.tag == "TextArea":
        return ""
    if control.tag == "Taxonomy":
        return "dynamic" if control.dynamic else "" if control.labels else "no_labels"
    return refusals.refusal(control)
