"""Requests of every kind at every route, in one process: no server's error, none slow, no leak.

`FUZZED` sets how many; nightly 20,000. A small sibling runs daily.
"""

import gc
import logging
import os
import random
from time import process_time
from typing import Any

import orjson
import psutil
import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver

from registry.actions import tokens
from registry.models.run import RunState
from tests.factories import LABEL_CONFIG, ModelVersionFactory, TrainingRunFactory
from tests.mlapi.caller import Caller
from tests.mlapi.trained import artifact
from tests.registry.test_access_table import routes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("no_loaded_versions"),
]
SLOWEST_S = 5.0  # of CPU: other tests may run beside this one
GROWTH_MB = 60
WARM = 500  # after so many requests what is cached is cached
TEXTS = ["", "good", "\x00", "\ud800", "é" * 300, "<View>", "1.1795420847", "0", "-1", "%s", "' --"]
CONFIGS = [
    LABEL_CONFIG,
    LABEL_CONFIG.replace("Choices", "Taxonomy"),
    '<View><Text name="t" value="$t"/><Choices name="c" toName="t"/></View>',
    '<View><Image name="i" value="$i"/><RectangleLabels name="r" toName="i"/></View>',
    "<View>" * 150 + "</View>" * 150,
    "<!DOCTYPE a [<!ENTITY b 'c'>]><View>&b;</View>",
]
ACTIONS = [
    *("START_TRAINING", "PROJECT_UPDATED", "TASKS_CREATED", "TASKS_DELETED", "ANNOTATION_CREATED"),
    *("ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "ANNOTATIONS_CREATED", "LABEL_LINK_CREATED"),
]


class Fuzzer:
    """Requests that look like Label Studio's, with parts of another kind in any place."""

    def __init__(self, seed: int, uid: str) -> None:
        self.random = random.Random(seed)
        self.uid = uid

    def value(self, depth: int = 0) -> Any:
        kind = self.random.randrange(9 if depth < 4 else 6)
        if kind < 2:
            return self.random.choice(TEXTS)
        if kind == 2:
            return self.random.choice([0, 1, -1, 2**31, 2**63, 2**70, -(2**64), 1e308, 0.5])
        if kind < 6:
            return self.random.choice([None, True, False, [], {}])
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {
            self.random.choice(
                [*TEXTS, "id", "data", "result", "value", "annotations"]
            ): self.value(depth + 1)
            for _ in range(self.random.randrange(4))
        }

    def vary(self, value: Any) -> Any:
        return self.value() if self.random.random() < 0.15 else value

    def result(self) -> Any:
        choices = self.vary([self.random.choice(["Positive", "Negative", "Other"])])
        return self.vary(
            {
                "id": self.vary("r1"),
                "from_name": self.vary("label"),
                "to_name": self.vary("text"),
                "type": self.vary("choices"),
                "value": self.vary({"choices": choices}),
            }
        )

    def annotation(self) -> Any:
        return self.vary(
            {
                "id": self.vary(self.random.randrange(50)),
                "result": self.vary([self.result() for _ in range(self.random.randrange(3))]),
                "was_cancelled": self.vary(False),
                "updated_at": self.vary("2026-01-01T00:00:00Z"),
                "completed_by": self.vary(1),
            }
        )

    def task(self) -> Any:
        return self.vary(
            {
                "id": self.vary(self.random.randrange(50)),
                "data": self.vary({"text": self.vary("good and fine")}),
                "annotations": self.vary([self.annotation()]),
            }
        )

    def body(self) -> Any:
        number, created = self.uid.split(".")
        project = self.vary(
            {"id": self.vary(int(number)), "created_at": self.vary("2026-11-23T10:40:47Z")}
        )
        uid = self.vary(self.uid)
        config = self.vary(self.random.choice(CONFIGS))
        return self.vary(
            {
                "project": self.random.choice([uid, project]),
                "action": self.vary(self.random.choice(ACTIONS)),
                "schema": config,
                "label_config": config,
                "config": config,
                "hostname": self.vary("http://localhost:8080"),
                "extra_params": self.vary('{"a": 1}'),
                "tasks": self.vary([self.task() for _ in range(self.random.randrange(4))]),
                "task": self.task(),
                "annotation": self.annotation(),
                "annotations": self.vary([self.task()]),
                "params": self.vary({"context": self.vary(None)}),
                "job": self.vary("1"),
            }
        )

    def raw(self) -> bytes:
        body = orjson.dumps(_encodable(self.body()))
        if self.random.random() < 0.1:
            place = self.random.randrange(len(body))
            body = body[:place] + self.random.randbytes(3) + body[place + 1 :]
        return body


def _encodable(value: Any) -> Any:
    """What orjson takes: half an emoji as it is in JSON, and floats for what is too large."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return float(value)
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


QUERIES = [
    "",
    "?q=x",
    "?page_size=0",
    "?cursor=x",
    "?ordering=-id",
    "?id=x",
    "?project=%00",
    "?e=1",
]


def paths() -> list[str]:
    """Every route under /admin/ and /api/, with numbers in the places of rows."""
    import re

    found = [re.sub(r"<[^>]+>", "1", route) for route in routes(get_resolver())]
    return ["/" + path for path in found if path.startswith(("admin/", "api/")) and "(" not in path]


def fuzz(n: int, key: str, seed: int) -> list[str]:
    """Send so many requests; what was wrong with the answers."""
    print(f"{seed=}")
    version = ModelVersionFactory(content=artifact(), champion=True)
    TrainingRunFactory(project=version.project, state=RunState.QUEUED)
    fuzzer = Fuzzer(seed, version.project.uid)
    root = User.objects.create_superuser("root")
    label_studio = Caller(f"/k/{key}")
    person = Caller(authorization=f"Token {tokens.new_token(root)}")
    person.client.force_login(root)
    posted = ["setup", "predict", "webhook", "train", "job_status", "versions", "validate"]
    addresses, wrong, at_first = paths(), [], 0.0
    for i in range(n):
        started_at = process_time()
        if i % 4:
            path = f"/{fuzzer.random.choice(posted)}"
            answer = label_studio.raw(path, fuzzer.raw())
        else:
            path = fuzzer.random.choice(addresses) + fuzzer.random.choice(QUERIES)
            send = fuzzer.random.choice(["get", "post"])
            answer = person.get(path) if send == "get" else person.raw(path, fuzzer.raw())
        spent = process_time() - started_at
        if answer.status_code >= 500 or spent > SLOWEST_S:
            wrong.append(f"{path}: {answer.status_code} in {spent:.1f} s")
        if i % 100 == 0:
            _forget_records()
        if i == min(WARM, n // 2):
            at_first = psutil.Process().memory_info().rss
    gc.collect()
    growth = (psutil.Process().memory_info().rss - at_first) / 2**20
    print(f"{n} requests, memory grew by {growth:.0f} MB")
    if growth > GROWTH_MB:
        wrong.append(f"memory grew by {growth:.0f} MB")
    return wrong


def _forget_records() -> None:
    """pytest keeps the record of each request for its report: that is no growth of the server."""
    for handler in logging.getLogger().handlers:
        if hasattr(handler, "reset"):
            handler.reset()


def test_no_request_is_a_servers_error(key):
    assert fuzz(400, key.plain, seed=1) == []


@pytest.mark.nightly
def test_none_of_very_many_requests_is_a_servers_error(key):
    n = int(os.environ.get("FUZZED", "20000"))
    assert fuzz(n, key.plain, seed=random.randrange(2**32)) == []
