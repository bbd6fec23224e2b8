"""The local front door: what API Gateway does between a client and the functions.

Source: API Gateway developer guide, "Lambda proxy integrations", "Use API Gateway Lambda
authorizers", "Quotas" (payload 10 MB), "Gateway response types".
"""

import asyncio
import datetime as dt
import json
import socket
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from local_stack.apigateway_event import (
    Matched,
    authorizer_event,
    match_route,
    method_arn,
    proxy_event,
)
from local_stack.apigateway_response import (
    MalformedAnswerError,
    function_response,
    gateway_response,
)
from local_stack.authorizer_answer import AuthorizationError, is_allowed, read_answer
from local_stack.environment_pool import EnvironmentPool
from local_stack.errors import ThrottledError
from local_stack.http_server import HttpServer, Request, Response
from local_stack.runtime_api import MAXIMUM_PAYLOAD_BYTES, Outcome
from local_stack.sigv4 import Signer, UnsignedError, signer_of
from local_stack.template import Api

MAXIMUM_BODY_BYTES = 10 * 1024 * 1024


class _RefusedError(Exception):
    """API Gateway answers itself, with this response type."""

    def __init__(self, kind: str, *, status: int | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status


class Front:
    """Serves one API; `pools` are the functions by logical id, `signers` who may sign."""

    def __init__(
        self,
        api: Api,
        pools: Mapping[str, EnvironmentPool],
        *,
        signers: Iterable[Signer] = (),
    ) -> None:
        self._api = api
        self._pools = pools
        self._signers = {signer.access_key: signer for signer in signers}
        self._running: set[asyncio.Task[Outcome]] = set()
        self._server = HttpServer(
            self.answer, maximum_body_bytes=MAXIMUM_BODY_BYTES, refuse=self._refuse
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    async def start(self, sock: socket.socket) -> None:
        """Serve a bound socket from now on."""
        await self._server.start(sock)

    async def close(self) -> None:
        """Stop serving."""
        await self._server.close()
        for task in tuple(self._running):
            task.cancel()

    async def answer(self, request: Request) -> Response:
        """Authorise, invoke, translate: one request."""
        request_id = str(uuid.uuid4())
        try:
            return await self._integrate(request, request_id)
        except _RefusedError as refused:
            return gateway_response(
                self._api, refused.kind, request_id=request_id, status=refused.status
            )
        except AuthorizationError as refused:
            return gateway_response(self._api, refused.kind, request_id=request_id)

    async def _integrate(self, request: Request, request_id: str) -> Response:
        matched = match_route(self._api, request)
        if matched is None:
            raise _RefusedError("MISSING_AUTHENTICATION_TOKEN")
        authorizer = signer = None
        if matched.route.is_signed:
            signer = self._verify(matched)
        elif not matched.route.is_open:
            authorizer = await self._authorize(matched, request_id)
        event = json.dumps(
            proxy_event(
                self._api, matched, request_id=request_id, authorizer=authorizer, signer=signer
            )
        ).encode()
        if len(event) > MAXIMUM_PAYLOAD_BYTES:
            raise _RefusedError("REQUEST_TOO_LARGE")
        outcome = await self._invoke(matched, event)
        if outcome.error is not None:
            raise _RefusedError("API_CONFIGURATION_ERROR", status=502)
        try:
            return function_response(self._api, outcome.payload, request_id=request_id)
        except MalformedAnswerError:
            raise _RefusedError("API_CONFIGURATION_ERROR", status=502) from None

    def _verify(self, matched: Matched) -> Mapping[str, str]:
        """Who signed, where their policy lets them invoke the method."""
        try:
            signer = signer_of(matched.request, self._signers, now=dt.datetime.now(dt.UTC))
        except UnsignedError as error:
            raise _RefusedError(error.kind) from None
        if not is_allowed(list(signer.statements), method_arn(self._api, matched)):
            raise _RefusedError("ACCESS_DENIED")
        return signer.identity

    async def _authorize(self, matched: Matched, request_id: str) -> dict[str, Any]:
        """Without the identity headers the authorizer is not asked (API Gateway's 401)."""
        authorizer = self._api.authorizer
        sent = {name.lower() for name, value in matched.request.headers if value.strip()}
        if not {name.lower() for name in authorizer.identity_headers} <= sent:
            raise AuthorizationError("UNAUTHORIZED")
        event = authorizer_event(self._api, matched, request_id=request_id)
        try:
            outcome = await self._pools[authorizer.function].invoke(json.dumps(event).encode())
        except ThrottledError as error:
            raise AuthorizationError("AUTHORIZER_FAILURE") from error
        return read_answer(outcome, resource=method_arn(self._api, matched))

    async def _invoke(self, matched: Matched, event: bytes) -> Outcome:
        """The function goes on when the client or API Gateway no longer waits for it."""
        task = asyncio.create_task(self._pools[matched.route.function].invoke(event))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.wait_for(asyncio.shield(task), matched.route.timeout_seconds)
        except TimeoutError:
            raise _RefusedError("INTEGRATION_TIMEOUT") from None
        except ThrottledError:
            raise _RefusedError("API_CONFIGURATION_ERROR") from None

    def _refuse(self, status: int) -> Response:
        kind = "REQUEST_TOO_LARGE" if status == 413 else "BAD_REQUEST_BODY"
        return gateway_response(self._api, kind, request_id=str(uuid.uuid4()))
