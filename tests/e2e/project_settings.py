"""Settings of a project of a running backend, changed through its REST as an operator would."""

from typing import Any

import httpx

from tests.e2e.server import Backend


def configure(backend: Backend, rest: httpx.Client, uid: str, **settings: Any) -> None:
    """Change the settings, once the label config has come: no options are taken before."""
    row = backend.wait_for(lambda: backend.project(uid), "the project")

    def configured() -> httpx.Response | None:
        done = rest.patch(f"projects/{row['id']}/", json=settings)
        return done if done.status_code != 409 else None

    done = backend.wait_for(configured, "the label config")
    assert done.status_code == 200, done.text


def train_by_hand(backend: Backend, rest: httpx.Client, uid: str, **settings: Any) -> None:
    """Change the settings, and let the project train only when somebody starts it.

    Else a busy machine trains while labels come in, on fewer and more often than an idle one.
    """
    configure(backend, rest, uid, policy={"enabled": False}, **settings)
