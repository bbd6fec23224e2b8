"""Threat cases F, and E08, E10, E11, of bearer tokens: the real front, authorizer and gateway.

Grants and access tokens are both accepted here. What a token must say is tried in
`tests/integration/oidc`; what signed callers meet, in `test_signed_F.py`.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from portcullis.adapters.dynamodb_grants import revoke_grant, token_digest
from support.http_calls import send_raw
from support.oidc_provider import OidcProvider, new_rsa_key, oidc_provider
from support.sealed_callers import OCCASION, authorizer_context
from threats.fixtures import TOOLS
from threats.front_gate import fronted, mint
from threats.gate import ALICE, LEGACY, TABLE, Gate, call_message, headers_for, standing_gate
from threats.recorder import Scripted
from threats.verdicts import assert_denied

BASE = "https://gate.example"
CANARY = "canary-of-the-caller"
POLICY = """\
version: "1"
default: deny
tools:
  get_info: {action: allow}
  delete_broker:
    action: allow
    when: [{path: principal.groups, op: contains, value: admin}]
  describe_broker:
    rules:
      - {action: deny, when: [{path: principal.groups, op: contains, value: contractors}]}
      - {action: allow}
"""


class Door:
    """The gate, the port it is served on, and whose tokens it takes."""

    def __init__(self, gate: Gate, port: int, provider: OidcProvider) -> None:
        self.gate = gate
        self.provider = provider
        self._port = port

    def send(
        self,
        *authorization: str,
        target: str = "/mcp/f0",
        tool: str = "get_info",
        more: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Answer the status and the whole answer to one call with these Authorization headers."""
        era = LEGACY if more else "2026-07-28"
        message = call_message(tool, era=era)
        lines = {**headers_for(message, era=era), **(more or {}), "Host": "gate.example"}
        body = json.dumps(message).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        head += "".join(f"Authorization: {value}\r\n" for value in authorization)
        request = (
            f"POST {target} HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        answer = send_raw(self._port, request.encode() + body).decode()
        return int(answer.split(" ")[1]), answer

    def token(self, server: str = "f0", **claims: Any) -> str:
        """An access token of the provider for one server."""
        now = int(time.time())
        said = {"iss": self.provider.url, "sub": "7", "aud": f"{BASE}/mcp/{server}", "iat": now}
        return self.provider.sign({**said, "exp": now + 300, "jti": CANARY, **claims})


@pytest.fixture(scope="module")
def standing() -> Iterator[Door]:
    with oidc_provider(new_rsa_key()) as provider:
        settings = {
            "PORTCULLIS_IDENTITY": "grants,jwt",
            "PORTCULLIS_PUBLIC_URL": BASE,
            "PORTCULLIS_JWT_ISSUER": provider.url,
        }
        policies = {"f0": POLICY, "f1": POLICY}
        with standing_gate(TOOLS, policies) as gate, fronted(gate, **settings) as port:
            yield Door(gate, port, provider)


@pytest.fixture
def door(standing: Door) -> Door:
    standing.gate.clear()
    return standing


def assert_shut(door: Door, status: int, answer: str) -> None:
    assert status == 401
    assert "www-authenticate: bearer" in answer.lower()
    assert (door.gate.recorder.received, door.gate.records) == ([], [])


# ---------------------------------------------------------------- at the door


def test_both_kinds_of_tokens_open_the_server_they_are_for(door: Door) -> None:
    for token in (mint("alice", "f0"), door.token()):
        status, answer = door.send(f"Bearer {token}")
        assert (status, "executed" in answer) == (200, True), answer


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param((), id="F01-none"),
        pytest.param(("",), id="F01-empty"),
        pytest.param(("Bearer",), id="F01-Bearer alone"),
        pytest.param(("bearer x y",), id="F01-two words"),
        pytest.param(("Basic {grant}",), id="F01-another scheme"),
        pytest.param(("{grant}",), id="F01-no scheme"),
        pytest.param(("Bearer {grant}", "Bearer {grant}"), id="F01-twice"),
        pytest.param(("Bearer {grant}", "Bearer x"), id="F01-two"),
        pytest.param(("Bearer {grant}, Bearer {grant}",), id="F01-two in one"),
        pytest.param(("Bearer pcl_x",), id="F01-nobody's grant"),
    ],
)
def test_what_is_not_one_token_of_somebody_opens_nothing(
    door: Door, authorization: tuple[str, ...]
) -> None:
    grant = mint("alice", "f0")
    assert_shut(door, *door.send(*(value.format(grant=grant) for value in authorization)))


def test_F03_a_grant_that_was_revoked_ends_a_session_that_goes_on(door: Door) -> None:
    token = mint("alice", "f0")
    session = {"Mcp-Session-Id": door.gate.open_session("f0")}
    status, answer = door.send(f"Bearer {token}", more=session)
    assert (status, "executed" in answer) == (200, True), answer
    client = boto3.client("dynamodb", region_name="us-east-1")
    assert revoke_grant(client, TABLE, token_digest(token), now_seconds=int(time.time()))
    door.gate.clear()
    assert_shut(door, *door.send(f"Bearer {token}", more=session))


def test_F03_a_token_that_is_over_ends_a_session_that_goes_on(door: Door) -> None:
    session = {"Mcp-Session-Id": door.gate.open_session("f0")}
    door.gate.clear()
    over = door.token(exp=int(time.time()) - 61)
    assert_shut(door, *door.send(f"Bearer {over}", more=session))


@pytest.mark.parametrize("name", ["access_token", "token", "Authorization"])
def test_F04_a_token_in_the_query_is_not_accepted_and_not_logged(
    door: Door, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    grant = mint("alice", "f0")
    for token in (grant, door.token()):
        assert_shut(door, *door.send(target=f"/mcp/f0?{name}={token}"))
    status, answer = door.send(f"Bearer {grant}", target=f"/mcp/f0?{name}={grant}")
    assert status == 200
    told = capfd.readouterr()
    seen = f"{answer} {told.out} {told.err} {door.gate.records} {door.gate.recorder.received}"
    assert grant not in seen
    assert CANARY not in seen


def test_F05_the_caller_s_token_is_never_upstream_and_never_told(
    door: Door, capfd: pytest.CaptureFixture[str]
) -> None:
    for token in (mint("alice", "f0"), door.token()):
        door.gate.clear()
        answers = [door.send(f"Bearer {token}", tool=tool) for tool in ("get_info", "transfer")]
        answers.append(door.send(f"Bearer {token}", target="/mcp/f1"))
        door.gate.recorder.scripts["tools/call"] = lambda _: Scripted(drop=True)
        answers.append(door.send(f"Bearer {token}"))
        assert len(door.gate.recorder.received) == 2
        told = capfd.readouterr()
        seen = f"{answers} {told.out} {told.err} {door.gate.records} {door.gate.recorder.received}"
        assert token not in seen
        assert token.rpartition(".")[2] not in seen
        assert token_digest(token) not in str(door.gate.recorder.received)


def test_E10_a_token_that_just_opened_one_server_opens_no_other(door: Door) -> None:
    for token, status in ((mint("alice", "f0"), 403), (door.token(), 401)):
        assert door.send(f"Bearer {token}")[0] == 200
        door.gate.clear()
        assert door.send(f"Bearer {token}", target="/mcp/f1")[0] == status
        assert (door.gate.recorder.received, door.gate.records) == ([], [])


# ---------------------------------------------------------------- behind the door

NO_CALLER: dict[str, Any] = {
    "E11-no context": None,
    "E11-an empty context": {},
    "E11-false": {"caller": "false"},
    "E11-true": {"caller": True},
    "E11-null": {"caller": None},
    "E11-an empty text": {"caller": ""},
    "E11-a subject in the clear": {"subject": "alice", "principalId": "alice"},
    "E11-an object": {"caller": {"principal": {"subject": "alice"}}},
    "E11-a list": ["caller"],
}


@pytest.mark.parametrize("authorizer", NO_CALLER.values(), ids=NO_CALLER)
def test_a_context_that_names_nobody_is_nobody(door: Door, authorizer: object) -> None:
    assert_refused(door, {"requestContext": {**OCCASION, "authorizer": authorizer}})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"apiId": "another-api"}, id="E08-another API"),
        pytest.param({"stage": "test"}, id="E08-another stage"),
        pytest.param({"requestId": "request-2"}, id="E08-another request"),
    ],
)
def test_a_caller_of_another_occasion_is_nobody(door: Door, changed: dict[str, str]) -> None:
    sealed = authorizer_context(ALICE, "f0", {"requestContext": OCCASION})
    event = {"requestContext": {**OCCASION, **changed, "authorizer": sealed}}
    assert_refused(door, event)


def test_E08_a_caller_whom_somebody_else_sealed_is_nobody(door: Door) -> None:
    sealed = authorizer_context(ALICE, "f0", {"requestContext": OCCASION}, key=b"x" * 32)
    assert_refused(door, {"requestContext": {**OCCASION, "authorizer": sealed}})


def test_E10_a_caller_of_another_server_is_nobody(door: Door) -> None:
    sealed = authorizer_context(ALICE, "f1", {"requestContext": OCCASION})
    assert_refused(door, {"requestContext": {**OCCASION, "authorizer": sealed}})


def assert_refused(door: Door, changed: dict[str, Any]) -> None:
    """The gateway's function, invoked with an event that somebody made up."""
    message = call_message("get_info")
    lines = {**headers_for(message), "Content-Type": "application/json"}
    event = {
        "resource": "/mcp/{server}",
        "path": "/mcp/f0",
        "httpMethod": "POST",
        "headers": lines,
        "multiValueHeaders": {name: [value] for name, value in lines.items()},
        "pathParameters": {"server": "f0"},
        "body": json.dumps(message),
        "isBase64Encoded": False,
        **changed,
    }
    response = door.gate.handler(event, None)
    assert response["statusCode"] == 400
    assert "error" in json.loads(response["body"])
    assert door.gate.recorder.received == []


@pytest.mark.parametrize(
    ("groups", "is_allowed"),
    [
        pytest.param(("admin",), True, id="F07-named"),
        pytest.param(("not-admin", "admin2"), False, id="F07-part of a name"),
        pytest.param((), False, id="F07-none"),
        pytest.param(None, False, id="F07-not known"),
    ],
)
def test_a_group_counts_only_where_it_is_named(
    door: Door, groups: tuple[str, ...] | None, is_allowed: bool
) -> None:
    answer = door.gate.call("f0", "delete_broker", principal=replace(ALICE, groups=groups))
    if is_allowed:
        assert answer.is_success
    else:
        assert_denied(door.gate, answer, "denied_by_default")


@pytest.mark.parametrize(
    ("groups", "is_allowed"),
    [
        pytest.param(("staff",), True, id="F07-known, and not this one"),
        pytest.param(("contractors",), False, id="F07-named by a rule that denies"),
        pytest.param(None, False, id="F07-not known to a rule that denies"),
    ],
)
def test_a_rule_that_denies_a_group_denies_whose_groups_are_not_known(
    door: Door, groups: tuple[str, ...] | None, is_allowed: bool
) -> None:
    answer = door.gate.call("f0", "describe_broker", principal=replace(ALICE, groups=groups))
    assert answer.is_success is is_allowed
    assert bool(door.gate.recorder.executed("describe_broker")) is is_allowed


@pytest.mark.parametrize(
    ("groups", "is_executed"),
    [
        pytest.param(["admin"], True, id="F07-a list"),
        pytest.param("admin", False, id="F07-a text"),
        pytest.param(["not-admin"], False, id="F07-a longer name"),
        pytest.param(..., False, id="F07-missing"),
    ],
)
def test_a_token_s_groups_reach_the_policy_as_names(
    door: Door, groups: object, is_executed: bool
) -> None:
    token = door.token() if groups is ... else door.token(groups=groups)
    status, _ = door.send(f"Bearer {token}", tool="delete_broker")
    assert status == 200
    assert bool(door.gate.recorder.executed("delete_broker")) is is_executed
