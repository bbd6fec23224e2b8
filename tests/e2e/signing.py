"""AWS's own proxy for MCP, as people start it: a stdio server that signs what it passes on."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import mcp_types as types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from conformance.ready_process import ROOT
from e2e.agents import Call, Result, Session

PROXY: Final = ROOT / ".tools" / "sigv4" / "bin" / "mcp-proxy-for-aws"
REGION: Final = "us-east-1"


def is_installed() -> bool:
    """Whether the proxy is here; `make setup` installs it where it can be had."""
    return PROXY.exists()


def through_the_proxy(
    url: str, credentials: Mapping[str, str], calls: list[Call], *, home: Path
) -> Session:
    """Connect a client of the Python SDK to the proxy, list the tools and make the calls."""
    server = StdioServerParameters(
        command=str(PROXY),
        args=[url, "--service", "execute-api", "--region", REGION],
        # Nothing of this process's own credentials or profiles.
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "NO_PROXY": "127.0.0.1",
            "AWS_REGION": REGION,
            **credentials,
        },
    )
    return asyncio.run(_run(server, calls))


async def _run(server: StdioServerParameters, calls: list[Call]) -> Session:
    async with Client(stdio_client(server), mode="legacy") as client:
        listed = await client.list_tools()
        tools = tuple(tool.name for tool in listed.tools)
        return Session(tools, tuple([await _call(client, call) for call in calls]))


async def _call(client: Client, call: Call) -> Result:
    try:
        answer = await client.call_tool(call.name, call.arguments)
    except MCPError as error:
        return Result(error.error.message, is_error=True, error=error.error.code)
    texts = [block.text for block in answer.content if isinstance(block, types.TextContent)]
    return Result("\n".join(texts), is_error=answer.is_error, meta=answer.meta or {})
