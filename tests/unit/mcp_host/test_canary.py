"""The canary keeps a receipt of whatever reaches it, and says so to who asks."""

import importlib
import json
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from mcp_host.canary import RECEIPTS_TOOL, TOOLS, Canary
from mcp_host.receipts import LIFETIME_SECONDS, DynamoDBReceipts
from mcp_host.settings import HostSettingsError, read_canary_settings
from support.canary_table import CanaryTable
from support.dynamodb_faults import client_error
from support.host_fakes import Clock

RUN = "0123456789abcdef" * 2
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}


class World:
    """A canary on a table."""

    def __init__(self) -> None:
        self.table, self.clock = CanaryTable(), Clock()
        client = cast("Any", self.table)
        self.canary = Canary(DynamoDBReceipts(client, table="table", clock=self.clock))

    def send(self, body: str, *, method: str = "POST", headers: Any = ()) -> Any:
        event = {"method": method, "headers": [*headers], "body": body, "scope": None}
        return self.canary.answer(event)

    def ask(self, method: str, params: Any = None, **more: Any) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return json.loads(self.send(json.dumps(message), **more)["body"])

    def call(self, tool: str, arguments: Any, **more: Any) -> Any:
        return self.ask("tools/call", {"name": tool, "arguments": arguments}, **more)

    def receipts(self, run: str = RUN) -> Any:
        result = self.call(RECEIPTS_TOOL, {"run": run})["result"]
        return json.loads(result["content"][0]["text"])


@pytest.fixture
def world() -> World:
    return World()


def mark(nonce: str, run: str = RUN) -> str:
    return f"canary-{run}-{nonce}"


def test_a_call_leaves_one_receipt_with_the_names_of_its_headers(world: World) -> None:
    headers = [["Accept", "*/*"], ["authorization", "Bearer secret"]]
    told = world.call("canary_allow", {"nonce": mark("a1")}, headers=headers)
    assert told["result"]["content"] == [{"type": "text", "text": "received"}]
    assert world.receipts() == {"calls": {"a1": 1}, "headers": ["accept", "authorization"]}
    assert "secret" not in json.dumps(world.table.items)


def test_receipts_are_counted_apart_for_each_nonce_and_each_run(world: World) -> None:
    other = "f" * 32
    for nonce, run in (("a", RUN), ("a", RUN), ("b", RUN), ("a", other)):
        world.call("canary_deny", {"nonce": mark(nonce, run)})
    assert world.receipts()["calls"] == {"a": 2, "b": 1}
    assert world.receipts(other)["calls"] == {"a": 1}
    assert world.receipts("e" * 32) == {"calls": {}, "headers": []}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([{"jsonrpc": "2.0", "method": "tools/call", "params": {"x": mark("odd")}}]),
        '{"method": "tools/call", "method": "ping", "x": "' + mark("odd") + '"}',
        f"\ufeff{mark('odd')}",
        '{"jsonrpc":"2.0","method":"notifications/x","params":"' + mark("odd") + '"}',
        "[" * 100_000 + mark("odd"),
        "\0".join(mark("odd")),
    ],
)
def test_what_no_server_would_understand_leaves_a_receipt_all_the_same(
    world: World, body: str
) -> None:
    world.send(body)
    assert world.receipts()["calls"] == {"odd": 1}


def test_a_mark_in_the_value_of_a_header_leaves_a_receipt(world: World) -> None:
    world.call("canary_allow", {}, headers=[["x-passed-on", f"a={mark('odd')}"]])
    assert world.receipts()["calls"] == {"odd": 1}
    assert mark("odd") not in json.dumps(world.table.items)


def test_receipts_go_away_by_themselves(world: World) -> None:
    world.call("canary_allow", {"nonce": mark("a")})
    (item,) = world.table.items.values()
    assert item["ttl"] == {"N": str(int(world.clock.now) + LIFETIME_SECONDS)}


@pytest.mark.parametrize(
    "failure",
    [
        client_error("AccessDeniedException", "UpdateItem"),
        client_error("ThrottlingException", "UpdateItem"),
        EndpointConnectionError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
    ],
    ids=["denied", "throttled", "unreachable", "time-out"],
)
def test_without_a_receipt_nothing_is_answered_as_received(
    world: World, failure: Exception
) -> None:
    world.table.failure = failure
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "canary_allow", "arguments": {"nonce": mark("a")}},
    }
    assert world.send(json.dumps(message))["status"] == 500
    message["params"] = {"name": RECEIPTS_TOOL, "arguments": {"run": RUN}}
    assert world.send(json.dumps(message))["status"] == 500


def test_an_item_that_somebody_else_wrote_is_not_read_as_receipts(world: World) -> None:
    world.table.items[f"CANARY#{RUN}"] = {"call.a": {"S": "one"}}
    told = world.ask("tools/call", {"name": RECEIPTS_TOOL, "arguments": {"run": RUN}})
    assert told["error"]["message"] == "the receipts cannot be read"


def test_it_speaks_both_eras(world: World) -> None:
    begun = world.ask("initialize", {"protocolVersion": "2025-06-18"})["result"]
    assert begun["protocolVersion"] == "2025-06-18"
    unheard = world.ask("initialize", {"protocolVersion": "1999-01-01"})["result"]
    assert unheard["protocolVersion"] == "2025-11-25"
    assert world.ask("ping") == {"jsonrpc": "2.0", "id": 1, "result": {}}
    found = world.ask("server/discover", {"_meta": META})["result"]
    assert "2026-07-28" in found["supportedVersions"]
    assert "resultType" not in world.ask("tools/list")["result"]
    listed = world.ask("tools/list", {"_meta": META})["result"]
    assert (listed["resultType"], listed["cacheScope"]) == ("complete", "public")
    assert [tool["name"] for tool in listed["tools"]] == [tool["name"] for tool in TOOLS]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/list", {}),
        ("tools/call", {"name": "canary_unheard_of"}),
        ("tools/call", {"name": RECEIPTS_TOOL, "arguments": "x"}),
        ("tools/call", {"name": ["x"]}),
    ],
)
def test_what_it_does_not_have_is_an_error(world: World, method: str, params: Any) -> None:
    assert world.ask(method, params)["error"]["code"] in {-32601, -32602}


@pytest.mark.parametrize("body", ["", "[]", "{", '{"id":1}', '"x"'])
def test_what_is_no_request_is_refused(world: World, body: str) -> None:
    assert world.send(body)["status"] == 400


def test_only_posts_are_answered_and_only_the_gateway_s_events(world: World) -> None:
    assert world.send("", method="GET")["status"] == 405
    assert world.canary.answer({"method": "POST"})["status"] == 400


def test_a_notification_is_taken(world: World) -> None:
    told = world.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    assert (told["status"], told["body"]) == (202, "")


def test_it_does_not_start_without_its_table() -> None:
    with pytest.raises(HostSettingsError, match="MCP_HOST_STATE_TABLE"):
        read_canary_settings({})


def test_the_function_keeps_receipts_in_a_table_of_dynamodb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The emulator reads the update's expression as DynamoDB does."""
    monkeypatch.setenv("MCP_HOST_STATE_TABLE", "hosts")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="hosts",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        handler = importlib.import_module("mcp_host.lambda_canary").handler
        marks = f"{mark('a')} {mark('b')} {mark('a')}"
        for _ in range(2):
            handler({"method": "POST", "headers": [["accept", "*/*"]], "body": marks}, None)
        event = call_event(RECEIPTS_TOOL, {"run": RUN})
        told = json.loads(json.loads(handler(event, None)["body"])["result"]["content"][0]["text"])
    assert told == {"calls": {"a": 2, "b": 2}, "headers": ["accept"]}


def call_event(tool: str, arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return {"method": "POST", "headers": [], "body": json.dumps(message)}
