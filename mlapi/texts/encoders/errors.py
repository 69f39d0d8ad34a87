"""Errors of sentence encoders: why texts cannot be encoded here, with code and cure."""

from typing import NamedTuple

from mlapi.domain import TrainingFailed
from registry.error_codes import CODES


class EncoderError(NamedTuple):
    """Why a value of the option `encoder` cannot be used on this machine."""

    code: str
    message: str

    @property
    def hint(self) -> str:
        return CODES[self.code].hint

    def failure(self) -> TrainingFailed:
        """As the error that ends a training, or the loading of a version."""
        return TrainingFailed(self.code, self.message, hint=self.hint)


def missing(message: str) -> EncoderError:
    return EncoderError("encoder_missing", message)


def broken(message: str) -> EncoderError:
    return EncoderError("encoder_broken", message)


def changed(message: str) -> EncoderError:
    return EncoderError("encoder_changed", message)
