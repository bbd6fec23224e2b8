"""EventBridge in the emulator: rules reach functions, behind the caller's back.

moto knows no functions as targets, runs disabled rules, and gives S3 events a number as
their time. EventBridge invokes a function asynchronously, retries what was not taken, and
writes times as ISO 8601 in UTC.

Sources: EventBridge user guide, "Event bus targets", "Event structure"; S3 user guide,
"EventBridge event message structure".
"""

import copy
import threading
from datetime import UTC, datetime
from typing import Any

from moto.events.models import Rule

from local_stack.emulator import lambda_invoke

_moto_send = Rule.send_to_targets


def install() -> None:
    """Correct delivery from here on; calling it again changes nothing."""
    setattr(Rule, "send_to_targets", _send_to_targets)  # noqa: B010 - cannot be assigned typed


def _send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002 - moto's signature
    if rule.state != "ENABLED" or not rule.event_pattern.matches_event(original_event):
        return
    functions = [target for target in rule.targets if _is_function(target)]
    for target in functions:
        name = target["Arn"].split(":")[6]  # an alias may follow
        event = {**original_event, "time": _iso(original_event.get("time"))}
        threading.Thread(target=lambda_invoke.send_event, args=(name, event), daemon=True).start()
    others = copy.copy(rule)
    others.targets = [target for target in rule.targets if target not in functions]
    if others.targets:
        _moto_send(others, original_event, transform_input)


def _is_function(target: dict[str, Any]) -> bool:
    return str(target["Arn"]).split(":")[2:3] == ["lambda"]


def _iso(moment: object) -> object:
    if not isinstance(moment, int | float):
        return moment
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
