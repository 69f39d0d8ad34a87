"""Set credentials: the pair with which a project's Label Studio is called."""

from typing import Any

from registry.actions import project_settings
from registry.models import Project

from .action import Action, Button, Caller, Change, Form, Result, Text, register


@register
class SetCredentials(Action[Project]):
    """The project has these credentials, or none of its own. The key is never shown back."""

    name = "set_credentials"
    title = "Set credentials"
    description = "With what this project's Label Studio is called. The key is encrypted."
    permission = "registry.connect_project"
    subject = Project
    form = Form(
        "Credentials",
        "URL and key, or neither to take them away.",
        (
            Text(
                "url",
                "Such as http://localhost:8080",
                max_length=project_settings.URL_MAX,
                may_be_empty=True,
            ),
            Text(
                "key",
                "A personal access token or a legacy token. Both empty: take them away.",
                max_length=project_settings.KEY_MAX,
                may_be_empty=True,
                is_secret=True,
            ),
        ),
    )
    button = Button(icon="key", group="Label Studio", place=110)
    in_commands = False  # other users of the machine can read a command line

    def changes(self, subject: Project) -> list[Change]:
        return [Change("Credentials", subject.labelstudio_url or "none of its own", "as below")]

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        if bool(values.get("url")) != bool(values.get("key")):
            return {"key": "URL and key are a pair: give both, or neither."}
        return {}

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        url, key = values["url"], values["key"]
        entry = project_settings.set_credentials(subject, url, key, actor=caller.name)
        return Result(f"The credentials are {'set' if url else 'taken away'}.", entry)
