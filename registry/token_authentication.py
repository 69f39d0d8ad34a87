"""Authenticates by `Authorization: Token`, of which the database has the hash."""

from typing import Any

from rest_framework.authentication import TokenAuthentication

from registry.actions import tokens


class HashedTokenAuthentication(TokenAuthentication):
    """Django REST framework's, with tokens that are stored as hashes."""

    def authenticate_credentials(self, key: str) -> Any:
        return super().authenticate_credentials(tokens.digest(key))
