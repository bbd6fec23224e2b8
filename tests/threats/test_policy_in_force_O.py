"""Threat cases O14 to O24: what governs, whatever becomes of uploads and objects."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from portcullis.adapters.s3_policies import active_key
from threats.gate import BUCKET, Gate, standing_gate

TOOLS = [
    {"name": "get_info", "inputSchema": {"type": "object"}},
    {"name": "delete_broker", "inputSchema": {"type": "object"}},
]
LOCKED = 'version: "1"\ndefault: deny\ntools:\n  get_info: {action: allow}\n'
OPEN = 'version: "1"\ndefault: allow\n'
BAD = 'version: "1"\ndefualt: allow\n'


@pytest.fixture
def gate() -> Iterator[Gate]:
    servers = {"one": LOCKED, "two": OPEN}
    with standing_gate(TOOLS, servers, PORTCULLIS_POLICY_REFRESH_SECONDS="300") as gate:
        yield gate


def put(key: str, body: bytes, **more: Any) -> None:
    boto3.client("s3", region_name="us-east-1").put_object(
        Bucket=BUCKET, Key=key, Body=body, **more
    )


def active(server: str) -> Any:
    s3 = boto3.client("s3", region_name="us-east-1")
    return json.loads(s3.get_object(Bucket=BUCKET, Key=active_key(server))["Body"].read())


def test_O14_an_invalid_upload_leaves_the_good_one_and_says_why(gate: Gate) -> None:
    before = gate.call("one", "delete_broker").decision
    status = gate.activate("one", BAD)
    assert status["state"] == "rejected"
    assert status["faults"][0]["line"] == 2
    assert status["in_force"]["revision"] == before["revision"]
    after = gate.call("one", "delete_broker")
    assert after.is_denial
    assert after.decision["revision"] == before["revision"]
    assert gate.call("one", "get_info").is_success


def test_O14_a_server_that_only_ever_had_an_invalid_policy_denies_everything(gate: Gate) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.delete_object(Bucket=BUCKET, Key=active_key("one"))
    s3.delete_object(Bucket=BUCKET, Key="status/one.json")
    assert gate.activate("one", BAD)["in_force"] is None
    gate.handler = gate.cold_start()
    assert gate.call("one", "get_info").decision["outcome"] == "policy_unavailable"


def test_O15_a_fresh_environment_reaches_the_same_good_policy(gate: Gate) -> None:
    revision = gate.call("one", "delete_broker").decision["revision"]
    gate.activate("one", BAD)
    gate.handler = gate.cold_start()
    fresh = gate.call("one", "delete_broker")
    assert fresh.is_denial
    assert fresh.decision["revision"] == revision


def test_O16_a_policy_is_one_object_and_a_mixed_one_is_none(gate: Gate) -> None:
    """Document and revision travel together: one with the other's never governs."""
    mixed = {**active("one"), "document": active("two")["document"]}
    put(active_key("one"), json.dumps(mixed).encode())
    gate.handler = gate.cold_start()
    assert gate.call("one", "get_info").decision["outcome"] == "policy_unavailable"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"", {}),
        (b"", {"ContentType": "application/x-directory"}),
        (b"{", {}),
        (OPEN.encode(), {"ContentType": "application/yaml"}),
    ],
    ids=["O18-empty", "O18-directory-marker", "O18-cut", "O18-not-what-we-write"],
)
def test_an_active_object_that_is_none_denies_a_fresh_environment(
    gate: Gate, body: bytes, more: dict[str, Any]
) -> None:
    put(active_key("one"), body, **more)
    assert gate.call("one", "get_info").is_success  # the last good one, while it is fresh
    gate.handler = gate.cold_start()
    assert gate.call("one", "get_info").decision["outcome"] == "policy_unavailable"
    assert gate.call("one", "delete_broker").is_denial


def test_O18_a_deleted_active_object_denies_a_fresh_environment(gate: Gate) -> None:
    boto3.client("s3", region_name="us-east-1").delete_object(Bucket=BUCKET, Key=active_key("one"))
    gate.handler = gate.cold_start()
    assert gate.call("one", "get_info").decision["outcome"] == "policy_unavailable"


@pytest.mark.parametrize(
    "server", ["one/../two", "../two", "ONE", "two/", "one%2f..%2ftwo", "two\x00", ""]
)
def test_O21_no_spelling_of_a_server_reaches_another_one_s_policy(gate: Gate, server: str) -> None:
    gate.recorder.clear()
    answer = gate.call(server, "delete_broker")
    assert not answer.is_success
    assert gate.recorder.executed("delete_broker") == []


def test_O21_another_server_s_policy_under_one_s_own_name_is_none(gate: Gate) -> None:
    put(active_key("one"), json.dumps(active("two")).encode())
    gate.handler = gate.cold_start()
    assert gate.call("one", "delete_broker").decision["outcome"] == "policy_unavailable"


def test_O24_reply_log_and_store_name_the_one_revision_that_decided(gate: Gate) -> None:
    gate.clear()
    first = active("one")["revision"]
    answer = gate.call("one", "delete_broker")
    gate.activate("one", OPEN)  # in force here after the refresh time
    again = gate.call("one", "delete_broker")
    assert answer.decision["revision"] == again.decision["revision"] == first
    assert {record.revision for record in gate.records} == {first}
    gate.handler = gate.cold_start()
    gate.clear()
    assert gate.call("one", "delete_broker").is_success
    assert gate.ask("one", "tools/list").status == 200
    assert {record.revision for record in gate.records} == {active("one")["revision"]} != {first}
