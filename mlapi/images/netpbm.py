"""Decodes the PNM files that Pillow decodes in Python, at two seconds for each MB.

Those are numbers written as text, in which comments can make it minutes, and samples whose largest
value is another than 255 or, of grey, 65535.
"""

import re
from functools import partial

import numpy as np
from PIL import Image, ImageFile

_COMMENT = re.compile(rb"#[^\r\n]*")
_BLANKS = b" \t\n\v\f\r"


def use_quick_decoder(image: ImageFile.ImageFile) -> None:
    """Has an opened PNM file decoded by these decoders, where Pillow has none in C."""
    image.tile = [tile._replace(codec_name=_OURS.get(tile[0], tile[0])) for tile in image.tile]


class _Samples(ImageFile.PyDecoder):
    """Integers of one or two bytes, from 0 to the largest value, which becomes white."""

    _pulls_fd = True

    def decode(self, buffer: object) -> tuple[int, int]:
        count = self.state.xsize * self.state.ysize * Image.getmodebands(self.mode)
        if self.mode == "1":
            self.set_as_raw(np.where(self._bits(count), 0, 255).astype("u1").tobytes(), "1;8")
            return -1, 0
        most = self.args[-1]
        white, kind, raw = (65_535, "<i4", "I;32") if self.mode == "I" else (255, "u1", self.mode)
        shown = np.rint(np.arange(most + 1) / most * white).astype(kind)
        self.set_as_raw(shown[np.minimum(self._numbers(count, most), most)].tobytes(), raw)
        return -1, 0

    def _numbers(self, count: int, most: int) -> np.ndarray:
        """At most `count`; fewer where the file is cut short."""
        size = 1 if most < 256 else 2
        content = self.fd.read(count * size)  # type: ignore[union-attr] # set before decoding
        return np.frombuffer(content[: len(content) // size * size], f">u{size}")

    def _bits(self, count: int) -> np.ndarray:
        raise NotImplementedError("Pillow decodes them")


class _TextSamples(_Samples):
    """The same as decimal numbers with blanks between them; bits also without."""

    def _numbers(self, count: int, most: int) -> np.ndarray:
        text = self._text()
        if text.translate(None, _BLANKS + b"0123456789"):
            raise ValueError("A sample is no number, or negative")
        numbers = np.fromstring(text, np.int64, sep=" ")[:count]
        if (numbers > most).any():
            raise ValueError("A sample is larger than the largest value")
        return numbers

    def _bits(self, count: int) -> np.ndarray:
        text = self._text().translate(None, _BLANKS)[:count]
        if text.strip(b"01"):
            raise ValueError("A sample is neither 0 nor 1")
        return np.frombuffer(text, "u1") == ord("1")

    def _text(self) -> bytes:
        """All of it without comments; by some lines at a time, as comments take memory."""
        some_lines = partial(self.fd.readlines, 2**16)  # type: ignore[union-attr]
        return b"".join(_COMMENT.sub(b" ", b"".join(lines)) for lines in iter(some_lines, []))


_OURS = {"ppm": "pnm_samples", "ppm_plain": "pnm_text"}
Image.register_decoder("pnm_samples", _Samples)
Image.register_decoder("pnm_text", _TextSamples)
