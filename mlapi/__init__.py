"""The engine of the backend and the routes that Label Studio calls.

Each layer imports only those below it (checked by `make lint`; the order is in pyproject.toml):
management and jobs; upkeep and engine; training; conversion, mirror and views; serving;
child_process; pipelines; images; eva and media; labelstudio; at the bottom domain, the value types.
All of them may import registry.
"""
