"""What policy commands read: policy files, and what is known of a server's tools."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from portcullis.errors import StrictJsonError
from portcullis.policy.document import Loaded
from portcullis.policy.faults import PolicyFaults
from portcullis.policy.lock_file import MAXIMUM_BYTES as MAXIMUM_LOCK_BYTES
from portcullis.policy.lock_file import LockFile, read_lock_file
from portcullis.policy.policy_text import MAXIMUM_BYTES, parse_policy
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject
from portcullis_cli.errors import usage_error
from portcullis_cli.rendering import plain
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.targets import target_of

MAXIMUM_TOOLS_BYTES: Final = 16 << 20

PolicyFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="The policy, `<server>.yaml`.")
]
Server: TypeAlias = Annotated[
    str,
    typer.Option(
        "--server", help="The server it is for. Without it: the file's name without `.yaml`."
    ),
]
ToolsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--tools", help="The server's tools in a file, as `scan --save-tools` writes them."
    ),
]
Url: TypeAlias = Annotated[
    str, typer.Option("--url", help="Read the server's tools from its address.")
]
ServerCommand: TypeAlias = Annotated[
    str,
    typer.Option("--command", help="Read the server's tools by starting it on this machine."),
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file with the bearer token that the address asks for."),
]
LockPath: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--lock", help="The lock that is in force with the policy, as `portcullis lock` writes it."
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write one line of JSON.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsFrom:
    """Where the server's tools come from; nothing: they are not known."""

    file: Path | None = None
    url: str = ""
    command: str = ""
    function: str = ""
    token_file: Path | None = None


def read_text(path: Path, *, maximum: int = MAXIMUM_BYTES) -> bytes:
    """The bytes of a file, one more than the most at the most.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        with path.open("rb") as opened:
            return opened.read(maximum + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise usage_error(f"{path}: {reason.lower()}") from error


def server_of(path: Path, server: str) -> str:
    """The server a policy is for."""
    return server or path.name.removesuffix(".yaml").removesuffix(".yml").removesuffix(".json")


def load(path: Path, tools: Mapping[str, JsonMapping] | None, lock: Path | None = None) -> Loaded:
    """Read a policy file, with its server's lock if there is one.

    Raises:
        CommandError: it cannot be read.
        PolicyFaults: it is no sound policy.
    """
    pins = None if lock is None else read_lock(lock).document()
    return load_text(read_text(path), tools, pins)


def load_text(
    text: bytes, tools: Mapping[str, JsonMapping] | None, pins: JsonObject | None
) -> Loaded:
    """Read the text of a policy, with what its server's lock pins.

    Raises:
        PolicyFaults: it is no sound policy.
    """
    known = None if tools is None else [*tools]
    return parse_policy(text, known_tools=known, lock=pins)


def read_lock(path: Path) -> LockFile:
    """Read a lock file.

    Raises:
        CommandError: it cannot be read, or is none.
    """
    try:
        return read_lock_file(read_text(path, maximum=MAXIMUM_LOCK_BYTES))
    except PolicyFaults as faulty:
        raise usage_error(
            f"{path}: it is no sound lock: {plain(str(faulty.faults[0]))}"
        ) from faulty


def known_tools(around: Surroundings, told: ToolsFrom) -> Mapping[str, JsonMapping] | None:
    """The server's tools by name, None where nobody told where they are.

    Raises:
        CommandError: they cannot be read, or several places were told.
    """
    ways = [told.file is not None, bool(told.url), bool(told.command), bool(told.function)]
    if sum(ways) > 1:
        raise usage_error("say once where the tools are")
    if told.file is not None:
        return _by_name(_read_file(told.file))
    if not any(ways):
        return None
    target = target_of(
        around,
        url=told.url,
        command=told.command,
        function=told.function,
        token_file=told.token_file,
    )
    found = around.read_tools(target).tools
    if told.function:
        return _by_name(found)  # read as the gateway reads it
    # Numbers as exact as the gateway reads them.
    return _by_name(_parsed(json.dumps([*found]).encode()))


def _read_file(path: Path) -> Any:
    tree = _parsed(read_text(path, maximum=MAXIMUM_TOOLS_BYTES), whose=str(path))
    for key in ("result", "tools"):  # a reply, a result, or the list itself
        if isinstance(tree, dict) and key in tree:
            tree = tree[key]
    return tree


def _parsed(data: bytes, *, whose: str = "the server") -> Any:
    try:
        return parse(data, max_bytes=MAXIMUM_TOOLS_BYTES)
    except StrictJsonError as error:
        raise usage_error(f"{whose}: the tools are no JSON: {error}") from error


def _by_name(tools: Any) -> Mapping[str, JsonMapping]:
    if not isinstance(tools, list | tuple):
        raise usage_error("the tools are not a list as `tools/list` answers it")
    found = {
        str(tool["name"]): tool for tool in tools if isinstance(tool, Mapping) and "name" in tool
    }
    if len(found) != len(tools):
        raise usage_error("a tool in the list has no name, or the name of another one")
    return found
