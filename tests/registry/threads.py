"""Runs a function in many threads at once, each with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def run_concurrently(n: int, function: Callable[[int], Any]) -> list[Any]:
    """`function(0)` .. `function(n - 1)`, started together; an exception is a result too."""
    gate = threading.Barrier(n)

    def one(i: int) -> Any:
        try:
            connection.ensure_connection()
            gate.wait()
            return function(i)
        except Exception as error:  # noqa: BLE001 - the caller looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))
