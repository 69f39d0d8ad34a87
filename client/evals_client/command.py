"""The command line `evals`: a command for each route of REST.

`evals RESOURCE ACTION [ID] [--parameter VALUE]`, made of the client's methods; and by the names of
people `evals PROJECT [VERSION] [ACTION] [--parameter VALUE]`, such as `evals 12 v7`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import click

from evals_client.client import Evals
from evals_client.errors import EvalsError
from evals_client.names import VERSION, NameUnknown, project_id, version_id
from evals_client.operations import OPERATIONS, Operation, Parameter
from evals_client.tables import print_rows, print_value
from evals_client.transport import file_name

ROWS = 50
_JSON_TYPES = ("object", "any")


class _Json(click.ParamType):
    """A value in JSON; what is none is a text."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return self.fail(f"{value!r} is no JSON.", param, ctx)


_TYPES: dict[str, Any] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "string": str,
    "object": _Json(),
    "any": _Json(),
}


class _ByName(click.Command):
    """A project, or a version of it, by name; then the action of it, which is `get` if left out."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of the resource's own command, with the id in place of the names."""
        assert parent is not None, "it is a command of `evals`"
        is_version = bool(args) and VERSION.fullmatch(args[0]) is not None
        group = cast(click.Group, evals.commands["versions" if is_version else "projects"])
        rest = args[is_version:]
        action = rest.pop(0) if rest and not rest[0].startswith("-") else "get"
        if group.get_command(parent, action) is None:
            raise click.UsageError(f"{group.name} have no action {action!r}.", parent)
        client = parent.obj()
        try:
            found = project_id(client, self.name or "")
            if is_version:
                found = version_id(client, found, args[0])
        except NameUnknown as error:
            raise click.UsageError(str(error), parent) from None
        return group.make_context(group.name, [action, str(found), *rest], parent, **extra)


class _Commands(click.Group):
    """The resources of REST; any other word is the name of a project."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The resource's, else what looks for the project."""
        known = super().get_command(ctx, cmd_name)
        return known or (None if cmd_name.startswith("-") else _ByName(cmd_name))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--url", envvar="EVALS_URL", help="The backend's URL; else EVALS_URL.")
@click.option("--token", envvar="EVALS_TOKEN", help="A REST token; else EVALS_TOKEN.")
@click.option(
    "--token-file",
    envvar="EVALS_TOKEN_FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the token; else EVALS_TOKEN_FILE.",
)
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for an answer.")
@click.version_option(package_name="evals-client", prog_name="evals")
@click.pass_context
def evals(
    context: click.Context,
    url: str | None,
    token: str | None,
    token_file: Path | None,
    timeout: float,
) -> None:
    """Reads and changes what an evals-backend has, from any machine.

    `evals PROJECT` shows a project by its uid, id or title, `evals PROJECT v7` a version of it, and
    `evals PROJECT v7 ACTION` does something with it.
    """

    def connect() -> Evals:
        """Only once a command runs, so that its --help needs no URL."""
        found = token or (token_file.read_text(encoding="utf-8").strip() if token_file else "")
        if not url:
            raise click.UsageError("Say --url, or set EVALS_URL.")
        if not found:
            raise click.UsageError("Say --token-file or --token, or set EVALS_TOKEN.")
        return context.with_resource(Evals(url, found, timeout=timeout))

    context.obj = connect


def main() -> None:
    """Run the command; a refusal is printed, and ends it with 1."""
    try:
        evals(standalone_mode=True)
    except EvalsError as error:
        origin = f" ({error.code}{', request ' + error.request_id if error.request_id else ''})"
        click.echo(f"{error.message} {error.hint}".strip() + origin, err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


def _command(operation: Operation) -> click.Command:
    parameters: list[click.Parameter] = [
        _of(parameter, operation) for parameter in operation.parameters
    ]
    if operation.answers in ("value", "list", "pages"):
        parameters.append(click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."))
    if operation.answers == "pages":
        limit = f"The most rows; {ROWS} where it is left out."
        parameters.append(click.Option(["--limit", "most"], type=click.IntRange(1), help=limit))
        parameters.append(click.Option(["--all", "every"], is_flag=True, help="Print all rows."))
    if operation.answers in ("file", "text"):
        parameters.append(
            click.Option(
                ["--output", "-o"],
                type=click.Path(dir_okay=False, path_type=Path),
                help="The file to write; - is the terminal.",
            )
        )
    return click.Command(
        operation.name.replace("_", "-"),
        params=parameters,
        callback=_callback(operation),
        help=operation.summary or None,
    )


def _of(parameter: Parameter, operation: Operation) -> click.Parameter:
    if parameter.place == "path":
        return click.Argument([parameter.name], type=int)
    several = parameter.type == "array"
    kind: Any = _TYPES.get("string" if several else parameter.type, str)
    if parameter.choices:
        kind = click.Choice(parameter.choices)
    return click.Option(
        [f"--{parameter.name.replace('_', '-')}", parameter.argument],
        type=kind,
        required=parameter.required,
        multiple=several,
        help=parameter.help or None,
        **(_secret_options(parameter, operation) if parameter.is_secret else {}),
    )


def _secret_options(parameter: Parameter, operation: Operation) -> dict[str, Any]:
    """A secret is entered at a prompt: other users of the machine can read a command line.

    Its variable has the command's name too, so that none is that of the client's own token.

    An empty one is sent as it is, which the default allows: click would ask again without one.
    """
    command = f"{operation.resource}_{operation.name}".replace("-", "_")
    return {
        "prompt": True,
        "hide_input": True,
        "default": "",
        "show_default": False,
        "envvar": f"EVALS_{command}_{parameter.name}".upper(),
        "show_envvar": True,
    }


def _callback(operation: Operation) -> Callable[..., None]:
    @click.pass_obj
    def call(connect: Callable[[], Evals], **values: Any) -> None:
        names = {parameter.argument for parameter in operation.parameters}
        arguments = {name: _argument(values[name]) for name in names}
        client = connect()
        match operation.answers:
            case "file" | "text":
                _write(client, operation, arguments, values["output"])
            case "pages":
                found = _method(client, operation)(**arguments)
                _print_pages(found, operation, values)
            case _:
                found = _method(client, operation)(**arguments)
                _print(found, operation, as_json=values["as_json"])

    return call


def _argument(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value) or None
    return value


def _method(client: Evals, operation: Operation) -> Callable[..., Any]:
    resource = getattr(client, operation.resource.replace("-", "_"))
    return getattr(resource, operation.name)  # type: ignore[no-any-return]


def _print_pages(found: Iterator[Any], operation: Operation, values: dict[str, Any]) -> None:
    most = None if values["every"] else values["most"] or ROWS
    rows = list(islice(found, most))
    if most is not None and not values["as_json"] and next(found, None) is not None:
        click.echo(f"The first {most}; there are more: --limit N, or --all.", err=True)
    _print(rows, operation, as_json=values["as_json"])


def _print(found: Any, operation: Operation, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif isinstance(found, list):
        print_rows(operation.resource, found)
    else:
        print_value(found)


def _write(
    client: Evals, operation: Operation, arguments: dict[str, Any], output: Path | None
) -> None:
    in_query = [p for p in operation.parameters if p.place == "query"]
    query = {p.name: arguments[p.argument] for p in in_query}
    response = client.response("GET", operation.path.format(**arguments), query)
    if str(output) == "-" or (output is None and operation.answers == "text"):
        click.echo(response.content, nl=False)
        return
    target = output or Path(file_name(response, f"{operation.resource}-{arguments['id']}"))
    target.write_bytes(response.content)
    click.echo(f"{target}: {len(response.content):,} bytes", err=True)


def _groups() -> None:
    groups: dict[str, click.Group] = {}
    for operation in OPERATIONS:
        if operation.resource not in groups:
            name = operation.resource.replace("-", " ")
            groups[operation.resource] = click.Group(operation.resource, help=f"The {name}.")
            evals.add_command(groups[operation.resource])
        groups[operation.resource].add_command(_command(operation))


_groups()
