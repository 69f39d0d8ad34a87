"""What people see of HTML, and of any text that may hold what no text should."""

import re

from lxml import etree

from mlapi.domain import InputError

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


def clean(text: str) -> str:
    """The text without characters that cannot be stored."""
    if text.isprintable():
        return text  # as nearly each is; the expression takes ten times as long
    return _UNPRINTABLE.sub(" ", text)


def visible_text(markup: str) -> str:
    """The text of HTML that a reader sees: no tags, entities decoded, no script or style."""
    markup = clean(markup[:MAX_MARKUP])
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
