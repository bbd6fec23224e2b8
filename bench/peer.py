"""Part e: the gateway and a peer in front of the same upstream, over HTTP, call by call.

Closed loop, one connection a target, kept alive; the targets take turns, so that whatever
else the machine does falls on all of them alike.
"""

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.calls import ALLOWED, LEGACY, MODERN, SERVER, headers, message
from bench.children import ROOT, Child, free_port, python, serving
from bench.machine import cpu_seconds
from bench.samples import Row, summarise

PART = "e over HTTP"
PEER = ROOT / ".tools" / "peer"
CALLS_IN_TURN = 10
_WARM_UP = 5


@dataclass(slots=True, kw_only=True)
class Target:
    """One way to the upstream, called in one era of the protocol."""

    name: str
    child: Child
    path: str
    era: str
    session: dict[str, str] = field(default_factory=dict)
    samples: list[float] = field(default_factory=list)
    cpu: float = 0.0
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.child.port, timeout=30)

    def open(self) -> None:
        """Shake hands where the era has a handshake, and make the calls that do not count."""
        if self.era == LEGACY:
            self._initialize()
        for _ in range(_WARM_UP):
            self._call()

    def take_turn(self, calls: int) -> None:
        """Make some calls and keep what they took, in milliseconds."""
        before = cpu_seconds(self.child.pid) or 0.0
        self.samples.extend(self._call() for _ in range(calls))
        self.cpu += (cpu_seconds(self.child.pid) or 0.0) - before

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _call(self) -> float:
        body = json.dumps(message(ALLOWED, era=self.era)).encode()
        sent = {**headers(ALLOWED, era=self.era), **self.session}
        began = time.perf_counter_ns()
        status, _, answer = self._post(body, sent)
        spent = time.perf_counter_ns() - began
        if status != 200 or b"BrokerState" not in answer:
            raise RuntimeError(f"{self.name} answered {status}: {answer[:500]!r}")
        return spent / 1e6

    def _initialize(self) -> None:
        params: dict[str, Any] = {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1.0"},
        }
        hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        common = headers(ALLOWED, era=LEGACY)
        status, told, answer = self._post(json.dumps(hello).encode(), common)
        if status != 200:
            raise RuntimeError(f"{self.name} answered {status}: {answer[:500]!r}")
        session = told.get("mcp-session-id")
        self.session = {} if session is None else {"Mcp-Session-Id": session}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self._post(json.dumps(ready).encode(), {**common, **self.session})

    def _post(self, body: bytes, sent: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        self._connection.request("POST", self.path, body, dict(sent))
        answer = self._connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read()


def measure(function: Mapping[str, str], upstream: Child, *, calls: int) -> Iterator[Row]:
    """Call all targets in turn. The peer is left out where it is not installed."""
    with running_targets(function, upstream) as targets:
        for target in targets:
            target.open()
        for _ in range(max(1, calls // CALLS_IN_TURN)):
            for target in targets:
                target.take_turn(min(calls, CALLS_IN_TURN))
        direct = summarise(PART, "", targets[0].samples).p50
        for target in targets:
            row = summarise(PART, target.name, target.samples)
            cpu = target.cpu * 1000 / len(target.samples)
            more = {"added p50": row.p50 - direct, "CPU ms/call": cpu}
            yield summarise(PART, target.name, target.samples, more=more)


@contextmanager
def running_targets(function: Mapping[str, str], upstream: Child) -> Iterator[list[Target]]:
    """Start everything that is compared; the first target is the upstream itself."""
    with ExitStack() as running:
        port = free_port()
        command = python("bench.gateway_front", str(port))
        gateway = running.enter_context(serving(command, function, port=port))
        ways = [("upstream alone", upstream, "/mcp"), ("gateway", gateway, f"/mcp/{SERVER}")]
        if (PEER / "bin" / "python").exists():
            each = running.enter_context(_proxy(upstream, "each"))
            shared = running.enter_context(_proxy(upstream, "shared"))
            ways.append(("FastMCP proxy", each, "/mcp"))
            ways.append(("FastMCP proxy, one upstream client", shared, "/mcp"))
        targets = [
            Target(name=f"{name}, {era}", child=child, path=path, era=era)
            for name, child, path in ways
            for era in (MODERN, LEGACY)
        ]
        for target in targets:
            running.callback(target.close)
        yield targets


@contextmanager
def _proxy(upstream: Child, clients: str) -> Iterator[Child]:
    port = free_port()
    program = [str(PEER / "bin" / "python"), str(ROOT / "bench" / "peer_proxy.py")]
    with serving([*program, f"{upstream.url}/mcp", str(port), clients], port=port) as child:
        yield child
