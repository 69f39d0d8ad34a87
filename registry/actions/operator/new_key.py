"""New key: an access key is made, and shown once."""

from typing import Any

from registry.actions import keys
from registry.models import AccessKey

from .action import OPTIONAL_REASON, Action, Caller, Result, register


@register
class NewKey(Action[AccessKey]):
    """It has no subject; its values are `name`, `project`, `hostname` and `reason`.

    The result's secret is the plain key, which is stored nowhere. Each interface has a place of
    its own for it: the pages to add a key and to connect a project, POST /api/access-keys/, and
    `manage.py access_key new`.
    """

    name = "new_key"
    title = "New key"
    description = "Makes a key for Label Studio's routes. It is shown once."
    permission = "registry.add_accesskey"
    subject = AccessKey
    form = OPTIONAL_REASON
    button = None
    in_rest = False
    in_commands = False

    def execute(self, subject: AccessKey | None, values: dict[str, Any], caller: Caller) -> Result:
        key, plain = keys.new_key(actor=caller.name, **values)
        return Result(f"The key {key.name} is made.", row=key, is_new=True, secret=plain)
