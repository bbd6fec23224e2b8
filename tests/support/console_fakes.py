"""A console on ports in memory, with people, their grants, and browsers that keep cookies.

Requests go in as API Gateway's events and come out as its responses, through the same
conversions as in Lambda.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.approvals.record import ApprovalRecord
from portcullis.console.console import Console, ConsolePorts, ConsoleTerms
from portcullis.console.ports import Grants, Holder, Issuer
from portcullis.entrypoints.apigw import to_response
from portcullis.entrypoints.console_event import to_console_request
from portcullis.errors import GrantStoreError
from portcullis.gateway.approval_ports import ARGUMENTS
from portcullis.gateway.deciding import Desk, Viewer, call_of
from portcullis.gateway.ports import DecisionLog, DecisionRecord
from portcullis.policy.fingerprint import digest
from portcullis.policy.model import Approval, Principal
from portcullis.strictjson import canonical
from portcullis.values import JsonObject
from support.approval_records import ALICE, Clock, make_question, make_record
from support.memory_vault import MemoryVault
from support.memory_workflow import MemoryWorkflow

HOST, STAGE = "gate.example", "/prod"
ORIGIN = f"https://{HOST}"
ISSUER = "portcullis:grant"
ARGUMENTS_OF_BOB: JsonObject = {"user_name": "bob", "policy_name": "p", "policy_document": "{}"}

AGENT_TOKEN, CAROL_TOKEN, DAVE_TOKEN = "pcl_agent", "pcl_carol", "pcl_dave"
EVE_TOKEN, ALICE_TOKEN, ADMIN_TOKEN = "pcl_eve", "pcl_alice", "pcl_admin"
CAROL = Principal(
    issuer=ISSUER, subject="carol", person="carol@example.com", credential="grant:carol"
)
DAVE = Principal(
    issuer=ISSUER, subject="dave", person="dave@example.com", groups=("platform",),
    credential="grant:dave",
)  # fmt: skip
EVE = Principal(issuer=ISSUER, subject="eve", person="eve@example.com", credential="grant:eve")
ALICES_OWN = Principal(
    issuer=ISSUER, subject="alice", person="Alice@Example.com", groups=("platform",),
    credential="grant:alice",
)  # fmt: skip
ADMIN = Principal(issuer=ISSUER, subject="root", credential="grant:root")


@dataclass
class MemoryGrants(Grants):
    """Live grants by token; the digest of a token is its text with a mark."""

    holders: dict[str, Holder] = field(default_factory=dict)
    is_down: bool = False

    def add(self, token: str, principal: Principal | None, *, is_admin: bool = False) -> None:
        viewer = None if principal is None else Viewer(principal=principal, is_admin=is_admin)
        self.holders[token] = Holder(digest=f"digest-of-{token}", viewer=viewer)

    def revoke(self, token: str) -> None:
        del self.holders[token]

    def find(self, token: str, *, now_seconds: int) -> Holder | None:
        if self.is_down:
            raise GrantStoreError("throttled")
        return self.holders.get(token)

    def find_by_digest(self, digest: str, *, now_seconds: int) -> Holder | None:
        return self.find(digest.removeprefix("digest-of-"), now_seconds=now_seconds)


@dataclass
class Records(DecisionLog):
    records: list[DecisionRecord] = field(default_factory=list)
    is_down: bool = False

    def record(self, record: DecisionRecord) -> None:
        if self.is_down:
            raise OSError("no log")
        self.records.append(record)

    @property
    def outcomes(self) -> list[str]:
        return [record.outcome for record in self.records]


@dataclass(frozen=True)
class Answer:
    """What the console answered."""

    status: int
    headers: Mapping[str, list[str]]
    body: str

    def header(self, name: str) -> str:
        """The value of a header that occurs once."""
        (value,) = self.headers[name]
        return value

    @property
    def tree(self) -> Any:
        assert self.header("content-type") == "application/json"
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """What a person reads of a page: no tags, no entities."""
        body = self.body.split("<body>", 1)[-1]
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", body)))

    @property
    def form_token(self) -> str:
        """The token of the page's own form, not the one that signs out."""
        return str(re.findall(r'name="csrf" value="([^"]+)"', self.body)[-1])

    @property
    def code(self) -> str:
        return str(self.tree["error"]["code"])


class ConsoleWorld:
    """A console, and everything around it."""

    def __init__(
        self,
        *,
        public_url: str = "",
        issuer: Issuer | None = None,
        hosts: tuple[str, ...] = (),
        session_seconds: int = 3600,
    ) -> None:
        self.clock = Clock()
        self.public_url = public_url
        self.store = MemoryApprovalStore(clock=self.clock)
        self.workflow, self.vault = MemoryWorkflow(), MemoryVault()
        self.grants, self.log = MemoryGrants(), Records()
        self.keys = [b"k" * 32]
        self.ids = self.asked = 0
        for token, principal in (
            (AGENT_TOKEN, None), (CAROL_TOKEN, CAROL), (DAVE_TOKEN, DAVE), (EVE_TOKEN, EVE),
            (ALICE_TOKEN, ALICES_OWN),
        ):  # fmt: skip
            self.grants.add(token, principal)
        self.grants.add(ADMIN_TOKEN, ADMIN, is_admin=True)
        desk = Desk(self.store, self.workflow, self.vault, clock=self.clock)
        self.console = Console(
            ConsolePorts(desk=desk, grants=self.grants, log=self.log, issuer=issuer),
            ConsoleTerms(session_seconds=session_seconds, allowed_hosts=hosts),
            keys=lambda: self.keys,
            clock=self.clock,
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def ask(
        self,
        arguments: JsonObject | None = None,
        *,
        terms: Approval | None = None,
        **changes: Any,
    ) -> ApprovalRecord:
        """A request of Alice's agent; Carol and Dave may decide it."""
        self.asked += 1
        arguments = ARGUMENTS_OF_BOB if arguments is None else arguments
        name = f"{self.asked:032x}"
        link = f"{ORIGIN}{STAGE}/approvals/{name}"
        record = make_record(**{"id": name, "link": link, "requester": ALICE, **changes})
        record = replace(record, terms=terms or record.terms)
        bound = replace(record.binding, arguments=digest(call_of(record, arguments)))
        record = replace(record, binding=bound)
        sealed = self.vault.seal(record.id, ARGUMENTS, canonical(arguments))
        open_now = self.store.open_requests(record.requester.key)
        question = make_question(
            record,
            sealed_arguments=sealed,
            key=f"key-{name}",
            others=open_now.requests,
            others_version=open_now.version,
        )
        assert self.store.create(question)
        return record

    def record(self, record: ApprovalRecord) -> ApprovalRecord:
        """A request as it is now."""
        found = self.store.read(record.id)
        assert found is not None
        return found

    def change(self, record: ApprovalRecord, **changes: Any) -> ApprovalRecord:
        """What somebody else wrote in the meantime."""
        now = self.record(record)
        changed = replace(now, version=now.version + 1, **changes)
        assert self.store.replace(now, changed) is not None
        return changed

    def send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str | list[str]] | None = None,
        body: str | bytes | None = None,
    ) -> Answer:
        """One request, as API Gateway hands it on."""
        event = make_event(method, target, headers=headers or {}, body=body)
        return self.serve(event)

    def serve(self, event: Mapping[str, Any]) -> Answer:
        """Answer an event as the handler does."""
        request = to_console_request(event, public_url=self.public_url)
        response = to_response(self.console.handle(request))
        return Answer(
            status=response["statusCode"],
            headers=response["multiValueHeaders"],
            body=response["body"],
        )

    def api(
        self,
        token: str,
        method: str,
        target: str,
        tree: Any = None,
        *,
        headers: Mapping[str, str | list[str]] | None = None,
    ) -> Answer:
        """One request of a program with a bearer credential."""
        given: dict[str, str | list[str]] = {"Authorization": f"Bearer {token}"}
        if method == "POST":
            given["Content-Type"] = "application/json"
        body = tree if isinstance(tree, str | None) else json.dumps(tree)
        return self.send(method, target, headers={**given, **(headers or {})}, body=body)

    def decide(self, token: str, record: ApprovalRecord, word: str, **more: Any) -> Answer:
        """One decision by the API."""
        return self.api(token, "POST", f"/approvals/{record.id}", {"decision": word, **more})

    def browser(self, token: str | None = None) -> "Browser":
        """A browser; signed in where a token is given."""
        browser = Browser(self)
        if token is not None:
            browser.sign_in(token)
        return browser


class Browser:
    """Keeps cookies and sends forms as browsers do from pages without a referrer."""

    def __init__(self, world: ConsoleWorld) -> None:
        self.world = world
        self.cookies: dict[str, str] = {}

    def get(self, target: str, **headers: str) -> Answer:
        return self._keep(self.world.send("GET", target, headers=self._headers(headers)))

    def post(self, target: str, fields: Mapping[str, str] | str, **headers: str) -> Answer:
        given = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": "null",
            **headers,
        }
        body = fields if isinstance(fields, str) else urlencode(fields)
        return self._keep(self.world.send("POST", target, headers=self._headers(given), body=body))

    def sign_in(self, token: str, *, to: str = "") -> Answer:
        page = self.get("/approvals/login")
        fields = {"token": token, "csrf": page.form_token, **({"to": to} if to else {})}
        return self.post("/approvals/login", fields)

    def open(self, record: ApprovalRecord) -> Answer:
        return self.get(f"/approvals/{record.id}")

    def decide(self, record: ApprovalRecord, word: str, comment: str = "") -> Answer:
        """Open the page of a request and send its form."""
        page = self.open(record)
        fields = {"word": word, "csrf": page.form_token, "comment": comment}
        return self.post(f"/approvals/{record.id}", fields)

    def _headers(self, given: Mapping[str, str]) -> dict[str, str | list[str]]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "accept": "text/html,application/xhtml+xml",
            "sec-fetch-site": "same-origin",
            **({"cookie": cookie} if cookie else {}),
            **{name.replace("_", "-"): value for name, value in given.items()},
        }

    def _keep(self, answer: Answer) -> Answer:
        for line in answer.headers.get("set-cookie", []):
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


def make_event(
    method: str,
    target: str,
    *,
    headers: Mapping[str, str | list[str]],
    body: str | bytes | None,
) -> dict[str, Any]:
    """What API Gateway makes of a request under a stage."""
    parts = urlsplit(target)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    multiple = {"Host": [HOST], "X-Forwarded-Proto": ["https"]}
    for name, one in headers.items():
        multiple.pop(name.title() if name.lower() == "host" else name, None)
        multiple[name] = one if isinstance(one, list) else [one]
    return {
        "resource": "/approvals/{proxy+}",
        "path": parts.path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in multiple.items() if values},
        "multiValueHeaders": {name: values for name, values in multiple.items() if values},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "requestContext": {
            "domainName": HOST,
            "path": STAGE + parts.path,
            "stage": STAGE.strip("/"),
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": body.decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": False,
    }
