"""The everything server put together: one MCP server that the public suite passes directly.

It is the upstream that Portcullis is measured in front of, so it needs every feature the suite
looks at and nothing else. Both lifecycles are served: handshake sessions and 2026-07-28.
"""

from typing import Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from starlette.applications import Starlette

from conformance.everything import (
    asking_tools,
    content_tools,
    input_required_tools,
    prompts,
    resources,
)
from conformance.everything.event_log import EventLog
from conformance.everything.notifying_tools import notifying_tools
from conformance.everything.tools import RequestContext, ToolTable

NAME: Final = "portcullis-everything"
RETRY_MILLISECONDS: Final = 100


async def _set_level(
    _context: RequestContext, _params: types.SetLevelRequestParams
) -> types.EmptyResult:
    """Answer `logging/setLevel`; the fixture logs at one level only."""
    return types.EmptyResult()


def build_server() -> Server[dict[str, Any]]:
    """The server with every handler the suite asks for."""
    bus = InMemorySubscriptionBus()
    table = ToolTable(
        [
            *content_tools.TOOLS,
            *notifying_tools(bus),
            *asking_tools.TOOLS,
            *input_required_tools.TOOLS,
        ]
    )
    server = Server(
        NAME,
        version="1.0.0",
        get_tool_input_schema=table.input_schema,
        on_list_tools=table.list_tools,
        on_call_tool=table.call_tool,
        on_list_resources=resources.list_resources,
        on_list_resource_templates=resources.list_templates,
        on_read_resource=resources.read_resource,
        on_subscribe_resource=resources.subscribe,
        on_unsubscribe_resource=resources.unsubscribe,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=prompts.list_prompts,
        on_get_prompt=prompts.get_prompt,
        on_completion=prompts.complete,
    )
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    boundary = RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME)
    server.middleware.append(boundary)
    return server


def build_app() -> Starlette:
    """The server behind streamable HTTP at `/mcp`, with resumable streams."""
    return build_server().streamable_http_app(
        event_store=EventLog(), retry_interval=RETRY_MILLISECONDS
    )
