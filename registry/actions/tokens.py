"""Actions on REST tokens, one a user: create; what is stored of one is its hash."""

import hashlib
import secrets

from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.authtoken.models import Token

from registry.errors import Refused

_DIGEST_CHARACTERS = 40  # the column's width: 160 bits of SHA-256


class TokenExists(Refused):
    """The user has a token, which cannot be shown again."""

    code = "token_exists"


def digest(plain: str) -> str:
    """What is stored of a token. A plain hash suffices for 160 random bits."""
    return hashlib.sha256(plain.encode()).hexdigest()[:_DIGEST_CHARACTERS]


@transaction.atomic
def new_token(user: User, *, replace: bool = False) -> str:
    """Make the user's token; return its plain text, which is stored nowhere.

    Raises TokenExists where there is one that is not to be replaced.
    """
    if replace:
        Token.objects.filter(user=user).delete()
    elif Token.objects.filter(user=user).exists():
        raise TokenExists(f"{user.get_username()} has a token.")
    plain = secrets.token_hex(20)
    Token.objects.create(user=user, key=digest(plain))
    return plain
