"""The channel on which the database notifies changes of what requests depend on.

Triggers send it (`*_notify_*`, migrations 0025 and 0049), with the commit of the change and whoever
makes it: an action, the admin, or SQL by hand. The payload is a row's subject, such as `project 7`
or `key 3`.
"""

CHANNEL = "registry_changes"


def project_subject(project_id: int) -> str:
    """The subject of a project's own row, its versions and the states of its runs."""
    return f"project {project_id}"


def key_subject(key_id: int) -> str:
    """The subject of an access key."""
    return f"key {key_id}"
