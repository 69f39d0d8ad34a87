"""Texts: what Label Studio's editor shows of a task in each object tag that is text."""

from mlapi.inputs.text.input import TextInput

__all__ = ["TextInput"]
