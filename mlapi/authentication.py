"""Authenticates the callers of Label Studio's routes, and limits them to their scope."""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from mlapi import registry_cache
from mlapi.errors import CredentialsMissing, CredentialsWrong, CrossSite, KeyUnknown
from registry.actions import keys
from registry.models import AccessKey, Project
from registry.throttle import KEYS, PASSWORDS
from registry.token_authentication import HashedTokenAuthentication


@dataclass(frozen=True)
class Caller:
    """An authenticated caller. Without a key, or with an unscoped one, its scope is everything."""

    name: str
    key: AccessKey | None = None
    has_password: bool = False  # it was authenticated by the basic credentials
    user: User | None = None  # of a token
    is_authenticated = True

    @property
    def project(self) -> Project | None:
        """The project that the key is bound to, its champion not loaded; None for any."""
        return self.key.project if self.key else None

    @property
    def hostname(self) -> str:
        """The Label Studio that the key is bound to, "" for any."""
        return self.key.hostname if self.key else ""

    @property
    def is_bound(self) -> bool:
        """Whether the scope is limited."""
        return bool(self.project or self.hostname)

    @property
    def is_ambient(self) -> bool:
        """Whether a browser would authenticate any page's requests like this, without its doing."""
        return self.key is None and self.user is None

    def may(self, permission: str) -> bool:
        """Whether it has the permission; keys and basic credentials have that of all routes."""
        return self.user is None or self.user.has_perm(permission)

    def projects(self) -> QuerySet[Project]:
        """The projects in scope, with their champions."""
        scope = Q()
        if self.project:
            scope &= Q(pk=self.project.pk)
        if self.hostname:
            scope &= Q(hostname=self.hostname)
        return Project.objects.filter(scope).select_related("champion")

    def find(self, uid: str) -> Project | None:
        """The project of that uid with its champion, if it is in scope; shared: not to be changed.

        One query, or none where it is cached.
        """
        found = registry_cache.project(uid)
        if found is None or (self.project and self.project.pk != found.pk):
            return None
        return found if self.hostname in ("", found.hostname) else None

    def may_create(self, uid: str, hostname: str) -> bool:
        """Whether a project that is not stored yet would be in scope."""
        if self.project:
            return self.project.uid == uid
        return not self.hostname or self.hostname == hostname


class ProtocolAuthentication(BaseAuthentication):
    """By a key in the path, HTTP basic, `Authorization: Token`, or anonymous if that is allowed.

    A wrong key or password is refused also where anonymous requests are allowed. With a key in
    the path, headers are ignored. Runs before the body is read.
    """

    def authenticate(self, request: Request) -> tuple[Caller, Caller]:
        caller = _by_key(request) or _by_header(request) or _anonymous()
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="evals-backend"'


class OptionalAuthentication(ProtocolAuthentication):
    """For `/ready`: who has no credentials is no caller, and wrong ones are refused."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        try:
            return super().authenticate(request)
        except CredentialsMissing:
            return None


class OnlyWrongCredentialsFail(BaseAuthentication):
    """For `/health` and `/`: credentials are optional, but a wrong password is refused."""

    def authenticate(self, request: Request) -> None:
        if getattr(request, "access_key", None) is None:
            by_basic(request.META)


def refuse_cross_site(request: Request) -> None:
    """Raises CrossSite for what a browser sends for a page of another site.

    Browsers say so in Sec-Fetch-Site, which no page can set. To a plain http address they send
    only Origin, which is "null" for some pages. Label Studio sends neither.
    """
    site, origin = request.META.get("HTTP_SEC_FETCH_SITE"), request.META.get("HTTP_ORIGIN")
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        is_own = origin is None or _host(origin) == request.get_host().lower()
    if not is_own:
        raise CrossSite


def _host(origin: str) -> str:
    """The host of an Origin header, with its port; "" for one without."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _by_key(request: Request) -> Caller | None:
    plain = getattr(request, "access_key", None)
    if plain is None:
        return None
    digest, address = keys.digest(plain), request.META.get("REMOTE_ADDR", "")
    KEYS.check(address, digest)
    key = registry_cache.access_key(digest)
    if key is None:
        KEYS.note_wrong(address, digest)
        raise KeyUnknown
    KEYS.note_right(address, digest)
    with suppress(OperationalError, InterfaceError):  # champions answer also without the database
        if not registry_cache.CACHE.listener.is_away():
            keys.note_use(key)
    return Caller(f"key {key.name}", key)


def _by_header(request: Request) -> Caller | None:
    return by_basic(request.META) or _by_token(request)


def by_basic(meta: Mapping[str, Any]) -> Caller | None:
    """The caller by the basic credentials in a WSGI environment; None without any.

    Raises CredentialsWrong, or TooManyAttempts after many wrong ones from that address.
    """
    scheme, _, encoded = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    if not settings.BASIC_AUTH_USER and settings.ALLOW_ANONYMOUS:
        return None
    digest, address = keys.digest(encoded), meta.get("REMOTE_ADDR", "")
    PASSWORDS.check(address, digest)
    if not _is_basic_credentials(encoded):
        PASSWORDS.note_wrong(address, digest)
        raise CredentialsWrong
    PASSWORDS.note_right(address, digest)
    return Caller(settings.BASIC_AUTH_USER, has_password=True)


def _is_basic_credentials(encoded: str) -> bool:
    """Compared in constant time. False if no user and password are configured."""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    # Both are always compared, so that the time does not reveal whether the user is correct.
    same_user = constant_time_compare(user, settings.BASIC_AUTH_USER.encode())
    same_password = constant_time_compare(password, settings.BASIC_AUTH_PASS.encode())
    return (
        bool(settings.BASIC_AUTH_USER and settings.BASIC_AUTH_PASS) and same_user and same_password
    )


def _by_token(request: Request) -> Caller | None:
    user_and_token: tuple[Any, Any] | None = HashedTokenAuthentication().authenticate(request)
    if user_and_token is None:
        return None
    user = user_and_token[0]
    return Caller(user.get_username(), user=user)


def _anonymous() -> Caller:
    if not settings.ALLOW_ANONYMOUS:
        raise CredentialsMissing
    return Caller("anonymous")
