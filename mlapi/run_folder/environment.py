"""Which Python and packages a version was trained with."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    *("evadb", "scikit-learn", "numpy", "scipy", "pandas", "xgboost", "FLAML"),
    *("opencv-python-headless", "pillow", "faiss-cpu", "torch", "transformers"),
)


def environment() -> dict[str, str]:
    """Versions by name."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
