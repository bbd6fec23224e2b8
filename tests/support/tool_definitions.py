"""Tool definitions as a server lists them."""

from typing import Any


def make_tool(name: str, description: str = "", **arguments: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": arguments},
    }
