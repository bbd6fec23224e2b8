"""The gateway in memory before the real canary, as `portcullis verify` reaches it by HTTP.

Authorizer and console are stood in for; the gateway, the executor, the desk and the canary are
the real ones. Each law can be taken away, to see whether its loss is noticed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from threading import RLock
from typing import Any, cast

import boto3
import httpx2

from mcp_host.canary import TOOLS, Canary
from mcp_host.receipts import DynamoDBReceipts
from portcullis.adapters.dynamodb_grants import DynamoDBGrants
from portcullis.gateway.deciding import Viewer, Word
from portcullis.gateway.ports import Stop, Upstream, UpstreamReply, UpstreamRequest
from portcullis.policy.model import Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.protocol.http import HttpRequest
from portcullis_cli.verifying.preparing import APPROVERS, policy_revision, policy_text
from portcullis_cli.verifying.scene import (
    LogSearch,
    People,
    Place,
    Reach,
    Registrar,
    Scene,
    Switch,
    Times,
)
from support.approval_gate import BASE_URL, ApprovalGate
from support.canary_table import CanaryTable

SERVER = "canary"
URL = f"{BASE_URL}/mcp/{SERVER}"
FIRST, SECOND, APPROVER = "pcl_first", "pcl_second", "pcl_approver"
NOW = 1_800_000_000  # as the made-up terminal has it
IN_FORCE = {"state": "active", "in_force": {"revision": policy_revision()}}
CHALLENGE = (("www-authenticate", 'Bearer realm="portcullis"'),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a token, and what it opens."""

    principal: Principal
    servers: tuple[str, ...] = (SERVER,)
    is_live: bool = True


def agent(name: str) -> Principal:
    return Principal(
        issuer="portcullis:grant", subject=name, person="somebody", credential="grant:live"
    )


class BehindTheGate(Upstream):
    """The canary, called as its Lambda function is; `also` are headers that must not be there."""

    def __init__(self, canary: Canary) -> None:
        self.canary = canary
        self.also: tuple[tuple[str, str], ...] = ()

    def send(self, request: UpstreamRequest, *, timeout_seconds: float) -> UpstreamReply:
        event = {
            "method": request.method,
            "headers": [[name, value] for name, value in (*request.headers, *self.also)],
            "body": request.body.decode(),
            "scope": request.scope or None,
        }
        answer: Any = self.canary.answer(event)
        headers = tuple((name, value) for name, value in answer["headers"])
        return UpstreamReply(status=answer["status"], headers=headers, body=answer["body"].encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request to the gate's front."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    principal: Principal

    def tree(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    def without(self, *names: str) -> "Seen":
        kept = tuple(one for one in self.headers if one[0] not in names)
        return replace(self, headers=kept)


Passed = Callable[[Seen], httpx2.Response]


@dataclass
class VerifiedGateway:
    """A whole gate. The callables are its laws: a test replaces one."""

    policy: str = field(default_factory=lambda: policy_text().decode())
    holders: dict[str, Holder] = field(default_factory=dict)
    find: Callable[[str], Holder | None] | None = None  # instead of `holders`
    before: Callable[[Seen, Passed], httpx2.Response] = lambda seen, passed: passed(seen)
    listens_by_http: bool = False
    challenge: tuple[tuple[str, str], ...] = CHALLENGE
    takes_unknown_tokens: bool = False
    takes_ended_tokens: bool = False
    takes_tokens_of_others: bool = False
    lets_agents_approve: bool = False
    executes_twice: bool = False
    can_be_stopped: bool = True
    goes_on: bool = True
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = CanaryTable()
        receipts = DynamoDBReceipts(cast("Any", self.table), table="table", clock=lambda: 0.0)
        self.upstream = BehindTheGate(Canary(receipts))
        self.world = ApprovalGate(self.policy, cap=9)
        self.world.snapshots.tools = {str(tool["name"]): dict(tool) for tool in TOOLS}
        self.world.servers.change(server=SERVER, upstream=self.upstream)
        self.lock = RLock()  # what is in memory was not made for many threads
        self.holders |= {
            FIRST: Holder(principal=agent("first")),
            SECOND: Holder(principal=agent("second")),
            APPROVER: Holder(
                principal=Principal(
                    issuer="portcullis:grant", subject="approver", groups=(APPROVERS,)
                ),
                servers=(),
            ),
        }
        self.transport = httpx2.MockTransport(self._dated)

    @classmethod
    def on_account(cls, table: str, bucket: str) -> "VerifiedGateway":
        """A gate whose grants are in a table, and whose policy a bucket calls in force."""
        gateway = cls()
        grants = DynamoDBGrants(boto3.client("dynamodb"), table)

        def find(token: str) -> Holder | None:
            grant = grants.find(token, now_seconds=NOW)
            if grant is None:
                return None
            gateway.world.credentials.live.add(grant.principal.credential)
            return Holder(principal=grant.principal, servers=grant.servers)

        gateway.find = find
        boto3.client("s3").put_object(
            Bucket=bucket, Key=f"status/{SERVER}.json", Body=json.dumps(IN_FORCE).encode()
        )
        return gateway

    def replace_policy(self, old: str, new: str, *, is_told: bool = False) -> None:
        """Decide by another policy; where that is not told, as if it were the canary's."""
        assert old in self.policy
        text = self.policy.replace(old, new).split("\ntests:")[0] + "\n"
        policy = parse_policy(text).policy
        told = policy if is_told else replace(policy, revision=policy_revision())
        self.world.policies.policy = told

    def to_the_canary(self, body: bytes) -> httpx2.Response:
        """Around the gate."""
        reply = self.upstream.send(
            UpstreamRequest(method="POST", headers=(), body=body, scope=""), timeout_seconds=1
        )
        return httpx2.Response(reply.status, headers=[*reply.headers], content=reply.body)

    def _dated(self, request: httpx2.Request) -> httpx2.Response:
        reply = self._answer(request)
        reply.headers["date"] = formatdate(NOW, usegmt=True)
        return reply

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        with self.lock:
            if request.url.scheme == "http" and not self.listens_by_http:
                raise httpx2.ConnectError("nobody listens", request=request)
            token = _token(request)
            holder = self._holder(token)
            if "/approvals/" in request.url.path:
                return self._decide(request, holder)
            if holder is None or not (holder.is_live or self.takes_ended_tokens):
                return httpx2.Response(401, headers=[*self.challenge], json={"message": "no"})
            server = request.url.path.rpartition("/")[2]
            if server not in holder.servers and not self.takes_tokens_of_others:
                return httpx2.Response(403, json={"message": "not for this server"})
            headers = tuple((k.lower(), v) for k, v in request.headers.multi_items())
            seen = Seen(
                method=request.method, headers=headers, body=request.read(),
                principal=holder.principal,
            )  # fmt: skip
            return self.before(seen, self.passed)

    def _holder(self, token: str) -> Holder | None:
        found = self.find(token) if self.find is not None else self.holders.get(token)
        if found is None and self.takes_unknown_tokens:
            return self.holders[FIRST]
        return found

    def passed(self, seen: Seen) -> httpx2.Response:
        """What the gateway says."""
        reply = self.world.gateway.handle(
            HttpRequest(
                method=seen.method, path=f"/mcp/{SERVER}", headers=seen.headers, body=seen.body
            ),
            server=SERVER,
            principal=seen.principal,
            base_url=BASE_URL,
        )
        return httpx2.Response(reply.status, headers=[*reply.headers], content=reply.body)

    def _decide(self, request: httpx2.Request, holder: Holder | None) -> httpx2.Response:
        approval, word = request.url.path.rpartition("/")[2], json.loads(request.read())
        is_approver = holder is not None and not holder.servers
        if holder is None or not (is_approver or self.lets_agents_approve):
            return httpx2.Response(401, json={"error": {"code": "unauthorized", "message": "no"}})
        by = holder.principal if is_approver else self.holders[APPROVER].principal
        self.world.desk.decide(approval, Viewer(principal=by), Word(word["decision"]), comment="")
        record = self.world.record(approval)
        if word["decision"] == "approve":
            self.world.run(record)
            if self.executes_twice:
                nonce = next(iter(self.table.items.values()))
                self._again(nonce)
        return httpx2.Response(200, json={"id": approval})

    def _again(self, item: dict[str, Any]) -> None:
        """The call that was executed last arrives once more."""
        last = [name for name in item if name.startswith("call.")][-1]
        item[last] = {"N": str(int(item[last]["N"]) + 1)}


@dataclass
class MemoryLog(LogSearch):
    """The decision log of a gate in memory; `lines` are what else was written."""

    gateway: VerifiedGateway

    def holds(self, text: str) -> bool:
        return text in repr(self.gateway.world.log.records) + "".join(self.gateway.lines)


@dataclass
class MemorySwitch(Switch):
    """The kill switch of a gate in memory."""

    gateway: VerifiedGateway

    def stop(self) -> None:
        if self.gateway.can_be_stopped:
            self.gateway.world.kill_switch.stops[SERVER] = Stop(reason="a drill")

    def go_on(self) -> None:
        if self.gateway.goes_on:
            self.gateway.world.kill_switch.stops.clear()


@dataclass
class MemoryRegistrar(Registrar):
    """Grants that only the gate in memory knows."""

    gateway: VerifiedGateway

    def make(self, name: str, *, server: str, seconds: int) -> str:
        token = f"pcl_{name}"
        self.gateway.holders[token] = Holder(
            principal=agent(name), servers=(server,), is_live=seconds > 0
        )
        return token

    def revoke(self, token: str) -> None:
        self.gateway.holders[token] = replace(self.gateway.holders[token], is_live=False)


def scene_of(gateway: VerifiedGateway, *, url: str = URL, run: str = "0" * 32) -> Scene:
    """A run of every probe against a gate in memory."""

    def sleep(seconds: float) -> None:
        gateway.world.now += int(seconds * 1_000_000)

    return Scene(
        Place(url=url, console_url=f"{BASE_URL}/approvals", server=SERVER),
        httpx2.Client(transport=gateway.transport, headers={"host": "gate.example"}),
        People(first=FIRST, second=SECOND, approver=APPROVER, registrar=MemoryRegistrar(gateway)),
        Times(clock=lambda: gateway.world.now / 1_000_000, sleep=sleep),
        run=run,
        reach=Reach(log=MemoryLog(gateway), switch=MemorySwitch(gateway)),
    )


def _token(request: httpx2.Request) -> str:
    word, _, token = request.headers.get("authorization", "").partition(" ")
    return token if word.lower() == "bearer" else ""
