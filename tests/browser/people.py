"""Users with a token, one of each group, in the database of a running server."""

from tests.e2e.server import Backend

PASSWORD = "correct horse battery staple"
GROUPS = ("viewer", "lead", "admin")

_MAKE = """
from django.contrib.auth.models import Group, User
from registry.actions import tokens
for name in {groups}:
    user = User.objects.create_user(name + "-user", password={password!r}, is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    tokens.new_token(user)
"""


def make(backend: Backend) -> None:
    """`viewer-user`, `lead-user` and `admin-user`, with PASSWORD and a token for REST."""
    backend.manage("shell", "-c", _MAKE.format(groups=GROUPS, password=PASSWORD))


def credentials(backend: Backend, who: str) -> tuple[str, str]:
    """Name and password of one of GROUPS, or of `admin`'s first login as `root`."""
    return ("admin", backend.password) if who == "root" else (f"{who}-user", PASSWORD)
