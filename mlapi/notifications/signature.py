"""The signature of a delivery, by https://www.standardwebhooks.com, which receivers can verify."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = "whsec_"


def headers(uid: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers; with several secrets one signature of each, with a blank between."""
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(uid, timestamp, body, secret) for secret in secrets),
    }


def sign(uid: str, timestamp: int, body: bytes, secret: str) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp (Unix seconds) and body, dotted."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{uid}.{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
