"""The peer: FastMCP's proxy, run by its own environment: `peer_proxy.py URL PORT each|shared`.

`each` is its default, one upstream client a request; `shared` keeps one connected client for
all of them, which is faster and mixes callers. This file imports nothing of the project.
"""

import asyncio
import sys

from fastmcp import Client
from fastmcp.server import create_proxy


async def main(url: str, port: int, *, shared: bool) -> None:
    """Serve until the process is ended."""
    settings = {"host": "127.0.0.1", "port": port, "path": "/mcp", "log_level": "error"}
    if shared:
        async with Client(url) as client:
            await create_proxy(client).run_http_async(show_banner=False, **settings)
    else:
        await create_proxy(url).run_http_async(show_banner=False, **settings)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), shared=sys.argv[3] == "shared"))
