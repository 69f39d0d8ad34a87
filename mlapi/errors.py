"""The errors of the protocol alone, and what its callers may know of any exception."""

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from registry.errors import EvalsError
from registry.http_errors import (
    BodyInvalid,
    BodyTooLarge,
    DatabaseUnavailable,
    HttpError,
    Internal,
    MethodNotAllowed,
)


class CredentialsMissing(HttpError):
    """No credentials, and anonymous callers are not allowed."""

    code = "credentials_missing"
    status = 401
    text = "No access key."
    hint = "Use the URL with /k/<key> of first-login.txt, or of: manage.py access_key new."


class CredentialsWrong(HttpError):
    """Basic credentials or a token that are not ours."""

    code = "credentials_wrong"
    status = 401
    text = "Wrong user, password or token."
    hint = "Use those of BASIC_AUTH_USER and BASIC_AUTH_PASS, or a URL with an access key."


class KeyUnknown(HttpError):
    """An access key that does not exist or was revoked."""

    code = "key_unknown"
    status = 401
    text = "This access key is unknown or revoked."
    hint = "Make one with: manage.py access_key new."


class ProjectUnknown(HttpError):
    """A project outside the caller's scope, or none at all: both read the same."""

    code = "project_unknown"
    status = 404
    text = "This access key does not open this project."
    hint = "Use the URL that was made for it, or a key without a scope."


class JobUnknown(HttpError):
    """No run with that id in the caller's scope; 410 as the first official backend answered."""

    code = "job_unknown"
    status = 410
    text = "No such job."
    hint = "Jobs are the ids that /train and START_TRAINING answered."


class ConfigUnserved(HttpError):
    """No control that a pipeline fills; the message is of the one that comes nearest."""

    code = "label_config_unserved"
    status = 400
    text = "No control that this backend can serve."


class ConfigInvalid(HttpError):
    """What was sent as a label config is none; the message says in our words what is wrong."""

    code = "label_config_invalid"
    status = 400
    text = "The label config is not valid."
    hint = "Save it again in Label Studio."


class HostNotAllowed(HttpError):
    """The Host header names none of ALLOWED_HOSTS."""

    code = "host_not_allowed"
    text = "This host name is not in the setting ALLOWED_HOSTS."
    hint = "Add the name that Label Studio uses."


class RouteUnknown(HttpError):
    """No such route."""

    code = "route_unknown"
    status = 404
    text = "No such route."
    hint = "Paste the URL as it was printed, without a route behind it."


_BY_FRAMEWORK: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[HttpError]], ...] = (
    (Http404, RouteUnknown),
    (drf.MethodNotAllowed, MethodNotAllowed),
    (drf.NotAuthenticated, CredentialsMissing),
    (drf.AuthenticationFailed, CredentialsWrong),
    (drf.PermissionDenied, ProjectUnknown),
    (DisallowedHost, HostNotAllowed),
    (RequestDataTooBig, BodyTooLarge),
    (UnreadablePostError, BodyInvalid),
    ((drf.APIException, TooManyFieldsSent), HttpError),
    ((OperationalError, InterfaceError), DatabaseUnavailable),
)


def as_error(raised: BaseException) -> EvalsError:
    """What a caller may know of an exception."""
    if isinstance(raised, EvalsError):
        return raised
    return next(
        (ours() for theirs, ours in _BY_FRAMEWORK if isinstance(raised, theirs)), Internal()
    )
