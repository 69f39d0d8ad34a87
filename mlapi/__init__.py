"""The engine of the backend and the routes that Label Studio calls.

Each layer imports only those below it: the order is in pyproject.toml, and docs/architecture.md
explains it. All of them may import registry.
"""
