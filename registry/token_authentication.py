"""Authenticates by `Authorization: Token` or `Bearer`; the database has the token's hash."""

from typing import Any

from rest_framework.authentication import TokenAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from registry.actions import tokens
from registry.throttle import TOKENS


class HashedTokenAuthentication(TokenAuthentication):
    """Django REST framework's, with tokens that are stored as hashes; wrong ones are limited."""

    address = ""

    def authenticate(self, request: Request) -> Any:
        self.address = request.META.get("REMOTE_ADDR", "")
        scheme = get_authorization_header(request).split(maxsplit=1)[:1]
        self.keyword = "Bearer" if [word.lower() for word in scheme] == [b"bearer"] else "Token"
        return super().authenticate(request)

    def authenticate_credentials(self, key: str) -> Any:
        digest = tokens.digest(key)
        TOKENS.check(self.address, digest)
        try:
            found = super().authenticate_credentials(digest)
        except AuthenticationFailed:
            TOKENS.note_wrong(self.address, digest)
            raise
        TOKENS.note_right(self.address, digest)
        return found
