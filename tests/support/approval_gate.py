"""A gateway in memory whose policy asks for approvals, an approvers' desk and an executor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import ApprovalStoreError, GrantStoreError
from portcullis.gateway.approval_ports import Credentials
from portcullis.gateway.call_work import CallWork
from portcullis.gateway.deciding import Desk, Viewer, Word
from portcullis.gateway.execution import ExecutionPorts, Executor
from portcullis.gateway.outcome import Carrier
from portcullis.gateway.policy_work import Activator, PolicyWork
from portcullis.gateway.readiness import Readiness
from portcullis.policy.model import Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.protocol.http import HttpReply
from support.gateway_in_memory import World, body_of

BASE_URL = "https://gate.example/prod"
AGENT = Principal(
    issuer="portcullis:grant", subject="agent", person="ann@example.com", credential="grant:live"
)
OTHER_AGENT = Principal(issuer="portcullis:grant", subject="other", credential="grant:live")
CAROL = Viewer(principal=Principal(issuer="portcullis:grant", subject="carol", groups=("ops",)))
DAVE = Viewer(principal=Principal(issuer="portcullis:grant", subject="dave", groups=("ops",)))
ADMIN = Viewer(principal=Principal(issuer="portcullis:grant", subject="root"), is_admin=True)

TASKS: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
URLS: dict[str, Any] = {"elicitation": {"url": {}}}
CALL = {"publicly_accessible": False, "name": "a"}

ASKING = """\
version: "1"
default: deny
tools:
  create_broker:
    action: require_approval
    reason: Brokers cost money.
    approval: {approvers: [group:ops], timeout: 30m, show: [args.name]}
"""


def policy(rules: str) -> str:
    """A policy whose only entry is `create_broker`, with these lines."""
    indented = "".join(f"    {line}\n" for line in rules.strip().splitlines())
    return f'version: "1"\ndefault: deny\ntools:\n  create_broker:\n{indented}'


class FixedCredentials(Credentials):
    """Credentials by name: `live` ones stand; while `is_down` it cannot be told."""

    def __init__(self) -> None:
        self.live = {"grant:live"}
        self.is_down = False

    def is_live(self, credential: str, *, now_seconds: int) -> bool:
        if self.is_down:
            raise GrantStoreError("throttled")
        return credential in self.live


class ScriptedActivator(Activator):
    """Answers what a test says; `asked` are the requests and servers it was asked for."""

    def __init__(self) -> None:
        self.answer: str | Exception | None = None
        self.asked: list[tuple[str, str]] = []

    def put_in_force(self, approval_id: str, server: str) -> str | None:
        self.asked.append((approval_id, server))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class ApprovalGate(World):
    """Calls go through the gateway, decisions through the desk, execution through the executor."""

    def __init__(
        self, policy_text: str = ASKING, *, legacy_url: bool = False, cap: int = 2
    ) -> None:
        super().__init__(policy_text, legacy_url=legacy_url, cap=cap)
        self.credentials = FixedCredentials()
        self.activator = ScriptedActivator()
        self.desk = Desk(self.approvals, self.workflow, self.vault, clock=self._clock)

    def send(self, message: Any, *, principal: Principal = AGENT, **more: Any) -> HttpReply:
        return super().send(message, principal=principal, base_url=BASE_URL, **more)

    def ask(self, method: str, params: Any = None, *, principal: Principal = AGENT,
            **more: Any) -> HttpReply:  # fmt: skip
        return super().ask(method, params, principal=principal, **more)

    def create(self, arguments: dict[str, Any] | None = None, **more: Any) -> HttpReply:
        """Call `create_broker`."""
        arguments = CALL if arguments is None else arguments
        extra: dict[str, str] = {}
        if more.get("era", "2026-07-28") == "2026-07-28" and "name" in arguments:
            extra = {"mcp-param-broker": str(arguments["name"])}
        return self.call("create_broker", arguments, extra=extra, **more)

    def asked(self, arguments: dict[str, Any] | None = None, **more: Any) -> ApprovalRecord:
        """Call, and answer the request that came of it."""
        reply = self.create(arguments, **more)
        meta = body_of(reply)["result"]["_meta"]["portcullis/decision"]
        return self.record(meta["approval"]["id"])

    def record(self, approval_id: str) -> ApprovalRecord:
        found = self.approvals.read(approval_id)
        assert found is not None
        return found

    def decide(
        self, record: ApprovalRecord, word: Word = Word.APPROVE, *, by: Viewer = CAROL,
        comment: str = "",
    ) -> ApprovalRecord:  # fmt: skip
        decided = self.desk.decide(record.id, by, word, comment=comment)
        assert isinstance(decided, ApprovalRecord), decided
        return decided

    def executor(self) -> Executor:
        return Executor(
            ExecutionPorts(
                store=self.approvals,
                counters=self.counters,
                kill_switch=self.kill_switch,
                log=self.log,
            ),
            {
                RequestKind.CALL: CallWork(
                    Readiness(
                        policies=self.policies,
                        snapshots=self.snapshots,
                        store=self.approvals,
                        vault=self.vault,
                        credentials=self.credentials,
                        upstreams=self.servers,
                    ),
                    Carrier(self.approvals, self.vault),
                ),
                RequestKind.POLICY: PolicyWork(self.activator),
            },
            clock=self._clock,
            new_id=self._new_id,
        )

    def run(self, record: ApprovalRecord) -> ApprovalRecord:
        """Let the executor look once."""
        self.executor().step(record.id)
        return self.record(record.id)

    def approved(self, **more: Any) -> ApprovalRecord:
        return self.decide(self.asked(**more))

    def put_in_force(self, policy_text: str) -> None:
        self.policies.policy = parse_policy(policy_text).policy

    def seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)

    @contextmanager
    def failing(self, method: str, *, after: int = 0) -> Iterator[list[str]]:
        """Make a method of the store fail, once it was called `after` times; counts the calls."""
        held = getattr(self.approvals, method)
        calls: list[str] = []

        def fail(*arguments: Any, **options: Any) -> Any:
            calls.append(method)
            if len(calls) > after:
                raise ApprovalStoreError("the state table did not answer: throttled")
            return held(*arguments, **options)

        setattr(self.approvals, method, fail)
        try:
            yield calls
        finally:
            setattr(self.approvals, method, held)

    def racing(self, method: str, meanwhile: Callable[[], object]) -> None:
        """Do something right before the next call of a method of the store."""
        held = getattr(self.approvals, method)

        def raced(*arguments: Any, **options: Any) -> Any:
            setattr(self.approvals, method, held)
            meanwhile()
            return held(*arguments, **options)

        setattr(self.approvals, method, raced)


def text_of(reply: HttpReply) -> str:
    return str(body_of(reply)["result"]["content"][0]["text"])
