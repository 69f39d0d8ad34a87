"""The definition of a YOLO network, as the package's YAML files have it: its layers by name.

Of a definition the package evaluates some texts as Python and looks up others as names of its
code, so that only layers, numbers and a few words are taken.
"""

from collections.abc import Mapping
from typing import Any

_KEYS = ("nc", "scale", "scales", "depth_multiple", "width_multiple", "reg_max", "backbone", "head")
_LAST = "Detect"
_LAYERS = frozenset(
    {
        *("A2C2f", "Bottleneck", "BottleneckCSP", "C1", "C2", "C2f", "C2PSA", "C3", "C3Ghost"),
        *("C3k2", "C3x", "Concat", "Conv", "DWConv", "Focus", "GhostConv", "SPP", "SPPF"),
        *("nn.Identity", "nn.MaxPool2d", "nn.Upsample", "nn.ZeroPad2d", _LAST),
    }
)
_WORDS = frozenset({"nc", "None", "True", "False", "nearest", "bilinear"})
_MOST_LAYERS, _MOST_REPEATS, _MOST_NUMBER = 200, 100, 4_096


def checked(found: Any, classes: int) -> dict[str, Any]:
    """The definition of a network that finds so many classes.

    Raises ValueError unless it is of layers that are known, the last of which detects.
    """
    if not isinstance(found, Mapping):
        raise ValueError("It is no definition of a network.")
    if found.get("activation") or found.get("end2end"):
        raise ValueError("Definitions with activation or end2end are not read.")
    taken = {name: found[name] for name in _KEYS if found.get(name) is not None}
    backbone, head = taken.get("backbone"), taken.get("head")
    if not (isinstance(backbone, list) and isinstance(head, list) and backbone and head):
        raise ValueError("It is no definition of a network: it has no backbone, or no head.")
    layers = [*backbone, *head]
    if len(layers) > _MOST_LAYERS or not all(map(_is_layer, layers)):
        raise ValueError("It is no definition of a network: a layer of it is not known.")
    if [number for number, layer in enumerate(layers, 1) if layer[2] == _LAST] != [len(layers)]:
        raise ValueError(f"It is no definition of a network whose last layer is {_LAST}.")
    if not _is_scaled(taken):
        raise ValueError("It is no definition of a network: its scale is none of its scales.")
    return {**taken, "nc": classes}


def _is_layer(layer: Any) -> bool:
    if not isinstance(layer, list) or len(layer) != 4:
        return False
    source, repeats, name, arguments = layer
    sources = source if isinstance(source, list) else [source]
    return (
        all(isinstance(number, int) for number in sources)
        and isinstance(repeats, int)
        and 1 <= repeats <= _MOST_REPEATS
        and isinstance(name, str)
        and name in _LAYERS
        and isinstance(arguments, list)
        and all(map(_is_argument, arguments))
    )


def _is_argument(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_number, value))
    return value is None or _is_number(value) or (isinstance(value, str) and value in _WORDS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and -_MOST_NUMBER <= value <= _MOST_NUMBER


def _is_scaled(found: Mapping[str, Any]) -> bool:
    """Whether its numbers of depth and width are numbers."""
    scales = found.get("scales")
    numbers = [found.get(name, 1) for name in ("depth_multiple", "width_multiple", "reg_max")]
    if scales is not None:
        if not isinstance(scales, Mapping) or found.get("scale") not in scales:
            return False
        scale = scales[found["scale"]]
        if not isinstance(scale, list) or len(scale) != 3:
            return False
        numbers += scale
    return all(_is_number(number) and number > 0 for number in numbers)
