"""Reads tasks from the pages of Label Studio's Data Manager, and goes round those that fail.

Label Studio answers 500 for a page with one task that it cannot write as JSON (half an emoji),
and gateways cut off what is large or slow. Such a page is halved down to the tasks that fail.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from more_itertools import chunked

from mlapi.labelstudio import response_schemas as schemas
from mlapi.labelstudio.errors import (
    Forbidden,
    LabelStudioError,
    Missing,
    NotLabelStudio,
    OutOfTime,
    Redirected,
    ServerError,
    TimedOut,
    Unreachable,
)
from mlapi.labelstudio.http import HttpClient

logger = logging.getLogger(__name__)

PAGE_SIZE = 500  # tasks with annotations take Label Studio 5 to 20 ms each, without 1 ms
IDS_PER_REQUEST = 100  # they travel in the URL, which servers cut at 8 kB
_SMALLEST_PAGE = 50
# So many tasks of a page are tried alone before each of them is: all fail where Label Studio does.
_PROBES = 8
# A page that fails so may be the fault of its tasks, or of its size; gateways refuse some contents.
_PAGE_ERRORS = (
    Forbidden,
    Missing,
    NotLabelStudio,
    Redirected,
    ServerError,
    TimedOut,
    Unreachable,
)
_LIST = "The list of tasks"
# All of a task but its data. The names choose fields of its annotations, too.
_OUTLINE = "id,created_at,updated_at,total_annotations,cancelled_annotations"
_ANNOTATED = (
    f"{_OUTLINE},annotations,result,was_cancelled,ground_truth,completed_by,parent_prediction"
)

Filter = dict[str, Any]
Task = dict[str, Any]


@dataclass(frozen=True)
class _Fields:
    """The fields of tasks that a request names; `outline` is all of them but the tasks' data."""

    required: schemas.Fields
    extra: Mapping[str, str]
    outline: str


_WITH_ANNOTATIONS = _Fields(schemas.ANNOTATED_TASK, {"fields": "all"}, _ANNOTATED)
_COUNTED = _Fields(schemas.COUNTED_TASK, {}, _OUTLINE)
_IN_OUTLINE = _Fields(schemas.OUTLINE, {"include": _OUTLINE}, _OUTLINE)


class TaskPages(HttpClient):
    """The tasks of projects, in pages.

    A task that Label Studio cannot return comes without its `data` or its `annotations`, or
    without both; `unreadable` has its id, and why.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unreadable: dict[int, str] = {}
        self._page_size = PAGE_SIZE

    def outlines_since(self, project_id: int, since: datetime) -> Iterator[list[Task]]:
        """Pages of the tasks with annotations and an `updated_at` after `since`, in outline.

        That is id, times and the numbers of annotations: a tenth of the time that all of it takes.
        Retrieve Predictions sets every task's `updated_at`, so Label Studio is asked for those
        with annotations only. Its filters cannot nest an OR in an AND: labelled tasks come first,
        then those with skipped annotations, some of them twice.
        """
        touched = _filter("updated_at", "greater", "Datetime", _datetime(since))
        for counter in ("total_annotations", "cancelled_annotations"):
            filters = [touched, _filter(counter, "greater", "Number", 0)]
            yield from self._pages(project_id, filters, _IN_OUTLINE)

    def annotated_tasks(self, project_id: int, after: int = 0) -> Iterator[list[Task]]:
        """Pages of all tasks with an id after that one, with their annotations."""
        return self._pages(project_id, [], _WITH_ANNOTATIONS, after)

    def all_tasks(self, project_id: int) -> Iterator[list[Task]]:
        """Pages of all tasks, with the number of their annotations, without the annotations."""
        return self._pages(project_id, [], _COUNTED)

    def tasks(self, project_id: int, ids: Iterable[int]) -> Iterator[list[Task]]:
        """Pages of the tasks with these ids, with their annotations."""
        for batch in chunked(sorted(ids), IDS_PER_REQUEST):
            filters = [_filter("id", "in_list", "Number", batch)]
            yield from self._pages(project_id, filters, _WITH_ANNOTATIONS)

    def _pages(
        self, project_id: int, filters: list[Filter], fields: _Fields, last: int = 0
    ) -> Iterator[list[Task]]:
        """In order of id, each after the last id of the one before: deletions shift no page."""
        reading = _Reading(self, project_id, filters, fields)
        while True:
            size = min(self._page_size, PAGE_SIZE)
            page, is_last = reading.after(last, size)
            if page:
                if page[-1]["id"] <= last:  # as a cache does that leaves the query out
                    raise NotLabelStudio(f"{_LIST} is not what Label Studio sends: it goes back")
                yield page
                last = page[-1]["id"]
            if is_last:
                return

    def smaller_pages(self) -> None:
        """From now on: a page failed, and none of its tasks did."""
        self._page_size = max(min(_SMALLEST_PAGE, self._page_size), self._page_size // 2)


class _Reading:
    """One walk over the tasks that the filters let through."""

    def __init__(
        self, client: TaskPages, project_id: int, filters: list[Filter], fields: _Fields
    ) -> None:
        self._client = client
        self._project_id = project_id
        self._filters = filters
        self._fields = fields.required
        self._extra = fields.extra
        self._outline = fields.outline
        self._read_before: Task | None = None

    def after(self, last: int, size: int) -> tuple[list[Task], bool]:
        """The page of tasks after that id, and whether it is the last one."""
        after = [_filter("id", "greater", "Number", last)]
        try:
            page = self._page(after, size)
            return page, len(page) < size
        except _PAGE_ERRORS as error:
            try:
                outlines = self._outlines(after, size)
            except OutOfTime:
                raise
            except LabelStudioError:
                raise error from None
            if not outlines:
                raise
            logger.warning("a page of %s tasks failed: %s", len(outlines), error.message)
            self._probe(outlines, error)
            page = self._halves(outlines, error)
            if not any(outline["id"] in self._client.unreadable for outline in outlines):
                self._client.smaller_pages()
            return page, len(outlines) < size

    def _probe(self, outlines: list[Task], error: LabelStudioError) -> None:
        """Raise the page's error if Label Studio returns none of a sample of its tasks.

        Unless it still returns a task that was read before, or what comes after the page: then
        it is these that are bad.
        """
        if len(outlines) <= _PROBES:
            return
        sample = [_between(one, one) for one in outlines[:: len(outlines) // _PROBES]]
        before = [_between(self._read_before, self._read_before)] if self._read_before else []
        after = [_filter("id", "greater", "Number", outlines[-1]["id"])]
        for probe in [*sample, *before, after]:
            try:
                self._page(probe, 1)
            except _PAGE_ERRORS:
                continue
            return
        raise error

    def _halves(self, outlines: list[Task], error: LabelStudioError) -> list[Task]:
        """Of a page that failed, each task, or its outline."""
        if len(outlines) <= 1:
            return [self._parts(outline, error) for outline in outlines]
        middle = len(outlines) // 2
        return [
            task for half in (outlines[:middle], outlines[middle:]) for task in self._read(half)
        ]

    def _read(self, outlines: list[Task]) -> list[Task]:
        try:
            return self._page(_between(outlines[0], outlines[-1]), len(outlines))
        except _PAGE_ERRORS as error:
            return self._halves(outlines, error)

    def _parts(self, outline: Task, error: LabelStudioError) -> Task:
        """Of a task that cannot be returned: all but its data, else all but its annotations."""
        self._client.unreadable[outline["id"]] = error.message
        logger.warning("task %s cannot be read: %s", outline["id"], error.message)
        one = _between(outline, outline)
        ways = (
            lambda: self._outlines(one, 1, self._outline),
            lambda: self._list(one, 1, schemas.COUNTED_TASK, {}),
        )
        for way in ways:
            try:
                (found,) = way()
            except OutOfTime:
                raise
            except (LabelStudioError, ValueError):
                continue
            return found
        return outline

    def _page(self, more: list[Filter], size: int) -> list[Task]:
        page = self._list(more, size, self._fields, self._extra)
        if page:
            self._read_before = {"id": page[-1]["id"]}
        return page

    def _outlines(self, more: list[Filter], size: int, include: str = _OUTLINE) -> list[Task]:
        extra = {"include": include, **(self._extra if "annotations" in include else {})}
        return self._list(more, size, schemas.OUTLINE, extra)

    def _list(
        self, more: list[Filter], size: int, fields: schemas.Fields, extra: Mapping[str, str]
    ) -> list[Task]:
        """`review` keeps Label Studio from requesting predictions for the page from this backend,
        which it does for a project that evaluates predictions automatically.
        """
        query = {
            "filters": {"conjunction": "and", "items": [*more, *self._filters]},
            "ordering": ["tasks:id"],
        }
        params = {
            "project": self._project_id,
            "page_size": size,
            "review": "true",
            "resolve_uri": "false",
            "query": json.dumps(query),
            **extra,
        }
        body = self._client.json("GET", "/api/tasks", params=params)
        listed = schemas.checked(body, schemas.ANY, _LIST).get("tasks")
        return schemas.all_checked(listed, fields, _LIST)


def _between(first: Task, last: Task) -> list[Filter]:
    """The tasks from one id to another, both included."""
    return [
        _filter("id", "greater", "Number", first["id"] - 1),
        _filter("id", "less", "Number", last["id"] + 1),
    ]


def _filter(column: str, operator: str, kind: str, value: Any) -> Filter:
    """A filter of the Data Manager on a column of the tasks."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


def _datetime(when: datetime) -> str:
    """The only form of a time that the Data Manager's filters read."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
