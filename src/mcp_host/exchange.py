"""One call to a host as values: the Lambda event in, the Lambda result out.

The event is `{"method", "headers": [[name, value], …], "body": "<text>", "scope": "<hex>"}`,
the result `{"status", "headers": [[name, value], …], "body": "<text>"}`. Headers are pairs
because a mapping would hide duplicates, which the MCP server has to see.
"""

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

INVALID_REQUEST: Final = -32600  # JSON-RPC 2.0 §5.1
INTERNAL_ERROR: Final = -32603

CALLER_SCOPE: Final[ContextVar[str | None]] = ContextVar("caller_scope", default=None)
"""The opaque name of the principal and session the running call belongs to, if it has one."""

Pairs = tuple[tuple[str, str], ...]

_METHOD = re.compile(r"[A-Z]{1,16}")
_SCOPE = re.compile(r"[0-9a-f]{16,128}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # RFC 9110 §5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


class MalformedEventError(Exception):
    """The event is not the one the gateway sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """An HTTP request to the hosted MCP server, and whose call it is."""

    method: str
    headers: Pairs
    body: bytes
    scope: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReply:
    """The reply of the hosted MCP server, whole."""

    status: int
    headers: Pairs
    body: str


def parse_event(event: object) -> HostRequest:
    """Read an event.

    Raises:
        MalformedEventError: a member is missing or is not what it must be.
    """
    if not isinstance(event, dict):
        raise MalformedEventError("the event must be an object")
    return HostRequest(
        method=_matching(_METHOD, event.get("method"), "method"),
        headers=_parse_headers(event.get("headers")),
        body=_parse_body(event.get("body")),
        scope=None if not event.get("scope") else _matching(_SCOPE, event["scope"], "scope"),
    )


def to_result(reply: HostReply) -> dict[str, object]:
    """Answer the Lambda result for a reply."""
    return {
        "status": reply.status,
        "headers": [[name, value] for name, value in reply.headers],
        "body": reply.body,
    }


def rejection(status: int, code: int, message: str, *, headers: Pairs = ()) -> HostReply:
    """Answer a reply that the host makes itself: an id-less JSON-RPC error."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return HostReply(
        status=status,
        headers=(("content-type", "application/json"), *headers),
        body=json.dumps(error, separators=(",", ":")),
    )


def _matching(pattern: re.Pattern[str], value: object, member: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise MalformedEventError(f"`{member}` is missing or malformed")
    return value


def _parse_headers(value: object) -> Pairs:
    if not isinstance(value, list):
        raise MalformedEventError("`headers` must be a list of pairs")
    pairs = tuple(_parse_header(pair) for pair in value)
    # The body arrives whole, so what framed it on another connection is not true here.
    return tuple(pair for pair in pairs if pair[0] not in _FRAMING)


def _parse_header(pair: object) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise MalformedEventError("each of `headers` must be a pair")
    name = _matching(_HEADER_NAME, pair[0], "headers")
    return name.lower(), _matching(_HEADER_VALUE, pair[1], "headers")


def _parse_body(value: object) -> bytes:
    if not isinstance(value, str):
        raise MalformedEventError("`body` must be text")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:  # a lone surrogate
        raise MalformedEventError("`body` must be text") from error
