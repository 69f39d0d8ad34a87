"""The admin's login, with limited attempts: a password takes about a second of CPU to check.

By user from an address, by user and by address. A browser that has logged in as the user before
has a cookie that says so, and attempts of its own: whoever tries passwords behind the same proxy,
or for the same user, does not lock it out.
"""

import secrets

from django.contrib import admin
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from registry.throttle import (
    LOGINS_OF_ADDRESS,
    LOGINS_OF_BROWSER,
    LOGINS_OF_USER,
    LOGINS_OF_USER_AT_ADDRESS,
    Throttle,
    TooManyAttempts,
)

_COOKIE = "known_browser"
_SALT = "registry.admin.login"
_KNOWN_FOR_S = 365 * 24 * 3600


def login(request: HttpRequest) -> HttpResponseBase:
    """The login page; 429 where there were too many wrong attempts, before anything is checked."""
    if request.method != "POST":
        return admin.site.login(request)
    user = request.POST.get("username", "")[:150].casefold()
    names = _names(request, user)
    try:
        _take(names)
    except TooManyAttempts as error:
        return _refused(error)
    response = admin.site.login(request)
    if request.user.is_authenticated and response.status_code == 302:
        for throttle, name in names:
            throttle.give_back(name)
        _remember(request, response, user)
    return response


def _names(request: HttpRequest, user: str) -> list[tuple[Throttle, str]]:
    """The throttles that limit the attempt, each with the name that it counts under."""
    if browser := _known_browser(request, user):
        return [(LOGINS_OF_BROWSER, browser)]
    address = request.META.get("REMOTE_ADDR", "")
    return [
        (LOGINS_OF_USER_AT_ADDRESS, f"{address} {user}"),
        (LOGINS_OF_USER, user),
        (LOGINS_OF_ADDRESS, address),
    ]


def _take(names: list[tuple[Throttle, str]]) -> None:
    """Count an attempt under all names, or under none. Raises TooManyAttempts."""
    taken: list[tuple[Throttle, str]] = []
    for throttle, name in names:
        if wait := throttle.take(name):
            for earlier, of in taken:
                earlier.give_back(of)
            raise TooManyAttempts(wait)
        taken.append((throttle, name))


def _known_browser(request: HttpRequest, user: str) -> str:
    """The browser's number if the user has logged in with it before, else ""."""
    browser, users = _read_cookie(request)
    return browser if user in users else ""


def _read_cookie(request: HttpRequest) -> tuple[str, list[str]]:
    """The browser's number and the users who have logged in with it; "" and none without one."""
    try:
        known = signing.loads(request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=_KNOWN_FOR_S)
        return str(known["browser"]), list(known["users"])
    except (signing.BadSignature, KeyError, TypeError):
        return "", []


def _remember(request: HttpRequest, response: HttpResponseBase, user: str) -> None:
    browser, users = _read_cookie(request)
    users = [*(u for u in users if u != user), user][-5:]
    response.set_cookie(
        _COOKIE,
        signing.dumps({"browser": browser or secrets.token_hex(8), "users": users}, salt=_SALT),
        max_age=_KNOWN_FOR_S,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _refused(error: TooManyAttempts) -> HttpResponse:
    text = f"Too many wrong logins. Try again in {error.retry_after_s} seconds.\n"
    response = HttpResponse(text, status=error.status, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(error.retry_after_s)
    add_never_cache_headers(response)
    return response
