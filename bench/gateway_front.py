"""The gateway behind HTTP for the comparison: `python -m bench.gateway_front PORT`.

The front makes API Gateway's event of a request and an HTTP response of the function's
answer, through JSON both times, as the service does. The handler runs in the same process.
"""

import asyncio
import json
import sys
import uuid

from bench.calls import authorizer_context
from local_stack.apigateway_event import API_ID, match_route, proxy_event
from local_stack.apigateway_response import function_response
from local_stack.http_server import HttpServer, Request, Response, listen
from local_stack.template import Api, Authorizer, Route
from portcullis.entrypoints.caller_seal import Occasion
from portcullis.entrypoints.lambda_mcp import handler

_ROUTE = Route(path="/mcp/{server}", method="ANY", function="Gateway", timeout_seconds=29)
_API = Api(
    stage="prod",
    routes=(_ROUTE,),
    authorizer=Authorizer(function="Authorizer", identity_headers=("Authorization",)),
    responses={},
)


async def answer(request: Request) -> Response:
    """Serve one request as an authorised caller's."""
    matched = match_route(_API, request)
    if matched is None:
        return Response(status=404)
    request_id = str(uuid.uuid4())
    occasion = Occasion(request=request_id, api=API_ID, stage=_API.stage)
    context = authorizer_context("agent", occasion)
    event = json.dumps(proxy_event(_API, matched, request_id=request_id, authorizer=context))
    payload = json.dumps(handler(json.loads(event), None)).encode()
    return function_response(_API, payload, request_id=request_id)


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = HttpServer(answer, maximum_body_bytes=1 << 20)
    await server.start(listen("127.0.0.1", port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
