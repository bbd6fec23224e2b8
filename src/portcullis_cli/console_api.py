"""The console's JSON API, as one person speaks it. Trusts no reply: bounded, strict, no redirect.

Only the exchange of requests and replies may live here; nothing is printed, nobody is asked.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import httpx2

from portcullis import strictjson
from portcullis.approvals.visible_text import visible
from portcullis.errors import StrictJsonError
from portcullis.gateway.deciding import Word
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.errors import CommandError, ExitCode, unavailable
from portcullis_cli.json_text import unhidden

MAXIMUM_BYTES: Final = 8 * 1024 * 1024
LONGEST_SECONDS: Final = 30.0  # for a whole reply; the console's own time-out is shorter
_TIMEOUT: Final = httpx2.Timeout(10.0)
_EXITS: Final[Mapping[int, ExitCode]] = MappingProxyType(
    {
        400: ExitCode.USAGE,
        401: ExitCode.UNAUTHENTICATED,
        403: ExitCode.REFUSED,
        404: ExitCode.NOT_FOUND,
        409: ExitCode.REFUSED,
        415: ExitCode.USAGE,
    }
)
_UNTOLD = "; it cannot be told whether the decision counted: look at the request again"


class ConsoleApi:
    """The requests of one console. Every method may raise `CommandError`."""

    def __init__(
        self, url: str, token: str, *, transport: httpx2.BaseTransport | None = None
    ) -> None:
        self._url = url
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",  # what is bounded is what was sent
            "authorization": f"Bearer {token}",
            "user-agent": "portcullis",
        }
        self._transport = transport

    def listed(self) -> list[JsonObject]:
        """Answer the requests this person may see, those that wait first."""
        reply = self._exchange("GET", self._url)
        found = reply.get("approvals")
        if not isinstance(found, list):
            raise _no_console()
        return [*map(_with_state, found)]

    def show(self, approval_id: str) -> JsonObject:
        """Answer one request in full."""
        return _of(approval_id, self._exchange("GET", f"{self._url}/{approval_id}"))

    def decide(self, approval_id: str, word: Word, *, comment: str) -> JsonObject:
        """Say yes or no; answer the request as it is then."""
        body: JsonObject = {"decision": word.value, "comment": comment}
        try:
            reply = self._exchange("POST", f"{self._url}/{approval_id}", strictjson.dump(body))
            return _of(approval_id, reply)
        except CommandError as error:
            if error.exit_code is not ExitCode.UNAVAILABLE or error.reply is not None:
                raise
            raise unavailable(f"{error}{_UNTOLD}") from error

    def _exchange(self, method: str, url: str, body: bytes | None = None) -> JsonObject:
        headers = {} if body is None else {"content-type": "application/json"}
        started = time.monotonic()
        try:
            with (
                self._client() as client,
                client.stream(method, url, content=body, headers=headers) as response,
            ):
                content = _bounded(response, started)
        except httpx2.HTTPError as error:
            reason = visible(str(error)) or type(error).__name__
            message = f"the console at {self._url} does not answer: {reason}"
            raise unavailable(message) from error
        return _read(response.status_code, content)

    def _client(self) -> httpx2.Client:
        """One a request: a person may think for long between two."""
        return httpx2.Client(
            headers=self._headers,
            follow_redirects=False,
            timeout=_TIMEOUT,
            transport=self._transport,
            # A proxy would get the token of a plain http address, which is of this machine.
            trust_env=urlsplit(self._url).scheme == "https",
        )


def _bounded(response: httpx2.Response, started: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MAXIMUM_BYTES:
            raise unavailable("the console's answer is too long")
        if time.monotonic() - started > LONGEST_SECONDS:
            raise unavailable("the console's answer takes too long")
    return bytes(content)


def _read(status: int, content: bytes) -> JsonObject:
    if 300 <= status < 400:
        raise unavailable("the console answers with a redirect, which is not followed")
    try:
        tree = strictjson.parse(content, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError:
        tree = None
    if status == 200 and isinstance(tree, dict):
        return tree
    raise _refusal(status, tree)


def _refusal(status: int, tree: JsonValue) -> CommandError:
    match tree:
        case {"error": {"code": str(code), "message": str(message)}} if isinstance(tree, dict):
            exit_code = _EXITS.get(status, ExitCode.UNAVAILABLE)
            return CommandError(exit_code, unhidden(message), code=code, reply=tree)
        case _ if status == 401:
            message = "the token is not accepted"
            return CommandError(ExitCode.UNAUTHENTICATED, message, code="unauthorized")
        case _ if status == 200:
            return _no_console()
        case _:
            return unavailable(f"there is no console there, or it is not well: it answers {status}")


def _with_state(one: JsonValue) -> JsonObject:
    """A request: what cannot be told to wait or to have ended is none."""
    if not isinstance(one, dict) or not isinstance(one.get("state"), str):
        raise _no_console()
    return one


def _of(approval_id: str, reply: JsonObject) -> JsonObject:
    is_whole = isinstance(reply.get("arguments"), dict) and isinstance(reply.get("digest"), str)
    if reply.get("id") != approval_id or not is_whole:
        raise _no_console()
    return _with_state(reply)


def _no_console() -> CommandError:
    return unavailable("what answers there is no console: the reply has another form")
