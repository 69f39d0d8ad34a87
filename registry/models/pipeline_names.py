"""The names of the pipelines of a project or version, which are stored as one text: `a, b`."""

from collections.abc import Iterable

from django.db.models import Q

_BETWEEN = ", "


def has_pipeline(name: str) -> Q:
    """Rows whose `pipeline` names this one, alone or among others; or that very text."""
    return (
        Q(pipeline=name)
        | Q(pipeline__startswith=name + _BETWEEN)
        | Q(pipeline__endswith=_BETWEEN + name)
        | Q(pipeline__contains=_BETWEEN + name + _BETWEEN)
    )


def names(texts: Iterable[str]) -> list[str]:
    """Each name in these texts once, in order."""
    return sorted({name for text in texts for name in text.split(_BETWEEN) if name})
