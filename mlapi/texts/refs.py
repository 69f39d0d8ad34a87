"""What names a sentence encoder."""

from dataclasses import dataclass

_PREFIX = "encoder:"
# The phase of a run in which vectors are made of texts that have none yet.
ENCODING = "encoding texts"


@dataclass(frozen=True)
class EncoderRef:
    """The encoder as the option names it, and its full name with the hash of its files and the
    tokens that it reads at once. Equal names, equal vectors.
    """

    encoder: str
    encoder_name: str


def full_name(label: str, digest: str, tokens: int) -> str:
    """At most 255 characters, and never the name of an extractor of images."""
    return f"{_PREFIX}{label}@{digest[:12]}/{tokens}"


def label_of(name: str) -> str:
    """The label in a full name."""
    return name.removeprefix(_PREFIX).rpartition("@")[0]


def tokens_of(name: str) -> int:
    """The tokens in a full name."""
    return int(name.rpartition("/")[2])


def is_encoder(name: str) -> bool:
    """Whether it is the full name of a sentence encoder."""
    return name.startswith(_PREFIX)
