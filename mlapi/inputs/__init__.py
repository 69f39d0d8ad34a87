"""The inputs: what is read of tasks, one file or folder each.

`base` has the interface. Imports images, texts, labelstudio's references and domain, and neither
the database nor a pipeline; nothing imports numpy at its top, because label configs are matched
without it.
"""

from mlapi.inputs.base import Input
from mlapi.inputs.image_features import ImageFeatures
from mlapi.inputs.image_pixels import ImagePixels, SizedImages
from mlapi.inputs.text import TextInput

__all__ = ["ImageFeatures", "ImagePixels", "Input", "SizedImages", "TextInput"]
