"""The options of image classification."""

from mlapi.pipelines import options
from mlapi.pipelines.images.options import SHARED

OPTIONS = {
    options.AUTOML_OPTION: options.automl("off"),
    options.RARE: options.RARE_LABELS,
    **SHARED,
}
