"""Configures an unmodified awslabs server by running its own `main()`.

The awslabs servers share a shape: a module-level `mcp`, and an argparse `main()` that
registers the tools and then runs the server over stdio. Here `main()` runs with the run
call replaced, so the tool table is the package's own. The packages carry no types; every
`Any` they cause is in this module.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.mcpserver import MCPServer

McpServer = MCPServer[Any]
ToolFunction = Callable[..., object]


def configure(module: ModuleType, arguments: Sequence[str]) -> McpServer:
    """Run the module's `main()` up to where it would serve stdio; answer its server.

    Args:
        module: the package's `server` module.
        arguments: its command line, without the program's name.

    Raises:
        TypeError: the module has no MCP server where it is expected.
    """
    server = getattr(module, "mcp", None)
    if not isinstance(server, MCPServer):
        raise TypeError("the package has no MCP server called `mcp`")
    command_line = sys.argv
    sys.argv = [module.__name__, *arguments]
    vars(server)["run"] = lambda *_args, **_options: None
    try:
        module.main()
    finally:
        sys.argv = command_line
        del vars(server)["run"]
    return server


@contextmanager
def made_by(module: ModuleType, class_name: str) -> Iterator[list[Any]]:
    """Collect the instances of a class that the module makes inside the block."""
    original = getattr(module, class_name)
    made: list[Any] = []

    def make(*args: object, **options: object) -> object:
        instance = original(*args, **options)
        made.append(instance)
        return instance

    setattr(module, class_name, make)
    try:
        yield made
    finally:
        setattr(module, class_name, original)


def bound_requests(module: ModuleType, *, connect_seconds: float, read_seconds: float) -> None:
    """Give the module's HTTP requests a time limit; without one a silent broker holds a thread."""
    request = partial(module.requests.request, timeout=(connect_seconds, read_seconds))
    vars(module)["requests"] = SimpleNamespace(request=request)


def lowlevel(server: McpServer) -> Server[Any]:
    """The server's protocol half, which the transport drives."""
    return server._lowlevel_server  # noqa: SLF001 - no public way; the SDK is pinned


class ToolTable:
    """The tools of a server: their names, and the function behind each."""

    def __init__(self, server: McpServer) -> None:
        self._tools = {
            tool.name: tool
            for tool in server._tool_manager.list_tools()  # noqa: SLF001 - see `lowlevel`
        }

    def names(self) -> tuple[str, ...]:
        """Every tool's name."""
        return tuple(self._tools)

    def function(self, name: str) -> ToolFunction:
        """The function behind a tool; it takes the validated arguments by name."""
        return self._tools[name].fn

    def replace(self, name: str, function: ToolFunction) -> None:
        """Put a plain function behind a tool whose definition stays as it is."""
        self._tools[name].fn = function
        self._tools[name].is_async = False


def scope_attributes(instance: Any, attributes: dict[str, property]) -> None:
    """Turn instance attributes into properties, for closures that already hold the instance."""
    for name in attributes:
        vars(instance).pop(name, None)
    original = type(instance)
    instance.__class__ = type(f"Scoped{original.__name__}", (original,), dict(attributes))
