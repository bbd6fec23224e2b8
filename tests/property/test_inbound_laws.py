"""Laws of the front door: it never raises, and what it admits means one thing to every reader."""

import json
from typing import Any

import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import outbound
from portcullis.protocol.header_codec import encode
from portcullis.protocol.http import HttpRequest
from portcullis.protocol.inbound import classify
from portcullis.protocol.known_keys import fold
from portcullis.protocol.messages import Notification, Rejection, Request, SessionEnd, Subject
from portcullis.protocol.methods import METHODS, MethodKind, SubjectKind
from portcullis.protocol.tasks import declares_tasks
from portcullis.protocol.upstream_request import to_upstream
from portcullis.protocol.versions import Era
from support.http_requests import LEGACY, MODERN, http_post, modern_meta

pytestmark = pytest.mark.property

TASKS: dict[str, Any] = {"io.modelcontextprotocol/tasks": {}}
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
ABLE_META = modern_meta(**{CAPABILITIES_KEY: {"extensions": TASKS}})

HEADER_NAMES = st.sampled_from(
    [
        "MCP-Protocol-Version",
        "mcp-method",
        "Mcp-Name",
        "Mcp-Session-Id",
        "Content-Type",
        "accept",
        "Content-Encoding",
        "Mcp-Param-X",
        "Origin",
        "x",
    ]
)
HEADER_VALUES = st.one_of(
    st.sampled_from(
        [
            MODERN,
            LEGACY,
            "2024-11-05",
            "application/json",
            "application/json, text/event-stream",
            "tools/call",
            "x",
            "=?base64?eA==?=",
            "=?base64?!?=",
            "gzip",
            "*/*;q=0",
            ";;",
            "",
        ]
    ),
    st.text(max_size=10),
)
KEYS = st.sampled_from(
    [
        "jsonrpc",
        "id",
        "method",
        "params",
        "Method",
        "name",
        "uri",
        "arguments",
        "_meta",
        "NAME",
        "cursor",
        "ref",
        "argument",
        "level",
        "requestState",
        "inputResponses",
        "taskId",
        "TaskId",
        "extensions",
        "io.modelcontextprotocol/tasks",
        "n\u0430me",
        "name\0",
        "extra",
        "result",
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/clientCapabilities",
        "portcullis/x",
        "type",
        "requestId",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.sampled_from(["2.0", *METHODS, MODERN, LEGACY, "notifications/cancelled", "ref/prompt"]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=15,
)


def readable(reply: Any) -> None:
    """Every refusal can be told."""
    assert json.loads(outbound.rejection(reply).body)["error"]["code"] == reply.code


TASK_METHODS = [name for name, row in METHODS.items() if row.kind is MethodKind.TASK]
TASK_PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "taskId": st.from_regex(r"\A[A-Za-z0-9_-]{1,30}\Z") | st.text(max_size=5) | LEAVES,
        "inputResponses": st.dictionaries(st.text(max_size=5), JSON, max_size=3) | LEAVES,
        "requestState": st.text(max_size=5) | LEAVES,
        "_meta": st.sampled_from([ABLE_META, modern_meta()]) | JSON,
    },
)


@given(st.sampled_from([*TASK_METHODS, "tasks/list", "tasks/result"]), TASK_PARAMS, st.booleans())
def test_K04_a_request_for_a_task_is_admitted_whole_or_refused(
    method: str, params: dict[str, Any], is_named: bool
) -> None:
    task_id = params.get("taskId")
    named = task_id if is_named and isinstance(task_id, str) else "x"
    headers: dict[str, str | None] = {
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": method,
        "Mcp-Name": encode(named),
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    inbound = classify(http_post(json.dumps(message).encode(), headers))
    if isinstance(inbound, Rejection):
        readable(inbound)
        return
    assert isinstance(inbound, Request)
    assert inbound.method.name in TASK_METHODS
    assert inbound.subject == Subject(kind=SubjectKind.TASK, name=named)
    assert declares_tasks(inbound)
    assert set(inbound.params) == inbound.method.required | {"_meta"}


@given(
    st.sampled_from(["POST", "POST", "POST", "GET", "DELETE", "\u00e9"]),
    st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=6),
    st.one_of(st.binary(max_size=100), JSON.map(lambda value: json.dumps(value).encode())),
)
def test_any_bytes_under_any_headers_are_told_apart_without_an_exception(
    method: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    inbound = classify(HttpRequest(method=method, headers=tuple(headers), body=body))
    assert isinstance(inbound, Request | Notification | SessionEnd | Rejection)
    if isinstance(inbound, Rejection):
        readable(inbound)


MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from(list(METHODS))},
    optional={
        "id": st.one_of(st.integers(), st.text(max_size=5), LEAVES),
        "params": st.dictionaries(KEYS, JSON, max_size=5),
    },
)


def first_key_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def folding(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A reader that takes any spelling of a key for the key."""
    return {fold(key): value for key, value in pairs}


@given(MESSAGES, st.sampled_from([MODERN, LEGACY]))
def test_A24_what_is_admitted_reads_the_same_for_every_reader(
    message: dict[str, Any], version: str
) -> None:
    if version == MODERN:
        message = {**message, "params": {**message.get("params", {}), "_meta": ABLE_META}}
    named = message.get("params", {})
    key = METHODS[message["method"]].subject_key or ""
    name = named.get(key) if isinstance(named, dict) else None
    body = json.dumps(message).encode()
    request = http_post(
        body,
        {
            "MCP-Protocol-Version": version,
            "Mcp-Method": message["method"],
            "Mcp-Name": name if isinstance(name, str) else None,
        },
    )
    inbound = classify(request)
    if not isinstance(inbound, Request):
        return
    expected = (inbound.method.name, inbound.id, named.get(key))
    for read in (
        json.loads(body),
        pydantic_core.from_json(body),
        json.loads(body, object_pairs_hook=first_key_wins),
        json.loads(body, object_pairs_hook=folding),
    ):
        assert (read["method"], read["id"], read.get("params", {}).get(key)) == expected


@given(MESSAGES, st.sampled_from([MODERN, LEGACY]))
def test_A24_M02_what_is_forwarded_is_what_was_evaluated_and_is_admitted_again(
    message: dict[str, Any], version: str
) -> None:
    if version == MODERN:
        message = {**message, "params": {**message.get("params", {}), "_meta": modern_meta()}}
    headers: dict[str, str | None] = {
        "MCP-Protocol-Version": version,
        "Mcp-Method": message["method"],
        "Mcp-Name": "x",
    }
    inbound = classify(http_post(json.dumps(message).encode(), headers))
    if not isinstance(inbound, Request) or inbound.method.name == "initialize":
        return
    sent, body = to_upstream(
        inbound, params=inbound.params, upstream_session="s", upstream_version=LEGACY
    )
    body.decode("utf-8")
    again = classify(HttpRequest(method="POST", headers=sent, body=body))
    assert isinstance(again, Request)
    assert (again.method, again.id, again.params) == (inbound.method, inbound.id, inbound.params)
    allowed = inbound.method.allowed(inbound.era) | {"_meta"}
    assert set(json.loads(body)["params"]) <= allowed


@given(st.sampled_from(list(METHODS)), st.sampled_from(list(Era)))
def test_a_request_without_an_id_is_never_admitted(method: str, era: Era) -> None:
    version = MODERN if era is Era.MODERN else LEGACY
    body = json.dumps(
        {"jsonrpc": "2.0", "method": method, "params": {"name": "x", "_meta": modern_meta()}}
    ).encode()
    headers: dict[str, str | None] = {"MCP-Protocol-Version": version, "Mcp-Method": method}
    assert isinstance(classify(http_post(body, headers)), Rejection)
