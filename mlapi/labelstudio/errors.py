"""The errors of calls to Label Studio's API."""

from registry.errors import EvalsError


class LabelStudioError(EvalsError):
    """A call to Label Studio's API failed.

    `step` is the step of a connection check that it belongs to; empty: the step that raised it.
    """

    code = "labelstudio_error"
    step = ""


class NoCredentials(LabelStudioError):
    code = "labelstudio_no_credentials"
    step = "token"


class Unreachable(LabelStudioError):
    code = "labelstudio_unreachable"
    step = "reach"


class CertificateUntrusted(LabelStudioError):
    """The TLS certificate of Label Studio's server is not valid, or of an unknown authority."""

    code = "labelstudio_certificate"
    step = "reach"


class TookTooLong(LabelStudioError):
    """Label Studio took longer than it may."""

    code = "labelstudio_timeout"


class TimedOut(TookTooLong):
    """It took too long for one exchange."""


class OutOfTime(TookTooLong):
    """The time of a whole reading or check is over; the exchange at that moment is not at fault."""


class Redirected(LabelStudioError):
    """A redirect, which is never followed: it would send the token to another host."""

    code = "labelstudio_redirected"
    step = "reach"


class NotLabelStudio(LabelStudioError):
    code = "labelstudio_not_recognized"
    step = "reach"


class TokenInvalid(LabelStudioError):
    code = "labelstudio_token_invalid"
    step = "token"


class LegacyTokenDisabled(LabelStudioError):
    code = "labelstudio_legacy_token_disabled"
    step = "token"


class Forbidden(LabelStudioError):
    code = "labelstudio_forbidden"
    step = "project"


class Missing(LabelStudioError):
    code = "labelstudio_not_found"
    step = "project"


class ProjectMismatch(LabelStudioError):
    """The project of that id has another time of creation: it is another project."""

    code = "labelstudio_project_mismatch"
    step = "project"


class Rejected(LabelStudioError):
    """Label Studio refused the request with another 4xx."""

    code = "labelstudio_rejected"


class ServerError(LabelStudioError):
    code = "labelstudio_server_error"
