"""Reads the text of a task's data for a model."""

import re
import unicodedata
from typing import Any

from mlapi.domain import InputError, TargetSpec
from mlapi.inputs.text.objects import MAX_CHARACTERS, editor_text
from mlapi.labelstudio.references import referred

_WORD = re.compile(r"\w+")
# A letter of no word that people write, so that a word of the right-hand text is another word.
_RIGHT = "\u01c1"


def read_text(task_data: Any, target: TargetSpec) -> str:
    """The text of a target in a task's data, clean, at most MAX_CHARACTERS long.

    Of several objects those that have a text, one after the other. Raises InputError with one of
    the codes of `editor_text`, or empty.
    """
    texts = _texts(task_data, target)
    return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text)


def read_input(task_data: Any, target: TargetSpec) -> str:
    """The text as a model reads it. Raises InputError as `read_text` does.

    For Pairwise it tells the two sides apart: words of the right-hand text are marked.
    """
    if target.control_tag != "Pairwise":
        return read_text(task_data, target)
    left, *right = _texts(task_data, target)
    return "\n".join([left, *(_WORD.sub(f"{_RIGHT}\\g<0>", text) for text in right)])


def canonical(text: str) -> str:
    """The text without what makes no other text: case, width and composition, white space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Again, because folding can take a text out of its normal form (Unicode 3.13).
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _texts(task_data: Any, target: TargetSpec) -> list[str]:
    """The text of each object, "" where it has none. Raises InputError if none has one."""
    most = MAX_CHARACTERS // len(target.sources)
    texts: list[str] = []
    problems: list[InputError] = []
    for source in target.sources:
        try:
            texts.append(editor_text(source, task_data).strip()[:most].rstrip())
        except InputError as problem:
            texts.append("")
            problems.append(problem)
    if any(texts):
        return texts
    if problems:
        raise problems[0]
    names = ", ".join(repr(name) for s in target.sources for name in referred(s.value))
    raise InputError("empty", f"The field {names} has no text.")
