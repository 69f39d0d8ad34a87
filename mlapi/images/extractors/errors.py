"""Errors of extractors: why features of images cannot be made here, with code and cure."""

from typing import NamedTuple

from mlapi.domain import TrainingFailed
from registry.error_codes import CODES

FOLDER_HINT = CODES["model_missing"].hint


class ExtractorError(NamedTuple):
    """Why a value of the option `features` cannot be used on this machine."""

    code: str
    message: str
    hint: str

    def failure(self) -> TrainingFailed:
        """As the error that ends a training, or a prediction."""
        return TrainingFailed(self.code, self.message, hint=self.hint)


def invalid(message: str) -> ExtractorError:
    return ExtractorError(
        "option_invalid", message, "Say opencv, or hf: and a model's name or folder."
    )


def no_vision(message: str) -> ExtractorError:
    return ExtractorError("vision_missing", message, CODES["vision_missing"].hint)


def no_model(message: str, *, hint: str = FOLDER_HINT) -> ExtractorError:
    return ExtractorError("model_missing", f"features hf: {message}", hint)


def broken_model(message: str) -> ExtractorError:
    return ExtractorError("model_broken", f"features hf: {message}", FOLDER_HINT)
