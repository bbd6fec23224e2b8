"""`portcullis lock`: a server's tools as somebody looked at them, and what changed since."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.lock_file import LockedTool, LockFile, read_lock_file
from portcullis.policy.words import CATEGORIES
from portcullis.registration.words import SERVER_NAME
from portcullis.values import JsonMapping, JsonObject, JsonValue
from portcullis_cli.catalogue.assess import assess
from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.json_text import for_programs
from portcullis_cli.lock_diff import differences, for_json, lines
from portcullis_cli.policy.inputs import AsJson, ToolsFile, ToolsFrom, known_tools, read_lock
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of
from portcullis_cli.tool_source import callable_tools

_STDOUT = Path("-")
_SUFFIX = ".lock.json"


def lock(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="The server's address, `https://…/mcp`.")
    ] = "",
    command: Annotated[
        str,
        typer.Option(
            "--command", help="Start a server on this machine and speak to it over its stdio."
        ),
    ] = "",
    function: Annotated[
        str,
        typer.Option("--lambda", help="A function that hosts a server: its name or its ARN."),
    ] = "",
    tools: ToolsFile = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help="A file with the bearer token that the address asks for."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the lock to this file, `-` for stdout. A file that exists is not replaced.",
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", help="Show what differs from this lock; end with 1 where any."),
    ] = None,
    accept: Annotated[
        Path | None,
        typer.Option("--accept", help="Write the tools as they are now into this lock."),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option("--tool", help="Accept this tool alone. Repeatable."),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option("--category", help="The category of a tool, `name=destructive`. Repeatable."),
    ] = None,
    server: Annotated[
        str,
        typer.Option(
            "--server",
            help="The server's name at the gateway. Without it: that of `<server>.lock.json`.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Pin a server's tools, show what changed since, and accept it once somebody has read it.

    A lock is uploaded as `incoming/locks/<server>.json`. It then comes into force with the policy:
    tools that changed or are new are denied, or people are asked, as `drift` in the policy says.

    Example: portcullis lock https://mcp.example.com/mcp --server mq -o -
    """
    with reported(as_json=as_json):
        _require_one_work(output, check, accept, only=bool(tool))
        told = ToolsFrom(
            file=tools, url=url, command=command, function=function, token_file=token_file
        )
        categories = _categories(category or ())
        found = known_tools(surroundings_of(context), told)
        if found is None:
            raise usage_error("say which server: an address, --command, --lambda, or --tools")
        found = _without_unsound(found)
        if check is not None:
            _check(read_lock(check), found, as_json=as_json)
        elif accept is not None:
            _accept(accept, found, tuple(tool or ()), categories, as_json=as_json)
        elif output is not None:
            name = server or output.name.removesuffix(_SUFFIX)
            made = _locked(name, found, categories)
            if output == _STDOUT:
                typer.echo(_text(made), nl=False)
                return
            _write(output, made, is_new=True)
            _tell_written(output, made, [*made.tools], as_json=as_json)


def _without_unsound(tools: Mapping[str, JsonMapping]) -> Mapping[str, JsonMapping]:
    """The tools as a gateway knows them; which of the others there are is told."""
    known = callable_tools([*tools.values()])
    for name in (one for one in tools if one not in known):
        typer.echo(f"left out, no call can reach it: {plain(name)[:200]}", err=True)
    return known


def _require_one_work(
    output: Path | None, check: Path | None, accept: Path | None, *, only: bool
) -> None:
    """The options say one thing to do, that can be done."""
    if sum(one is not None for one in (output, check, accept)) != 1:
        raise usage_error("say what to do: -o to write a lock, --check, or --accept")
    if only and accept is None:
        raise usage_error("--tool goes with --accept")
    if output is not None and output.exists():
        raise usage_error(f"{output} exists, and is not replaced")


def _categories(told: Sequence[str]) -> Mapping[str, str]:
    """What the options say of tools."""
    found: dict[str, str] = {}
    for one in told:
        name, _, category = one.rpartition("=")
        if not name or category not in CATEGORIES:
            raise usage_error(f"--category is `tool=` and one of {', '.join(CATEGORIES)}")
        found[name] = category
    return found


def _locked(
    server: str, tools: Mapping[str, JsonMapping], categories: Mapping[str, str]
) -> LockFile:
    if not SERVER_NAME.fullmatch(server):
        raise usage_error(f"`{plain(server)}` is no server's name: say it with --server")
    _require_known(categories, tools)
    _, assessed = assess([*tools.values()])
    judged = {**{one.tool: one.category.value for one in assessed}, **categories}
    return LockFile(
        server=server,
        tools={
            name: LockedTool(category=judged[name], definition=definition)
            for name, definition in tools.items()
        },
    )


def _require_known(names: Mapping[str, object], tools: Mapping[str, object]) -> None:
    unknown = sorted(set(names) - set(tools))
    if unknown:
        message = f"there is no tool `{plain(unknown[0])}`"
        raise CommandError(ExitCode.NOT_FOUND, message, code="not_found")


def _check(lock: LockFile, tools: Mapping[str, JsonMapping], *, as_json: bool) -> None:
    found = differences(lock, tools)
    if as_json:
        tell(for_json(lock.server, found))
    else:
        for line in lines(found):
            typer.echo(line)
        if not found.names:
            typer.echo(f"{plain(lock.server)}: {len(lock.tools)} tools, all as they were locked")
    if found.names:
        raise typer.Exit(ExitCode.REFUSED)


def _accept(
    path: Path,
    tools: Mapping[str, JsonMapping],
    only: Sequence[str],
    categories: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    """Take what differs; a tool that was locked keeps its category unless an option says other."""
    before = read_lock(path)
    _require_known(dict.fromkeys(only), {**before.tools, **tools})
    now = _locked(before.server, tools, categories)
    found = differences(before, tools)
    taken = {name for name in found.names if not only or name in only}
    kept = {name: one for name, one in before.tools.items() if name not in taken}
    for name in taken & set(now.tools):
        was = before.tools.get(name)
        category = now.tools[name].category if was is None else was.category
        kept[name] = LockedTool(category=category, definition=now.tools[name].definition)
    for name, category in categories.items():
        if name in kept:
            kept[name] = LockedTool(category=category, definition=kept[name].definition)
    made = LockFile(server=before.server, tools=kept)
    _write(path, made, is_new=False)
    _tell_written(path, made, sorted(taken), as_json=as_json)


def _text(lock: LockFile) -> str:
    """A lock's file: one line a tool, in ASCII."""
    tree = lock.tree()
    tools = tree["tools"]
    rows = [] if not isinstance(tools, dict) else [_row(name, one) for name, one in tools.items()]
    head = for_programs({key: one for key, one in tree.items() if key != "tools"})[:-1]
    text = f'{head},"tools":{{\n' + ",\n".join(rows) + "\n}}\n"
    try:
        read_lock_file(text.encode("ascii"))  # what is written can be uploaded
    except PolicyFaults as faulty:
        raise usage_error(f"no sound lock: {plain(str(faulty.faults[0]))}") from faulty
    return text


def _write(path: Path, lock: LockFile, *, is_new: bool) -> None:
    """Write a lock; an old one is replaced as a whole."""
    text = _text(lock)
    target = path if is_new else path.with_name(f".{path.name}.new")
    try:
        with target.open("x" if is_new else "w", encoding="ascii") as opened:
            opened.write(text)
        if not is_new:
            target.replace(path)
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        raise usage_error(f"{path}: {reason}") from error


def _row(name: str, tool: JsonValue) -> str:
    return f"{for_programs(name)}:{for_programs(tool)}"


def _tell_written(path: Path, lock: LockFile, taken: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        tree: JsonObject = {
            "file": str(path),
            "server": lock.server,
            "accepted": list(taken),
            "tools": {name: one.category for name, one in sorted(lock.tools.items())},
        }
        tell(tree)
        return
    for name in taken:
        is_there = name in lock.tools
        typer.echo(f"{plain(name)}: {lock.tools[name].category if is_there else 'removed'}")
    typer.echo(f"{path}: {len(lock.tools)} tools, upload it to incoming/locks/{lock.server}.json")
