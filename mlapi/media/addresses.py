"""Normalises the addresses in tasks, of the web and `data:`, or refuses them."""

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_to_bytes

import idna

from mlapi.domain import InputError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_CHARACTERS = 8000  # a signed address has up to 3,000; servers cut a request's line at 8 kB
MAX_DECODINGS = 3
MAX_INLINE_BYTES = 4 * 2**20  # of an image inside a task, which is sent with every request
PORTS = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]+)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # a lone one, from JSON's "\ud800"
# Not allowed in an address of another host: control characters, lone surrogates, and the
# backslash, which some parsers read as a slash.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_SEPARATOR = re.compile(r"[/\\]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENCODED_DOT = re.compile(r"%2e", re.IGNORECASE)
_LINE_BREAKS = re.compile(r"[\t\n\r]")
_BEFORE_QUERY = re.compile(r"[^?#]*")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BASE64 = re.compile(r";[ ]*base64[ ]*", re.IGNORECASE)
_BLANKS = re.compile(rb"[\t\n\f\r ]+")
_SAFE = "%/:@!$&'()*+,;=-._~[]|"


class AddressRefused(ValueError):
    """The address may not be fetched; `message` is one ASCII line without the address."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class WebAddress:
    """An http(s) address: the host in lower-case ASCII, the target percent-encoded."""

    scheme: str
    host: str  # an IPv6 address has no brackets here
    port: int
    target: str  # path and query, from the first slash on

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port: as in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def clean(address: object) -> str:
    """The address, stripped. Raises AddressRefused if it is not a line of text."""
    if not isinstance(address, str):
        raise AddressRefused("The task has no address of a file here.")
    text = address.strip()
    if not text:
        raise AddressRefused("The address of the file is empty.")
    if len(text) > MAX_CHARACTERS:
        raise AddressRefused(f"The address is longer than {MAX_CHARACTERS} characters.")
    if _SURROGATE.search(text):
        raise AddressRefused("The address has half a character.")
    return text


def parse(address: str, *, any_path: bool = False) -> WebAddress:
    """The normalised http(s) address. Raises AddressRefused.

    With `any_path` its path is not checked: it is one that Label Studio serves or has signed.
    """
    text = clean(address)
    if not any_path and _FORBIDDEN.search(text):
        raise AddressRefused("The address has a backslash or a control character.")
    parts = _URL.fullmatch(text)
    if parts is None:
        raise AddressRefused("The address is none of http or https.")
    authority = parts["authority"]
    if "@" in authority:
        raise AddressRefused("The address has a user or a password in it.")
    split = _AUTHORITY.fullmatch(authority)
    if split is None:
        raise AddressRefused("The address has no host that can be read.")
    scheme = parts["scheme"].lower()
    port = int(split["port"] or PORTS[scheme])
    if not 0 < port < 65536:
        raise AddressRefused("The address has a port that does not exist.")
    path = parts["path"] or "/"
    if not any_path and leaves_its_root(path):
        raise AddressRefused("The path of the address goes up or hides what it is.")
    return WebAddress(scheme, host(split["host"]), port, encoded(path + (parts["query"] or "")))


def host(text: str) -> str:
    """The normalised host: lower case, ASCII, no trailing dot, IP addresses in standard notation.

    Raises AddressRefused. Names that end in a number are refused unless they are four
    decimal numbers: `0x7f.1`, `2130706433` and `127.1` are 127.0.0.1 to some resolvers.
    """
    if text.startswith("["):
        return _ipv6(text.removeprefix("[").removesuffix("]"))
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            raise AddressRefused("The address has a host name that does not exist.") from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("The address has a host name that does not exist.")
    if _NUMBER.fullmatch(labels[-1]) and literal(name) is None:
        raise AddressRefused("The address has an IP address in an odd spelling.")
    return name


def literal(name: str) -> IPAddress | None:
    """The IP address of a normalised host; None for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def leaves_its_root(path: str) -> bool:
    """Whether a path has `..`, in any encoding, or is encoded more than MAX_DECODINGS times."""
    for _ in range(MAX_DECODINGS):
        if _FORBIDDEN.search(path) or any(part in {".", ".."} for part in path.split("/")):
            return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True


def as_browsers_read(address: str) -> str:
    """The address without tabs and line breaks, and with slashes for backslashes in its path.

    By the rules of https://url.spec.whatwg.org/ for http: what the editor shows is the file at
    this address.
    """
    text = _LINE_BREAKS.sub("", address)
    path = _BEFORE_QUERY.match(text)
    return path[0].replace("\\", "/") + text[path.end() :] if path else text


def without_dots(path: str) -> str:
    """An encoded path with its dot segments resolved, as browsers do before they send it.

    Raises AddressRefused if a server that decodes more than once may read another one.
    """
    segments: list[str] = []
    for segment in path.split("/")[1:]:
        name = _ENCODED_DOT.sub(".", segment)
        if name == "..":
            del segments[-1:]
        elif name != ".":
            segments.append(segment)
    resolved = "/" + "/".join(segments)
    decoded = resolved
    for _ in range(MAX_DECODINGS):
        decoded = unquote(decoded)
        if ".." in _SEPARATOR.split(decoded):
            raise AddressRefused("The path of the address goes up or hides what it is.")
    return resolved


def encoded(target: str) -> str:
    """A path or query, percent-encoded once where a request line needs it."""
    path, mark, query = _BARE_PERCENT.sub("%25", target).partition("?")
    return quote(path, safe=_SAFE) + mark + quote(query, safe=f"{_SAFE}?")


def is_inline(address: object) -> bool:
    """Whether it is a `data:` address of any type."""
    return isinstance(address, str) and address.lstrip()[:5].lower() == "data:"


def decode_inline(address: str) -> bytes:
    """What a `data:` address holds, read as browsers do. Raises InputError.

    By the rules of https://fetch.spec.whatwg.org/#data-urls: whatever its media type says, with
    parameters or without one, percent-encoded, with blanks and line breaks in its base64.
    """
    text = _SURROGATE.sub("\ufffd", address.strip()[len("data:") :])
    head, comma, body = text.partition("#")[0].partition(",")
    if not comma:
        raise InputError("media_unsupported", "The data: address has no comma before its content.")
    if len(body) > 3 * _longest(MAX_INLINE_BYTES):  # as every character may be percent-encoded
        raise _too_large()
    content = unquote_to_bytes(body)
    if _BASE64.search(head) and _BASE64.split(head)[-1] == "":
        content = _from_base64(_BLANKS.sub(b"", content))
    if not content:
        raise InputError("media_empty", "The data: address holds nothing.")
    if len(content) > MAX_INLINE_BYTES:
        raise _too_large()
    return content


def _from_base64(text: bytes) -> bytes:
    if len(text) > _longest(MAX_INLINE_BYTES):
        raise _too_large()
    if len(text) % 4 == 0:
        text = text.removesuffix(b"=").removesuffix(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            "media_unsupported", "The base64 of the data: address is broken."
        ) from None


def _longest(size: int) -> int:
    """How long so many bytes are in base64."""
    return size * 4 // 3 + 4


def _too_large() -> InputError:
    megabytes = MAX_INLINE_BYTES // 2**20
    return InputError("media_too_large", f"The data: address holds more than {megabytes} MB.")


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise AddressRefused("The address has an IP address in an odd spelling.") from None
    if address.scope_id is not None:
        raise AddressRefused("The address has an IP address that is for one interface only.")
    return str(address.ipv4_mapped or address)
