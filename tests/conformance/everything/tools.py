"""What a tool of the everything server is, and the two handlers that serve a table of them.

No tool lives here; the tables are in the `*_tools` modules beside this one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import mcp_types as types
from mcp.server import ServerRequestContext

from conformance.everything import content

RequestContext: TypeAlias = ServerRequestContext[Any, Any]
ToolResult: TypeAlias = types.CallToolResult | types.InputRequiredResult
JsonSchema: TypeAlias = dict[str, Any]

NO_ARGUMENTS: JsonSchema = {"type": "object", "properties": {}}


@dataclass(frozen=True)
class ToolCall:
    """One `tools/call`: the request's context and its parameters."""

    context: RequestContext
    params: types.CallToolRequestParams

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments, empty when the client sent none."""
        return self.params.arguments or {}

    @property
    def answers(self) -> types.InputResponses:
        """What the client answered to the requests of an earlier round."""
        return self.params.input_responses or {}


@dataclass(frozen=True)
class FixtureTool:
    """A tool: what `tools/list` says of it and what a call does."""

    name: str
    description: str
    run: Callable[[ToolCall], Awaitable[ToolResult]]
    input_schema: JsonSchema = field(default_factory=lambda: dict(NO_ARGUMENTS))

    def listed(self) -> types.Tool:
        """The tool as it stands in `tools/list`."""
        return types.Tool(
            name=self.name, description=self.description, input_schema=self.input_schema
        )


def said(value: str) -> types.CallToolResult:
    """A finished call whose only content is `value`."""
    return types.CallToolResult(content=[content.text(value)])


def failed(why: str) -> types.CallToolResult:
    """A call that went wrong, told so that a model can read it."""
    return types.CallToolResult(content=[content.text(why)], is_error=True)


def answering(*blocks: types.ContentBlock) -> Callable[[ToolCall], Awaitable[ToolResult]]:
    """A tool body that returns the same blocks every time."""

    async def run(_: ToolCall) -> ToolResult:
        return types.CallToolResult(content=list(blocks))

    return run


class ToolTable:
    """`tools/list` and `tools/call` over a fixed, ordered set of tools."""

    def __init__(self, tools: list[FixtureTool]) -> None:
        self._tools: Mapping[str, FixtureTool] = {tool.name: tool for tool in tools}

    def input_schema(self, name: str) -> JsonSchema | None:
        """The schema that `Mcp-Param-*` headers are checked against; None when unknown."""
        tool = self._tools.get(name)
        return None if tool is None else tool.input_schema

    async def list_tools(
        self, _context: RequestContext, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """Answer `tools/list` with every tool on one page."""
        return types.ListToolsResult(tools=[tool.listed() for tool in self._tools.values()])

    async def call_tool(
        self, context: RequestContext, params: types.CallToolRequestParams
    ) -> ToolResult:
        """Answer `tools/call`; an unknown name as the SDK's own servers do, with a result."""
        tool = self._tools.get(params.name)
        if tool is None:
            return failed(f"Unknown tool: {params.name}")
        return await tool.run(ToolCall(context, params))
