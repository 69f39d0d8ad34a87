"""What can be done to a version in the admin; each dialog says what will change."""

from typing import Any

from django.http import HttpRequest
from unfold.enums import ActionVariant

from registry.acts import champion, versions
from registry.models import ModelVersion

from .base import RegistryAdmin, act
from .version_forms import ArchiveForm, NoteForm, PromoteForm, RollBackForm, VersionReasonForm


class VersionActs(RegistryAdmin):
    """The buttons of a version's page."""

    actions_detail = [
        "promote",
        "roll_back",
        "write_note",
        "archive",
        "unarchive",
        "clear_load_failure",
    ]

    @act(
        "Promote",
        name="promote",
        description="This version serves from now on, and Label Studio asks for its predictions.",
        form=PromoteForm,
        variant=ActionVariant.PRIMARY,
        icon="rocket_launch",
    )
    def promote(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        champion.promote(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is the champion of {version.project}."

    @act(
        "Roll back",
        name="roll_back",
        description="The champion before this one serves again.",
        form=RollBackForm,
        variant=ActionVariant.WARNING,
        icon="undo",
    )
    def roll_back(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        done = champion.roll_back(
            version.project, actor=request.user.get_username(), reason=given["reason"]
        )
        return f"{done.to_version} serves again."

    @act(
        "Archive",
        name="archive",
        description="Nothing will promote or fall back to it.",
        form=ArchiveForm,
        icon="archive",
    )
    def archive(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.archive(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is archived."

    @act(
        "Unarchive",
        name="unarchive",
        description="It may be promoted again, and serve if a later champion does not load.",
        form=VersionReasonForm,
        icon="unarchive",
    )
    def unarchive(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.unarchive(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is out of the archive."

    @act(
        "Note",
        name="note",
        description="What people should know of this version. The note before stays in the acts.",
        form=NoteForm,
        icon="edit_note",
    )
    def write_note(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.note(version, given["note"], actor=request.user.get_username())
        return "The note is kept."

    @act(
        "Clear the failed load",
        name="clear_load_failure",
        description="Checks that the artifact is back as it was put; it may then serve again.",
        form=VersionReasonForm,
        icon="healing",
    )
    def clear_load_failure(
        self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]
    ) -> str:
        versions.clear_load_failure(
            version, actor=request.user.get_username(), reason=given["reason"]
        )
        return f"{version.label} may serve again."
