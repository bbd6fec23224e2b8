"""The gate under attack behind the local front door, over real sockets.

The front, the route and the authorizer are the real ones, read from the template; only the
functions run in this process, so that the recorder and the records can be asked.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock

import boto3

from local_stack.environment_pool import EnvironmentPool
from local_stack.front import Front
from local_stack.http_server import listen
from local_stack.intrinsics import Physical
from local_stack.runtime_api import Outcome
from local_stack.template import Api, Template
from portcullis.adapters.dynamodb_grants import create_grant
from threats.gate import TABLE, Gate, own_module

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


class InThisProcess(EnvironmentPool):
    """Runs a handler where it is, in a thread."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    async def invoke(self, event: bytes) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(None, self._run, json.loads(event))

    def _run(self, event: dict[str, Any]) -> Outcome:
        try:
            return Outcome(payload=json.dumps(self._handler(event, None)).encode())
        except Exception as error:  # noqa: BLE001 - as Lambda tells it
            told = json.dumps({"errorMessage": str(error)}).encode()
            return Outcome(payload=told, error="Unhandled")


AUTHORIZER_VARIABLES = {
    "PORTCULLIS_TABLE": TABLE,
    "PORTCULLIS_STORE_TIMEOUT_SECONDS": "2",
    "PORTCULLIS_IDENTITY": "grants",
    "PORTCULLIS_PUBLIC_URL": "",
    "PORTCULLIS_JWT_ISSUER": "",
    "PORTCULLIS_JWT_AUDIENCE": "",
    "PORTCULLIS_JWT_SCOPE_PREFIX": "",
    "PORTCULLIS_JWT_GROUPS_CLAIM": "groups",
    "PORTCULLIS_JWT_PERSON_CLAIM": "email",
    "PORTCULLIS_JWT_TAGS_CLAIM": "",
    "PORTCULLIS_JWT_CLAIMS": "",
}


def read_api() -> Api:
    """The API of the template, whose stage refers to a secret that is not there."""
    template = Template.load(TEMPLATE, parameters={})
    template.physical["StageProofSecret"] = Physical(ref="arn:unknown")
    return template.api()


@contextmanager
def fronted(gate: Gate, **settings: str) -> Iterator[int]:
    """Serve the gate, its authorizer with other settings where given; answer the port."""
    api = read_api()
    (route,) = [one for one in api.routes if not (one.is_open or one.is_signed)]
    secret = gate.environment["PORTCULLIS_SESSION_KEY_SECRET"]
    variables = {**AUTHORIZER_VARIABLES, "PORTCULLIS_SESSION_KEY_SECRET": secret, **settings}
    with mock.patch.dict(os.environ, variables):
        authorizer = own_module("portcullis.entrypoints.lambda_authorizer")
    pools = {
        route.function: InThisProcess(gate.handler),
        api.authorizer.function: InThisProcess(authorizer.handler),
    }
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        front, end = Front(api, pools), asyncio.Event()
        await front.start(listen("127.0.0.1", 0))
        started.set_result((front.port, asyncio.get_running_loop(), end))
        await end.wait()
        await front.close()

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    port, loop, end = started.result(30)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


def mint(name: str, *servers: str) -> str:
    """A bearer token for these servers."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    now = int(time.time())
    return create_grant(
        client, TABLE, name=name, servers=servers, now_seconds=now, lifetime_seconds=600
    )
