"""What each page of the admin and each REST route costs: time, queries, and rows that are read.

    DATA_DIR=/tmp/load python manage.py migrate
    DATA_DIR=/tmp/load python manage.py seed_load
    DATA_DIR=/tmp/load python benchmarks/registry.py [PART OF A URL]

Each is asked for in this process, by one of the group admin: once to warm up and to count its
queries, then for its time, of which the median is printed. Every query is run again under EXPLAIN
ANALYZE; printed is the largest share of a big table that a step of a plan read. Ends with 1 if a
page is over its limits.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

MOST_QUERIES = 20
MOST_MS = 300
_ROUNDS = 3


class Limits(NamedTuple):
    """Of a table of `big` rows no step of a plan may read more than that share.

    Few rows are no scan: those of one version or a page of a project are shown together.
    """

    big: int = 5_000
    share: float = 0.2
    few: int = 5_000


FULL_SIZE = Limits()


class Scan(NamedTuple):
    """A step of a query's plan that read rows of a table, which has `size` of them."""

    table: str
    rows: int
    size: int
    sql: str

    @property
    def share(self) -> float:
        """Within 0..1, or more if it read them several times."""
        return self.rows / self.size

    def is_too_much(self, limits: Limits) -> bool:
        """Whether that is what the limits forbid."""
        return self.size >= limits.big and self.rows > limits.few and self.share > limits.share


class Cost(NamedTuple):
    """What a page took: median milliseconds, queries, bytes, and the rows that it read."""

    url: str
    status: int
    ms: float
    queries: int
    size: int
    read: list[Scan]
    refused: bool  # a list that is too long to be asked that as a whole

    @property
    def scan(self) -> Scan | None:
        """The one that read the largest share of a big table."""
        big = (scan for scan in self.read if scan.size >= FULL_SIZE.big)
        return max(big, key=lambda scan: (scan.share, scan.rows), default=None)

    def too_much(self, limits: Limits = FULL_SIZE) -> list[str]:
        """What is wrong with it, time aside: that depends on the machine."""
        found = []
        if self.status != 200 and not self.refused:
            found.append(f"{self.url}: status {self.status}")
        if self.queries > MOST_QUERIES:
            found.append(f"{self.url}: {self.queries} queries")
        for s in self.read:
            if s.is_too_much(limits):
                read = f"reads {s.rows:,} rows, {s.share:.0%} of {s.table}"
                found.append(f"{self.url}: {read}: {s.sql[:1500]}")
        return found


def cost(client: Any, url: str, rounds: int = _ROUNDS, plans: bool = True) -> Cost:
    """Ask for the page; for its time so many times more, and once before to warm up.

    Without `plans` no query is run again, and it is not known what it read.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if rounds:
        client.get(url)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    body = response.getvalue()
    queries = [query["sql"] for query in captured]  # now: the next request forgets them
    times = [_seconds(client, url) for _ in range(rounds)]
    return Cost(
        url,
        response.status_code,
        1000 * statistics.median(times) if times else 0.0,
        len(queries),
        len(body),
        [scan for sql in queries for scan in scans(sql)] if plans else [],
        response.status_code == 400 and b"filter_needed" in body,
    )


def _seconds(client: Any, url: str) -> float:
    began = time.perf_counter()
    client.get(url)
    return time.perf_counter() - began


def scans(sql: str) -> Iterator[Scan]:
    """The steps of the query's plan that read rows of tables."""
    from django.db import connection

    if not sql.startswith(("SELECT", "WITH", "(SELECT")) or "FOR NO KEY UPDATE" in sql:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.replace('%', '%%')}", [])
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    for step in _steps(plan[0]["Plan"]):
        size = sizes().get(step.get("Relation Name", ""), 0)
        if size <= 0:
            continue
        rows = step["Actual Loops"] * (
            step["Actual Rows"]
            + step.get("Rows Removed by Filter", 0)
            + step.get("Rows Removed by Index Recheck", 0)
        )
        yield Scan(step["Relation Name"], int(rows), size, sql)


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _steps(below)


@cache
def sizes() -> dict[str, int]:
    """How many rows each table has, as of the last ANALYZE."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'")
        return dict(cursor.fetchall())


def main() -> int:
    import django

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    # Here and not above: the tests import this module, and start servers that would inherit it.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evals_backend.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    django.setup()
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from benchmarks import registry_urls

    user, _ = User.objects.get_or_create(username="benchmark", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    costs = [cost(client, url) for url in registry_urls.urls() if part in url]
    print(f"{'ms':>8} {'queries':>7} {'kB':>6} {'most rows read':>30}  page")
    wrong = 0
    for c in sorted(costs, key=lambda c: -c.ms):
        read = f"{c.scan.rows:,} {c.scan.table[9:]} {c.scan.share:.1%}" if c.scan else ""
        print(f"{c.ms:8.1f} {c.queries:7} {c.size / 1000:6.0f} {read:>30}  {c.url}")
    for c in costs:
        for what in c.too_much():
            wrong += 1
            print(what, file=sys.stderr)
        if c.ms > MOST_MS:
            print(f"{c.url}: {c.ms:.0f} ms", file=sys.stderr)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
