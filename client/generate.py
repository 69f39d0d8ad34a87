"""Writes the client's `schema.py` and `resources.py` from the backend's OpenAPI schema.

`python client/generate.py` writes them; a test compares them with what would be written.
"""

import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent / "docs" / "openapi.yaml"
TARGET = HERE / "evals_client"
_HEAD = """

Made by client/generate.py from docs/openapi.yaml; not to be changed by hand.
"""
_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_MADE_OF_PATHS = {"get": "get", "post": "create", "patch": "update"}


def main() -> None:
    """Write both modules."""
    for name, content in modules().items():
        (TARGET / name).write_text(content, encoding="utf-8")


def modules() -> dict[str, str]:
    """The content of both modules by their names."""
    found = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    schemas = found["components"]["schemas"]
    routes = [
        Route(path, method, described, schemas)
        for path, methods in found["paths"].items()
        for method, described in methods.items()
        if method != "parameters"
    ]
    return {
        "schema.py": _formatted(_schema(schemas)),
        "resources.py": _formatted(_resources(routes)),
    }


def _formatted(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "made.py", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return done.stdout


# What is answered


def _schema(schemas: dict[str, Any]) -> str:
    lines = [f'"""What the backend answers, and what it takes.{_HEAD}"""', ""]
    lines += ["from typing import Any, Literal, NotRequired, TypedDict", ""]
    for name, schema in sorted(schemas.items()):
        if "enum" in schema:
            values = ", ".join(_quoted(value) for value in schema["enum"])
            lines += ["", f"{name} = Literal[{values}]"]
        elif schema.get("type") == "object" and "properties" in schema:
            lines += ["", ""] + list(_typed_dict(name, schema))
        else:
            lines += ["", f"{name} = {_type(schema)}"]
    return "\n".join(lines) + "\n"


def _typed_dict(name: str, schema: dict[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    fields = {
        field: _type(value) if field in required else f"NotRequired[{_type(value)}]"
        for field, value in schema["properties"].items()
    }
    if all(field.isidentifier() and not keyword.iskeyword(field) for field in fields):
        yield f"class {name}(TypedDict):"
        yield from _docstring(schema.get("description", ""), "    ")
        yield from (f'    {field}: "{kind}"' for field, kind in fields.items())
        return
    inside = ", ".join(f'"{field}": "{kind}"' for field, kind in fields.items())
    yield f'{name} = TypedDict("{name}", {{{inside}}})'


def _type(schema: dict[str, Any], prefix: str = "") -> str:
    """The Python type of a schema."""
    if "$ref" in schema:
        found = prefix + schema["$ref"].rpartition("/")[2]
    elif "allOf" in schema:
        found = _type(schema["allOf"][0], prefix)
    elif "oneOf" in schema:
        found = " | ".join(_type(one, prefix) for one in schema["oneOf"])
    elif "enum" in schema:
        found = f"Literal[{', '.join(_quoted(value) for value in schema['enum'])}]"
    elif schema.get("type") == "array":
        found = f"list[{_type(schema['items'], prefix)}]"
    elif schema.get("type") == "object":
        found = f"dict[str, {_values(schema, prefix)}]"
    else:
        found = _TYPES.get(schema.get("type", ""), "Any")
    return f"{found} | None" if schema.get("nullable") and found != "Any" else found


def _values(schema: dict[str, Any], prefix: str) -> str:
    values = schema.get("additionalProperties")
    return _type(values, prefix) if isinstance(values, dict) else "Any"


# The methods


@dataclass(frozen=True)
class Parameter:
    """A parameter of a route."""

    name: str
    schema: dict[str, Any]
    required: bool
    help: str
    in_path: bool = False
    is_secret: bool = False

    @property
    def argument(self) -> str:
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name

    @property
    def type(self) -> str:
        found = _type(self.schema, "schema.")
        return found.replace("list[", "builtins.list[")

    @property
    def signature(self) -> str:
        kind = self.type
        if not self.required and not kind.endswith(("None", "Any")):
            kind = f"{kind} | None"
        notes = [_quoted(self.help)] if self.help or self.is_secret else []
        notes += ["SECRET"] if self.is_secret else []
        annotation = f"Annotated[{', '.join([kind, *notes])}]" if notes else kind
        return f"{self.argument}: {annotation}" + ("" if self.required else " = None")


class Route:
    """A route, and the method that it becomes."""

    def __init__(
        self, path: str, method: str, described: dict[str, Any], schemas: dict[str, Any]
    ) -> None:
        self.path, self.method, self._schemas = path, method, schemas
        _api, self.resource, *rest = path.strip("/").split("/")
        self.described = described
        self.name = self._name(rest)
        self.summary = " ".join(described.get("description", "").split("\n\n")[0].split())
        self.parameters = [*self._in_url(), *self._in_body()]
        self.answer_type = self._answer()

    @property
    def class_name(self) -> str:
        return "".join(word.capitalize() for word in self.resource.split("-"))

    def _name(self, rest: list[str]) -> str:
        actions = [part for part in rest if part and part != "{id}"]
        if actions:
            return "_".join(actions).replace("-", "_")
        if self.method == "get" and "{id}" not in rest:
            return "list"
        return _MADE_OF_PATHS[self.method]

    def _in_url(self) -> Iterator[Parameter]:
        for one in self.described.get("parameters", []):
            if one["name"] != "cursor":
                schema = self._resolved(one["schema"])
                text = _one_line(one.get("description", "") or schema.get("description", ""))
                required, in_path = one.get("required", False), one["in"] == "path"
                yield Parameter(one["name"], one["schema"], required, text, in_path)

    def _in_body(self) -> Iterator[Parameter]:
        content = self.described.get("requestBody", {}).get("content", {})
        if not content:
            return
        schema = self._resolved(content["application/json"]["schema"])
        required = set(schema.get("required", ()))
        for name, value in schema["properties"].items():
            text = _one_line(value.get("description", ""))
            is_secret = value.get("writeOnly", False)
            yield Parameter(name, value, name in required, text, is_secret=is_secret)

    def _answer(self) -> str:
        code = next(code for code in self.described["responses"] if code.startswith("2"))
        ((media, content),) = self.described["responses"][code]["content"].items()
        schema = content["schema"]
        if media != "application/json":
            return "str" if media.startswith("text/") else "bytes"
        if schema.get("type") == "array":
            return f"builtins.list[{_type(schema['items'], 'schema.')}]"
        resolved = self._resolved(schema)
        if {"results", "next"} <= set(resolved.get("properties", ())):
            item = _type(resolved["properties"]["results"]["items"], "schema.")
            return f"Iterator[{item}]"
        return _type(schema, "schema.")

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema or "allOf" in schema:
            ref = schema["$ref"] if "$ref" in schema else schema["allOf"][0]["$ref"]
            schema = self._schemas[ref.rpartition("/")[2]]
        return schema


def _resources(routes: list[Route]) -> str:
    lines = [f'"""The resources of REST and their methods.{_HEAD}"""', ""]
    lines += [
        '# mypy: disable-error-code="empty-body"',
        "",
        "import builtins",
        "from collections.abc import Iterator",
        "from typing import Annotated, Any, Literal",
        "",
        "from evals_client import schema",
        "from evals_client.routes import SECRET, Resource, route",
        "from evals_client.transport import Transport",
        "",
    ]
    by_resource: dict[str, list[Route]] = {}
    for route in routes:
        by_resource.setdefault(route.resource, []).append(route)
    for resource, own in by_resource.items():
        lines += ["", f"class {own[0].class_name}(Resource):"]
        lines += [f'    """`/api/{resource}/`"""', ""]
        for route in own:
            lines += [*_method(route), ""]
    lines += ["", "class Resources:", '    """The resources of a backend."""', ""]
    lines += ["    def __init__(self, transport: Transport) -> None:"]
    for resource, own in by_resource.items():
        lines.append(f"        self.{resource.replace('-', '_')} = {own[0].class_name}(transport)")
    return "\n".join(lines) + "\n"


def _method(route: Route) -> Iterator[str]:
    in_path = [p for p in route.parameters if p.in_path]
    others = sorted((p for p in route.parameters if not p.in_path), key=lambda p: not p.required)
    signature = ["self", *(p.signature for p in in_path)]
    if others:
        signature += ["*", *(p.signature for p in others)]
    yield f'    @route("{route.method.upper()}", "{route.path}")'
    yield f"    def {route.name}({', '.join(signature)}) -> {route.answer_type}:"
    yield from _docstring(route.summary or f"`{route.path}`", "        ")


def _docstring(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if not words:
        return
    lines = textwrap.wrap(words, 92 - len(indent))
    if len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
        return
    yield f'{indent}"""{lines[0]}'
    yield from (f"{indent}{line}" for line in lines[1:])
    yield f'{indent}"""'


def _one_line(text: str) -> str:
    """The first paragraph; none of a list of choices, which the type has."""
    words = " ".join(text.split("\n\n")[0].split())
    return "" if words.startswith("* `") else words


def _quoted(value: Any) -> str:
    return repr(value) if not isinstance(value, str) else '"' + _escaped(value) + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    sys.exit(main())
