"""The MCP server behind everything that is measured: `python -m bench.upstream_stub PORT`.

It does nothing but answer, in both eras of the protocol, without state.
"""

import asyncio
import json
import sys
from typing import Any

from bench.calls import LEGACY, MODERN, RESULT_TEXT, TOOLS
from local_stack.http_server import HttpServer, Request, Response, json_response, listen

_INFO = {"name": "stub", "version": "1.0"}
_CAPABILITIES: dict[str, Any] = {"tools": {}}
_CACHE = {"ttlMs": 0, "cacheScope": "private"}

_RESULTS: dict[str, dict[str, Any]] = {
    "initialize": {
        "protocolVersion": LEGACY,
        "capabilities": _CAPABILITIES,
        "serverInfo": _INFO,
    },
    "server/discover": {
        "supportedVersions": [MODERN, LEGACY],
        "capabilities": _CAPABILITIES,
        "serverInfo": _INFO,
        **_CACHE,
    },
    "tools/list": {"tools": TOOLS, **_CACHE},
    "tools/call": {"content": [{"type": "text", "text": RESULT_TEXT}], "isError": False},
    "ping": {},
}


async def answer(request: Request) -> Response:
    """Answer one message."""
    if request.method != "POST":
        return Response(status=405)
    sent = json.loads(request.body)
    if "id" not in sent:
        return Response(status=202)
    result = _RESULTS.get(sent["method"])
    if result is None:
        error = {"code": -32601, "message": "method not found"}
        return json_response(200, {"jsonrpc": "2.0", "id": sent["id"], "error": error})
    if "_meta" in sent.get("params", {}):
        result = {**result, "resultType": "complete"}
    return json_response(200, {"jsonrpc": "2.0", "id": sent["id"], "result": result})


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = HttpServer(answer, maximum_body_bytes=1 << 20)
    await server.start(listen("127.0.0.1", port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
