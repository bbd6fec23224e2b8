"""The catalogue's fixtures: its tools, its policies in our language, its base call C0.

A row of the catalogue is raw text with two marks: `<meta>` becomes the `_meta` member of
the revision it is sent under, and `<c0>` the whole base call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from threats.gate import ACCEPT, LEGACY, MODERN, Answer, Gate

TARGET = "delete_broker"  # what must never be executed

TOOLS: list[dict[str, Any]] = [
    {"name": "get_info", "inputSchema": {"type": "object"}},
    {"name": TARGET, "inputSchema": {"type": "object"}},
    {"name": "describe_broker", "inputSchema": {"type": "object"}},
    {
        "name": "transfer",
        "inputSchema": {
            "type": "object",
            "properties": {
                "amount": {"type": "integer", "x-mcp-header": "Amount"},
                "key": {"type": "string", "x-mcp-header": "Key"},
            },
        },
    },
]

F0 = f"""\
version: "1"
default: deny
hide: [{TARGET}]
tools:
  get_info: {{action: allow}}
"""
F1 = f"""\
version: "1"
default: allow
tools:
  {TARGET}: {{action: deny}}
"""
F2 = """\
version: "1"
default: deny
tools:
  describe_broker: {action: allow, rate_limit: {max: 3, window: 60}}
"""
F5 = """\
version: "1"
default: deny
tools:
  transfer:
    rules:
      - {action: deny, when: [{path: args.amount, op: gt, value: 500}]}
      - {action: allow}
"""

MODERN_META = (
    f'"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}",'
    '"io.modelcontextprotocol/clientCapabilities":{}}'
)
C0 = (
    '{"jsonrpc":"2.0","id":1,"method":"tools/call",'
    f'"params":{{"name":"{TARGET}","arguments":{{}},<meta>}}}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How a row is sent: the revision, and what the routing headers claim."""

    era: str = MODERN
    method: str = "tools/call"
    name: str | None = TARGET

    def headers(self) -> dict[str, str | list[str]]:
        headers: dict[str, str | list[str]] = {**ACCEPT, "MCP-Protocol-Version": self.era}
        if self.era == MODERN:
            headers["Mcp-Method"] = self.method
            if self.name is not None:
                headers["Mcp-Name"] = self.name
        return headers

    def text(self, row: str) -> str:
        """The row's marks replaced."""
        meta = MODERN_META if self.era == MODERN else '"_meta":{}'
        return row.replace("<c0>", C0).replace("<meta>", meta)

    def send(
        self,
        gate: Gate,
        server: str,
        row: str | bytes,
        *,
        headers: Mapping[str, str | list[str]] | None = None,
        changed: dict[str, Any] | None = None,
    ) -> Answer:
        """Send a row; `headers` are laid over the usual ones."""
        body = self.text(row) if isinstance(row, str) else row
        everything = {**self.headers(), **(headers or {})}
        return gate.send(server, body, headers=everything, changed=changed)


ERAS = (MODERN, LEGACY, "2025-06-18", "2025-03-26")
CLIENTS = {era: Client(era=era) for era in ERAS}


def in_each_era(case: str = "") -> pytest.MarkDecorator:
    """Run at every revision; `case` is the row's id where the test has no other rows."""
    ids = [f"{case}-{era}" if case else era for era in ERAS]
    return pytest.mark.parametrize("client", CLIENTS.values(), ids=ids)


def by_each_client() -> pytest.MarkDecorator:
    """Run at every revision, and once routed by the header as the allowed tool."""
    clients = {**CLIENTS, f"{MODERN} routed as get_info": Client(name="get_info")}
    return pytest.mark.parametrize("client", clients.values(), ids=clients)


def call_text(tool: str, arguments: str = "{}", *, id_text: str = "1") -> str:
    """A row: a tools/call with its arguments as raw text."""
    return (
        f'{{"jsonrpc":"2.0","id":{id_text},"method":"tools/call",'
        f'"params":{{"name":"{tool}","arguments":{arguments},<meta>}}}}'
    )
