"""The decision log as CloudWatch keeps it, made up: lines, pages, and what it can fail with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from support.aws_faults import fault
from support.command_line import NOW

GATEWAY, EXECUTOR, CONSOLE = "gate-GatewayLogGroup", "gate-ExecutorLogGroup", "gate-ConsoleLogGroup"
GROUPS = (GATEWAY, EXECUTOR, CONSOLE)
NOW_MS = NOW * 1000


def line(**record: Any) -> str:
    """The line of a decision as functions write it; None leaves a member out."""
    whole = {
        "decision_id": "d1",
        "server": "amazon-mq",
        "method": "tools/call",
        "outcome": "allowed",
        "name": "list_brokers",
        "principal": "16:portcullis:grant|agent-7",
        "status": 200,
        "latency_micros": {"policy": 31, "total": 12_345},
        **record,
    }
    kept = {name: value for name, value in whole.items() if value is not None}
    members = {"level": "INFO", "message": "decision", "service": "gate", "decision": kept}
    return json.dumps({**members, "_aws": {"Timestamp": NOW_MS}})


@dataclass(kw_only=True)
class Logs:
    """A client of CloudWatch Logs over made-up groups; pages hold `page` lines."""

    page: int = 2
    groups: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {group: [] for group in GROUPS}
    )
    errors: list[Exception | None] = field(default_factory=list)  # of the next requests, in turn
    asked: list[dict[str, Any]] = field(default_factory=list)

    def write(self, text: str, *, ago: float = 60, group: str = GATEWAY) -> str:
        """Write a line that many seconds ago; answers the event's id."""
        event_id = f"{group}-{len(self.groups[group])}"
        at = NOW_MS - int(ago * 1000)
        event = {"eventId": event_id, "timestamp": at, "message": text, "logStreamName": "s"}
        self.groups[group].append(event)
        return event_id

    def tell(self, decision_id: str, *, ago: float = 60, group: str = GATEWAY, **more: Any) -> str:
        """Write the line of a decision."""
        return self.write(line(decision_id=decision_id, **more), ago=ago, group=group)

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        """FilterLogEvents: the pattern does nothing, and the first page holds no line."""
        self.asked.append(asked)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        if asked["logGroupName"] not in self.groups:
            raise fault("ResourceNotFoundException")
        return self._page(asked)

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        until = asked.get("endTime", float("inf"))
        kept = self.groups[asked["logGroupName"]]
        found = [one for one in kept if asked["startTime"] <= one["timestamp"] <= until]
        token = asked.get("nextToken")
        if token is None:
            return {"events": [], "nextToken": "0"} if found else {"events": []}
        start = int(token)
        page = found[start : start + self.page]
        more = start + self.page < len(found)
        return {"events": page, **({"nextToken": str(start + self.page)} if more else {})}


def texts(events: Iterable[Any]) -> list[str]:
    """The ids of decisions that were read, `broken` where one could not be."""
    return [getattr(one, "decision_id", "broken") for one in events]
