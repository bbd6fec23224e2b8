"""Where a server's tools are read from: an address, a command on this machine, or a function.

Addresses and commands are spoken to with the public MCP library, which finds out by itself
which revision a server speaks; a function as the gateway does it.
"""

import asyncio
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import boto3
import httpx2
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from portcullis.adapters.lambda_upstream import LambdaUpstream
from portcullis.errors import UpstreamError
from portcullis.gateway.ports import Registered
from portcullis.gateway.tool_list import fetch_tools
from portcullis.protocol import lists
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode, unavailable

if TYPE_CHECKING:
    from mcp.client.client import Client

MAXIMUM_PAGES: Final = 100
MAXIMUM_TOOLS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server: exactly one of `url`, `command` and `function`; `token` goes to `url` only."""

    url: str = ""
    command: tuple[str, ...] = ()
    function: str = ""
    token: str = ""
    timeout_seconds: float = 30.0

    @property
    def shown(self) -> str:
        """What people call it by; holds no credential."""
        return self.url or " ".join(self.command[:1]) or self.function


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTools:
    """What a server answered: its own name, and its tools as `tools/list` shows them."""

    name: str
    version: str
    tools: tuple[Mapping[str, Any], ...]


def tools_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """A tool list as JSON, whichever way it was read: a function's holds exact decimals."""
    return json.dumps({"tools": [*tools]}, indent=1, default=_number) + "\n"


def callable_tools(tools: Sequence[Mapping[str, Any]]) -> Mapping[str, JsonObject]:
    """The tools that a gateway lets anybody call: none without a sound name of its own."""
    return lists.tools_of([{"tools": [{**tool} for tool in tools]}]) or {}


def _number(value: object) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError
    return int(value) if value == value.to_integral_value() else float(value)


def read_tools(target: Target) -> ServerTools:
    """Read every page of a server's tools.

    Raises:
        CommandError: the server cannot be reached, or does not answer as one.
    """
    try:
        if target.function:
            return _of_function(target)
        return asyncio.run(asyncio.wait_for(_of_client(target), target.timeout_seconds))
    except CommandError:
        raise
    except TimeoutError as error:
        raise unavailable(f"the server did not answer in {target.timeout_seconds:g} s") from error
    except FileNotFoundError as error:
        raise unavailable("the command was not found") from error
    except (ClientError, BotoCoreError, UpstreamError) as error:
        raise unavailable(f"the function did not answer with tools: {error}") from error
    except Exception as error:  # the library and the server decide what may go wrong
        raise unavailable(f"the server did not answer with tools: {_cause(error)}") from error


async def _of_client(target: Target) -> ServerTools:
    # The library takes longer to import than any other command takes to run.
    from mcp.client.client import Client  # noqa: PLC0415
    from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415

    # It logs what a server wrote that is no message, escapes for terminals included, at any length.
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)
    if target.command:
        # A server that runs here needs what a shell would give it, credentials of AWS included.
        program = StdioServerParameters(
            command=target.command[0], args=list(target.command[1:]), env=dict(os.environ)
        )
        return await _listed(Client(stdio_client(program)))
    headers = {"authorization": f"Bearer {target.token}"} if target.token else {}
    statuses: list[int] = []

    async def note(response: httpx2.Response) -> None:
        statuses.append(response.status_code)

    async with httpx2.AsyncClient(
        headers=headers,
        timeout=target.timeout_seconds,
        follow_redirects=False,
        event_hooks={"response": [note]},
    ) as http:
        try:
            return await _listed(Client(streamable_http_client(target.url, http_client=http)))
        except Exception as error:
            if statuses and statuses[-1] >= 400:  # the library does not say it
                raise _refused(statuses[-1], target) from error
            raise


async def _listed(client: "Client") -> ServerTools:
    async with client:
        tools: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAXIMUM_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += [
                tool.model_dump(by_alias=True, mode="json", exclude_unset=True)
                for tool in page.tools
            ]
            if len(tools) > MAXIMUM_TOOLS:
                break
            cursor = page.next_cursor
            if cursor is None:
                about = client.server_info
                return ServerTools(
                    name=about.name if about else "",
                    version=about.version if about else "",
                    tools=tuple(tools),
                )
    raise unavailable("the server's tool list has no end")


def _refused(status: int, target: Target) -> CommandError:
    if status == 401:
        said = "does not accept the token" if target.token else "wants a token: give --token-file"
        return CommandError(ExitCode.UNAUTHENTICATED, f"the server {said}", code="unauthorized")
    return unavailable(f"the server did not answer with tools: HTTP {status}")


def _of_function(target: Target) -> ServerTools:
    config = Config(
        connect_timeout=5,
        read_timeout=target.timeout_seconds,
        retries={"total_max_attempts": 1},
    )
    registered = Registered(
        server="scanned",
        upstream=LambdaUpstream(boto3.client("lambda", config=config), target.function),
        digest="",
        timeout_seconds=target.timeout_seconds,
    )
    tools = fetch_tools(registered, longest_seconds=target.timeout_seconds)
    return ServerTools(name=target.function, version="", tools=tuple(tools.values()))


def _cause(error: BaseException) -> str:
    """The first error inside; a group of the library's tasks says nothing itself."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return type(error).__name__
