"""Scripts of texts: the pattern of words with their marks, and the share without spaces."""

import re
import unicodedata
from collections.abc import Sequence

# Unicode's marks begin and end within these; looking through all of Unicode takes ten times longer.
_MARKS_WITHIN = (range(0x300, 0x1E95F), range(0xE0100, 0xE01F0))
# Joiners are of the word that they stand in (Persian, Sinhala, Hindi).
_JOINERS = "\u200c\u200d"
# Scripts whose texts part clauses or syllables, and no words: Thai and Lao, Tibetan, Burmese,
# Khmer, kana, bopomofo, Chinese characters.
_WITHOUT_SPACES = re.compile(
    "[\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af]"
)
_LETTER = re.compile(r"[^\W\d_]")
_READ = 1_000  # characters of a text


def marks() -> str:
    r"""Unicode's marks, \p{M}, as the inside of a class of a regular expression.

    Vowel signs and points are marks, which \w leaves out: without them the words of Hindi, Khmer
    or pointed Hebrew are torn (Unicode Standard Annex 29, Extend and SpacingMark).
    """
    found: list[str] = []
    for within in _MARKS_WITHIN:
        first = None
        for code in (*within, None):
            is_mark = code is not None and unicodedata.category(chr(code)).startswith("M")
            if is_mark and first is None:
                first = code
            elif not is_mark and first is not None:
                last = within.stop - 1 if code is None else code - 1
                found.append(f"{chr(first)}-{chr(last)}")
                first = None
    return "".join(found)


def word_or_sign() -> re.Pattern[str]:
    """Words with their marks, and every other sign by itself."""
    of_words = rf"\w{marks()}{_JOINERS}"
    return re.compile(rf"[{of_words}]+|[^{of_words}\s]")


def share_without_spaces(texts: Sequence[str]) -> float:
    """The share, 0 to 1, of the letters that are of scripts without spaces between words."""
    letters = without = 0
    for text in texts:
        read = text[:_READ]
        if not read.isascii():
            without += len(_WITHOUT_SPACES.findall(read))
        letters += len(_LETTER.findall(read))
    return min(1.0, without / letters) if letters else 0.0
