"""Reads the text of a task's data for a model."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from lxml import etree

from mlapi.domain import InputError, TargetSpec
from mlapi.labelstudio.label_config import value_of

# A text is read up to here, some 3,500 words. What follows hardly ever changes its class, and
# this bounds the time and memory of a request whatever a task holds.
MAX_CHARACTERS = 20_000
# Markup is cut before it is parsed: it is mostly tags, and 1 MB takes some 20 ms.
MAX_MARKUP = 1_000_000

# Neither XML nor a database's text takes these; lone surrogates come from JSON's "\ud800".
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSEEN = ("script", "style", "noscript", "template", "head", "title")
_BLOCK_TAGS = (
    "address article aside blockquote br caption dd div dl dt figcaption footer form h1 h2 h3 h4 "
    "h5 h6 header hr li main nav ol option p pre section summary table td th tr ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())


def read_text(task_data: Any, target: TargetSpec) -> str:
    """The text of a target in a task's data, clean, at most MAX_CHARACTERS long.

    Raises InputError with one of the codes field_missing, null, not_text, empty, unreadable.
    """
    value = value_of(task_data, target.field)
    if target.object_tag == "Paragraphs" and isinstance(value, list):
        text = _dialogue(value, target)
    elif not isinstance(value, str):
        kind = type(value).__name__
        raise InputError("not_text", f"The field {target.field!r} holds {kind}, not text.")
    elif target.object_tag == "HyperText":
        text = _visible(value)
    else:
        text = _clean(value[: 2 * MAX_CHARACTERS])
    text = text.strip()[:MAX_CHARACTERS].rstrip()
    if not text:
        raise InputError("empty", f"The field {target.field!r} has no text.")
    return text


def read_texts(rows: Sequence[Any], target: TargetSpec) -> list[str | InputError]:
    """The text of a target in each task's data, or why there is none."""
    found: list[str | InputError] = []
    for row in rows:
        try:
            found.append(read_text(row, target))
        except InputError as problem:
            found.append(problem)
    return found


def canonical(text: str) -> str:
    """The text without what makes no other text: case, width and composition, white space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Again, because folding can take a text out of its normal form (Unicode 3.13).
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def _dialogue(turns: list[Any], target: TargetSpec) -> str:
    """One line for each turn, "author: text"; a turn may also be bare text."""
    lines = []
    size = 0
    for turn in turns:
        if size > 2 * MAX_CHARACTERS:
            break
        if isinstance(turn, dict):
            parts = [turn.get(target.author_key), turn.get(target.text_key)]
            line = ": ".join(s for s in parts if isinstance(s, str) and s.strip())
        elif isinstance(turn, str):
            line = turn
        else:
            raise InputError("not_text", f"The field {target.field!r} is not a list of turns.")
        lines.append(_clean(line[: 2 * MAX_CHARACTERS]))
        size += len(lines[-1])
    return "\n".join(lines)


def _visible(markup: str) -> str:
    """The text of HTML that a reader sees: no tags, entities decoded, no script or style."""
    markup = _clean(markup[:MAX_MARKUP])
    if "<" not in markup and "&" not in markup:
        return markup
    try:
        # A parser for each call, because lxml's are bound to a thread. huge_tree: no depth limit.
        tree = etree.fromstring(
            markup.encode(),
            etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True),
        )
    except (etree.LxmlError, ValueError) as e:
        raise InputError("unreadable", "The HTML cannot be parsed.") from e
    if tree is None:  # nothing but a comment or half a tag
        return ""
    etree.strip_elements(tree, *_UNSEEN, with_tail=False)
    parts = []
    for event, element in etree.iterwalk(tree, events=("start", "end", "pi")):
        if event == "pi":
            parts.append(element.tail or "")
            continue
        if element.tag in _BLOCKS:
            parts.append("\n")
        parts.append((element.text if event == "start" else element.tail) or "")
    return re.sub(r"[ \t\r\xa0]*\n\s*", "\n", "".join(parts))
