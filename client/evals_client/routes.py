"""Makes the methods of resources from their signatures.

A signature names what is sent, and its return type says what is answered.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, get_origin

from evals_client.transport import Transport

Answers = Literal["value", "list", "pages", "file", "text"]
# Marks a secret, which does not belong on a command line.
SECRET = "secret"  # noqa: S105
_ANSWERS: dict[Any, Answers] = {Iterator: "pages", list: "list", bytes: "file", str: "text"}


class Resource:
    """A resource of REST; its methods are its routes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _request(self, method: str, path: str, answers: Answers, values: dict[str, Any]) -> Any:
        query, body = (values, None) if method == "GET" else (None, values)
        match answers:
            case "pages":
                return self._transport.pages(path, values)
            case "file":
                return self._transport.send(method, path, query, body).content
            case "text":
                return self._transport.send(method, path, query, body).text
        return self._transport.json(method, path, query, body)


_Own = TypeVar("_Own", bound=Resource)
_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_Method = Callable[Concatenate[_Own, _Parameters], _Answer]


def route(
    method: str, path: str
) -> Callable[[_Method[_Own, _Parameters, _Answer]], _Method[_Own, _Parameters, _Answer]]:
    """Has a method of a resource request this route; its body is empty.

    Parameters that the path does not name are the query of a GET, else the JSON body. What is
    None is not sent.
    """

    def decorated(
        function: _Method[_Own, _Parameters, _Answer],
    ) -> _Method[_Own, _Parameters, _Answer]:
        signature = inspect.signature(function)
        answers = answers_of(signature)

        @functools.wraps(function)
        def call(self: _Own, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
            _self, *arguments = signature.bind(self, *args, **kwargs).arguments.items()
            values = {json_name(name): value for name, value in arguments if value is not None}
            url = path.format(**{name: values.pop(name) for name in names_in(path)})
            found: _Answer = self._request(method, url, answers, values)
            return found

        call.route = (method, path)  # type: ignore[attr-defined]
        return call

    return decorated


def answers_of(signature: inspect.Signature) -> Answers:
    """What a method answers: one value, a list, a list in pages, a file or a text."""
    found = signature.return_annotation
    return _ANSWERS.get(get_origin(found) or found, "value")


def names_in(path: str) -> list[str]:
    """The parameters that a path names."""
    return re.findall(r"{(\w+)}", path)


def json_name(argument: str) -> str:
    """The parameter's name in REST; a keyword of Python has a `_` more as an argument."""
    return argument.removesuffix("_")
