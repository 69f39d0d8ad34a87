"""The routes as the command line needs to know them, read from the methods of the resources."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from evals_client import resources
from evals_client.routes import SECRET, Answers, Resource, answers_of, json_name, names_in

_JSON_TYPES: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a route, in its path, its query or its body.

    `type` is that of JSON. `argument` is its name in Python.
    """

    name: str
    argument: str
    place: Literal["path", "query", "body"]
    type: str
    required: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""
    is_secret: bool = False


@dataclass(frozen=True)
class Operation:
    """A route of a resource, which is a method of the client."""

    resource: str
    name: str
    method: str
    path: str
    answers: Answers
    summary: str
    parameters: tuple[Parameter, ...] = ()


def _operation(function: Callable[..., Any]) -> Operation:
    method, path = function.route  # type: ignore[attr-defined]
    signature = inspect.signature(function)
    _self, *own = signature.parameters.values()
    return Operation(
        resource=path.split("/")[2],
        name=function.__name__,
        method=method,
        path=path,
        answers=answers_of(signature),
        summary=" ".join((function.__doc__ or "").split()),
        parameters=tuple(_parameter(one, method, path) for one in own),
    )


def _parameter(found: inspect.Parameter, method: str, path: str) -> Parameter:
    annotation, text, marks = found.annotation, "", []
    if get_origin(annotation) is Annotated:
        annotation, text, *marks = get_args(annotation)
    kind = _without_none(annotation)
    items = get_args(kind)[0] if get_origin(kind) is list else kind
    choices = get_args(items) if get_origin(items) is Literal else ()
    return Parameter(
        name=json_name(found.name),
        argument=found.name,
        place="path" if found.name in names_in(path) else "query" if method == "GET" else "body",
        type=_json_type(kind),
        required=found.default is found.empty,
        choices=tuple(map(str, choices)),
        help=text,
        is_secret=SECRET in marks,
    )


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kinds = [one for one in get_args(annotation) if one is not NoneType]
    return kinds[0] if len(kinds) == 1 else Any


def _json_type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return _JSON_TYPES[type(get_args(kind)[0])]
    return _JSON_TYPES.get(get_origin(kind) or kind, "any")


OPERATIONS = tuple(
    _operation(method)
    for resource in vars(resources).values()
    if isinstance(resource, type) and issubclass(resource, Resource)
    for method in vars(resource).values()
    if hasattr(method, "route")
)
