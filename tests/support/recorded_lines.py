"""Lines as the deployed functions write them: what queries, rules and dashboards are held to."""

import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from portcullis.adapters.monitor import Clients, Monitor, Watched
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.gateway.ports import DecisionRecord
from portcullis.policy.model import Instant
from support.console_fakes import CAROL_TOKEN, ConsoleWorld
from support.gateway_in_memory import World

NOW = Instant(micros=1_795_443_000_000_000)


@cache  # loggers are kept by name, each with its first stream
def decision_lines() -> list[dict[str, Any]]:
    """What the gateway and the console write of calls, refusals, faults and an approval."""
    gateway, down, console = World(), World(), ConsoleWorld()
    for _ in range(3):  # the third is over its limit
        gateway.call("get_info")
    gateway.call("create_broker")
    gateway.call("no_such_tool")
    down.counters.fails_to_reserve = True
    down.call("get_info")
    console.decide(CAROL_TOKEN, console.ask(), "approve")
    records: list[DecisionRecord] = [
        *gateway.log.records,
        *down.log.records,
        *console.log.records,
        DecisionRecord(
            decision_id="d",
            server="mq",
            method="tools/call",
            outcome="approval_unknown",
            latency_micros={"approval": 1, "total": 1},
        ),
        DecisionRecord(
            decision_id="e",
            server="mq",
            method="tools/call",
            outcome="allowed",
            recording="unavailable",
        ),
    ]
    written = io.StringIO()
    log = PowertoolsDecisionLog(Logger(service="recorded-lines", stream=written))
    for record in records:
        log.record(record)
    return [json.loads(line) for line in written.getvalue().splitlines()]


def monitor_lines() -> list[dict[str, Any]]:
    """What the monitor writes of a deployment with one policy."""
    clients = Clients(s3=_Bucket(), dynamodb=_Table(), sqs=_Queue())
    watched = Watched(stack="gate", bucket="b", table="t", dead_letters="q")
    return Monitor(clients, watched).look(NOW)


class _Bucket:
    def list_objects_v2(self, *, Prefix: str, **_: Any) -> Mapping[str, Any]:  # noqa: N803
        found = {"Key": f"{Prefix}mq.json", "LastModified": datetime.fromtimestamp(0, UTC)}
        return {"IsTruncated": False, "Contents": [found]}

    def get_object(self, **_: Any) -> Mapping[str, Any]:
        return {"Body": io.BytesIO(b'{"state":"rejected"}')}


class _Table:
    def query(self, **_: Any) -> Mapping[str, Any]:
        return {"Items": []}


class _Queue:
    def get_queue_attributes(self, *, AttributeNames: list[str], **_: Any) -> Mapping[str, Any]:  # noqa: N803
        return {"Attributes": dict.fromkeys(AttributeNames, "0")}


def emitted() -> set[tuple[str, str, frozenset[str]]]:
    """Every metric of those lines: namespace, name, the names of its dimensions."""
    return {
        (directive["Namespace"], metric["Name"], frozenset(dimensions))
        for line in (*decision_lines(), *monitor_lines())
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def members(tree: object, prefix: str = "") -> Iterator[str]:
    """The dotted names of every member, as Logs Insights discovers them."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield f"{prefix}{name}"
            yield from members(value, f"{prefix}{name}.")
