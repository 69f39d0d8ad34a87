"""What can go wrong between us and Label Studio's API; each cause with its cure."""

from registry.errors import EvalsError


class LabelStudioError(EvalsError):
    """A call to Label Studio's API failed.

    `step` is the step of a connection check that this cause belongs to; empty: whichever
    step it was met in.
    """

    code = "labelstudio_error"
    step = ""


class NoCredentials(LabelStudioError):
    code = "labelstudio_no_credentials"
    step = "token"


class Unreachable(LabelStudioError):
    code = "labelstudio_unreachable"
    step = "reach"


class TimedOut(LabelStudioError):
    code = "labelstudio_timeout"


class Redirected(LabelStudioError):
    """A redirect is never followed: the token would go where nobody sent it."""

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
    """The project of that id was created at another moment: it is not the one that we know."""

    code = "labelstudio_project_mismatch"
    step = "project"


class Rejected(LabelStudioError):
    """Label Studio refused what was sent (a 4xx with no better name)."""

    code = "labelstudio_rejected"


class ServerError(LabelStudioError):
    code = "labelstudio_server_error"
