"""A label config's XML as the elements that Label Studio's editor makes of it.

As in `tagIntoObject` and `attrsToProps` of Label Studio 1.23's editor: tags are known and
attributes read in any case, and what stands between a tag's ends is its value.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, tostring
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException, ElementTree

from registry.errors import HttpError

MAX_CHARACTERS = 2_000_000
MAX_TAGS = 50_000
MAX_DEPTH = 200

# The tags that something here depends on, in Label Studio's spelling.
_TAGS = (
    "View Choices Choice Taxonomy TextArea Rating Pairwise Label Labels Relation Filter Repeater "
    "Markdown Rectangle RectangleLabels Ellipse Polygon KeyPoint Brush Bitmask Vector "
    "Text HyperText Paragraphs Table List Chat Image Audio Video Pdf TimeSeries"
)
_SPELLING = {tag.lower(): tag for tag in _TAGS.split()}


class InvalidLabelConfig(HttpError):
    """Not a valid label config. The message is one ASCII line without text of the config."""

    code = "label_config_invalid"
    text = "The label config is not valid."


def text_of(choice: Element) -> str:
    """What the editor writes for a choice: the alias, else the value."""
    return choice.get("alias") or choice.get("value") or ""


def walk(xml: str) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Each element with its parents, in document order; attributes in lower case.

    Raises InvalidLabelConfig if it is not XML, has a document type or entities, or exceeds the
    limits above. Not recursive, as depth is unlimited.
    """
    stack: list[tuple[Element, tuple[Element, ...]]] = [(_root(xml), ())]
    tags = 0
    while stack:
        element, parents = stack.pop()
        tags += 1
        if tags > MAX_TAGS:
            raise InvalidLabelConfig(f"The label config has more than {MAX_TAGS} tags.")
        if len(parents) >= MAX_DEPTH:
            raise InvalidLabelConfig(f"The label config is nested deeper than {MAX_DEPTH} tags.")
        _normalize(element)
        yield element, parents
        inside = (*parents, element)
        stack.extend((child, inside) for child in reversed(element))


def _root(xml: str) -> Element:
    if not isinstance(xml, str) or not xml.strip():
        raise InvalidLabelConfig("The label config is empty.")
    if len(xml) > MAX_CHARACTERS:
        raise InvalidLabelConfig("The label config is longer than 2,000,000 characters.")
    try:
        return ElementTree.fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise InvalidLabelConfig("The label config has a DTD or entities.") from None
    except ParseError as e:
        line = e.position[0]
        raise InvalidLabelConfig(f"The label config is not valid XML (line {line}).") from None
    except ValueError:  # characters that no XML may have, such as lone surrogates
        raise InvalidLabelConfig("The label config is not valid XML.") from None


def _normalize(element: Element) -> None:
    element.tag = _SPELLING.get(element.tag.lower(), element.tag)
    for name in [name for name in element.attrib if name != name.lower()]:
        element.set(name.lower(), element.attrib.pop(name))
    if element.tag == "HyperText" or not len(element):
        inside = _markup_in(element).strip()
        if inside:
            element.set("value", inside)
        del element[:]


def _markup_in(element: Element) -> str:
    try:
        children = "".join(tostring(child, encoding="unicode") for child in element)
    except RecursionError:  # from some 900 levels on
        raise InvalidLabelConfig(
            f"The label config is nested deeper than {MAX_DEPTH} tags."
        ) from None
    return escape(element.text or "") + children
