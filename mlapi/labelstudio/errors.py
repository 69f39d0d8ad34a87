"""What can go wrong between us and Label Studio's API; each cause with its cure."""

from registry.errors import EvalsError


class LabelStudioError(EvalsError):
    """A call to Label Studio's API failed.

    `step` is the step of a connection check that this cause belongs to; empty: whichever
    step it was met in.
    """

    code = "labelstudio_error"
    status = 502
    step = ""


class NoCredentials(LabelStudioError):
    code = "labelstudio_no_credentials"
    step = "token"
    hint = (
        "Set Label Studio's URL and a personal access token on the project, or "
        "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY for all projects."
    )


class Unreachable(LabelStudioError):
    code = "labelstudio_unreachable"
    step = "reach"
    hint = (
        "Check the address as seen from this machine (localhost inside a container is the "
        "container itself) and that Label Studio runs."
    )


class TimedOut(LabelStudioError):
    code = "labelstudio_timeout"
    hint = "Label Studio is busy or its project large; it is tried again."


class Redirected(LabelStudioError):
    """A redirect is never followed: the token would go where nobody sent it."""

    code = "labelstudio_redirected"
    step = "reach"
    hint = "Set Label Studio's URL to the address that it redirects to, scheme and host included."


class NotLabelStudio(LabelStudioError):
    code = "labelstudio_not_recognized"
    step = "reach"
    hint = "Check that the URL is that of Label Studio itself, with its base path, if it has one."


class TokenInvalid(LabelStudioError):
    code = "labelstudio_token_invalid"
    step = "token"
    hint = "Copy the whole token again from Account & Settings in Label Studio, and set it here."


class LegacyTokenDisabled(LabelStudioError):
    code = "labelstudio_legacy_token_disabled"
    step = "token"
    hint = (
        "Create a personal access token (Account & Settings in Label Studio) and set it on the "
        "project or as LABEL_STUDIO_API_KEY; or let the organization allow legacy tokens."
    )


class Forbidden(LabelStudioError):
    code = "labelstudio_forbidden"
    step = "project"
    hint = "Use the token of a user who may change this project."


class Missing(LabelStudioError):
    code = "labelstudio_not_found"
    step = "project"
    hint = "It was deleted, or belongs to an organization that the token's user is not in."


class ProjectMismatch(LabelStudioError):
    """The project of that id was created at another moment: it is not the one that we know."""

    code = "labelstudio_project_mismatch"
    step = "project"
    hint = (
        "The credentials lead to another Label Studio, or the project was deleted and its id "
        "given to a new one. Set this project's own URL and token if it lives elsewhere."
    )


class Rejected(LabelStudioError):
    """Label Studio refused what was sent (a 4xx with no better name)."""

    code = "labelstudio_rejected"


class ServerError(LabelStudioError):
    code = "labelstudio_server_error"
    hint = "See Label Studio's own log; it is tried again."
