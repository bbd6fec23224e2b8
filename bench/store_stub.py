"""A DynamoDB that answers and keeps nothing: `python -m bench.store_stub PORT`.

What a call costs on it is what the gateway and boto3's core spend on a counter themselves.
"""

import asyncio
import sys

from local_stack.http_server import HttpServer, Request, Response, listen

_ANSWER = Response(
    status=200, headers=(("Content-Type", "application/x-amz-json-1.0"),), body=b"{}"
)


async def answer(_request: Request) -> Response:
    """Every write succeeds; every item that is read does not exist."""
    return _ANSWER


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = HttpServer(answer, maximum_body_bytes=1 << 20)
    await server.start(listen("127.0.0.1", port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
