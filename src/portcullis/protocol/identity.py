"""Who the gateway says it is, as an MCP client and as an MCP server. Constants only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GATEWAY_INFO: Final[Mapping[str, str]] = MappingProxyType(
    {"name": "portcullis", "version": "0.1.0"}
)
