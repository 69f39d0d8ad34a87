"""The errors of Label Studio's routes, and the error to respond with for any exception."""

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from registry.errors import (
    BodyInvalid,
    BodyTooLarge,
    CredentialsMissing,
    CredentialsWrong,
    DatabaseUnavailable,
    EvalsError,
    HttpError,
    Internal,
    MethodNotAllowed,
    RouteUnknown,
)


class KeyUnknown(HttpError):
    """An access key that does not exist or was revoked."""

    code = "key_unknown"
    text = "This access key is unknown or revoked."


class RouteNotPermitted(HttpError):
    """A token whose user may not call the route."""

    code = "route_not_permitted"
    text = "This token's user may not call this route."


class CrossSite(HttpError):
    """A browser's POST for a page of another site, without a key or token of that page."""

    code = "cross_site"
    text = "A page of another site sent this request."


class ProjectUnknown(HttpError):
    """A project that does not exist or is outside the caller's scope; indistinguishable."""

    code = "project_unknown"
    text = "This access key does not open this project."


class TooManyTasks(HttpError):
    """More tasks than are predicted in one request."""

    code = "too_many_tasks"
    text = "The body has more than 10,000 tasks."


class JobUnknown(HttpError):
    """No run with that id in the caller's scope; 410 as in Label Studio's first ML backend."""

    code = "job_unknown"
    text = "No such job."


class ConfigUnserved(HttpError):
    """No control that a pipeline serves; the message is that of the nearest one."""

    code = "label_config_unserved"
    text = "No control that this backend can serve."


class NotServed(EvalsError):
    """No pipeline serves the project's label config, so none learns from it or has options."""

    code = "not_served"


class HostNotAllowed(HttpError):
    """The Host header names none of ALLOWED_HOSTS."""

    code = "host_not_allowed"
    text = "The host name of the request is not allowed."


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
    """The error to respond with for an exception, without its details."""
    if isinstance(raised, EvalsError):
        return raised
    return next(
        (error() for types, error in _BY_FRAMEWORK if isinstance(raised, types)), Internal()
    )
