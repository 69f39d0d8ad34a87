"""Errors of sentence encoders: why texts cannot be encoded here, with code and cure."""

from typing import NamedTuple

from mlapi.domain import TrainingFailed
from registry.error_codes import CODES


class EncoderError(NamedTuple):
    """Why a value of the option `encoder` cannot be used on this machine."""

    code: str
    message: str
    own_hint: str = ""

    @property
    def hint(self) -> str:
        return self.own_hint or CODES[self.code].hint

    def failure(self) -> TrainingFailed:
        """As the error that ends a training, or the loading of a version."""
        return TrainingFailed(self.code, self.message, hint=self.hint)


def missing(message: str, hint: str = "") -> EncoderError:
    return EncoderError("encoder_missing", message, hint)


def broken(message: str, hint: str = "") -> EncoderError:
    return EncoderError("encoder_broken", message, hint)


def changed(message: str) -> EncoderError:
    return EncoderError("encoder_changed", message)


def no_vision(message: str) -> EncoderError:
    return EncoderError("vision_missing", message)
