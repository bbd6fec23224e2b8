"""Requests as bytes and replies as they came: nothing here repairs or hides either."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

from portcullis_cli.verifying.model import UndecidedError

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
LEGACY_REVISIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
NO_POLICY: Final = "policy_unavailable"
RECEIVED: Final = "received"  # what the canary answers to every call
Headers: TypeAlias = Sequence[tuple[str, str]]

_INTERNAL_ERROR: Final = -32603
_WORD: Final = re.compile(r"[a-z_]{1,40}")
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True)
class Reply:
    """An HTTP reply; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The first header of a name."""
        return next((value for key, value in self.headers if key == name), None)

    @cached_property
    def message(self) -> Mapping[str, Any]:
        """The one JSON-RPC message in it, also where it came as an event; {}: there is none."""
        text = self.body.decode("utf-8", errors="replace")
        if (self.header("content-type") or "").startswith("text/event-stream"):
            found = re.findall(r"^data:(.+)$", text, re.MULTILINE)
            text = found[-1] if found else ""
        try:
            tree = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return tree if isinstance(tree, dict) else {}

    @property
    def result(self) -> Mapping[str, Any]:
        """The result; {}: there is none."""
        found = self.message.get("result")
        return found if isinstance(found, dict) else {}

    @property
    def error_code(self) -> int | None:
        """The code of a JSON-RPC error."""
        error = self.message.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, int) else None

    @property
    def decision(self) -> Mapping[str, Any]:
        """What the gateway says of its decision, with a result or an error; {}: nothing."""
        error = self.message.get("error")
        told = error.get("data") if isinstance(error, dict) else self.result.get("_meta")
        found = told.get("portcullis/decision") if isinstance(told, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def outcome(self) -> str:
        """The decision's outcome."""
        return str(self.decision.get("outcome") or "")

    @property
    def text(self) -> str:
        """The text of a tool's result."""
        content = self.result.get("content")
        first = content[0] if isinstance(content, list) and content else None
        return str(first.get("text")) if isinstance(first, dict) else ""

    @property
    def was_received(self) -> bool:
        """Whether the reply is the canary's own to a call."""
        return self.text == RECEIVED and not self.result.get("isError")

    @property
    def is_refusal(self) -> bool:
        """Whether the gateway said no: by its status, as an error, or as a tool's error."""
        if 400 <= self.status < 500:
            return True
        is_error = self.error_code is not None or self.result.get("isError") is True
        return is_error and self.status == 200

    def shown(self) -> str:
        """What it was, without any text that somebody else wrote."""
        said = f"HTTP {self.status}"
        if self.was_received:
            return f"{said}, executed by the canary"
        if self.error_code is not None:
            return f"{said}, error {self.error_code}"
        if self.decision:
            word = self.outcome if _WORD.fullmatch(self.outcome) else "an unknown outcome"
            return f"{said}, {word}"
        return f"{said}, a result" if self.result else said


def require_sound(reply: Reply, what: str) -> Reply:
    """Answer the reply, unless it says nothing about what is allowed.

    Raises:
        UndecidedError: the gateway, or something before it, is not well or has had enough.
    """
    if reply.status == 429:
        raise UndecidedError(f"{what}: HTTP 429, too many requests; try again later")
    if reply.status >= 500:
        raise UndecidedError(f"{what}: HTTP {reply.status}")
    if 300 <= reply.status < 400:
        raise UndecidedError(f"{what}: HTTP {reply.status}, a redirect, which is not followed")
    if reply.outcome == NO_POLICY:
        raise UndecidedError(f"{what}: no policy is in force; of the canary, use --install")
    if reply.outcome.endswith("_unavailable") or reply.error_code == _INTERNAL_ERROR:
        raise UndecidedError(f"{what}: {reply.shown()}, which says that the gate is not well")
    return reply


def call_message(tool: object, arguments: object, *, era: str = MODERN) -> dict[str, Any]:
    """A tools/call as a tree."""
    return request_message("tools/call", {"name": tool, "arguments": arguments}, era=era)


def request_message(
    method: str, params: Mapping[str, Any] | None = None, *, era: str = MODERN
) -> dict[str, Any]:
    """A request as a tree."""
    given = dict(params or {})
    if era == MODERN:
        given["_meta"] = _META
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}


def headers_of(message: Mapping[str, Any], *, era: str = MODERN, session: str = "") -> Headers:
    """The headers that go with a well-formed request."""
    headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", era),
    ]
    if session:
        headers.append(("mcp-session-id", session))
    if era == MODERN:
        headers.append(("mcp-method", str(message.get("method")).strip()))
        params = message.get("params") or {}
        name = params.get("name", params.get("uri"))
        if isinstance(name, str):
            headers.append(("mcp-name", name))
    return headers
