"""A log with recorded calls, as the gateway of a stack writes it; sealed under KMS (by moto)."""

import io
import itertools
import json
from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools import Logger

from portcullis.adapters.kms_recorder import KmsRecorder
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.policy.policy_text import parse_policy
from support.gateway_in_memory import World

STACK = "gate"
HEAD = 'version: "1"\ndefault: deny\ntools:\n'
OLD = (
    HEAD
    + """\
  get_info: {action: allow, rate_limit: {max: 3, window: 1h, per: principal}}
  create_broker:
    rules:
      - {name: public, action: deny, when: {path: args.publicly_accessible, op: eq, value: true}}
      - {name: ok, action: allow}
"""
)
NEW = (
    HEAD
    + """\
  get_info: {action: allow, rate_limit: {max: 2, window: 1h, per: principal}}
  create_broker: {action: allow}
"""
)
_NAMES = itertools.count()  # loggers are kept by name, each with its first stream


class RecordingWorld(World):
    """A gateway that records, and its log as text."""

    def __init__(self, kms: Any, key: str, policy: str, **more: Any) -> None:
        recorder = KmsRecorder(lambda: kms, key, stack=STACK, clock=self._clock)
        super().__init__(policy, recorder=recorder, **more)

    def under(self, policy: str) -> None:
        """Put another policy in force."""
        self.policies.policy = parse_policy(policy).policy

    def later(self, seconds: int) -> None:
        """Let time go by."""
        self.now += seconds * 1_000_000

    def text(self) -> str:
        """The lines of everything so far."""
        written = io.StringIO()
        logger = Logger(service=f"{STACK}-{next(_NAMES)}", stream=written)
        log = PowertoolsDecisionLog(logger)
        for record in self.log.records:
            log.record(record)
        lines = [json.loads(line) for line in written.getvalue().splitlines()]
        return text_of({**line, "service": STACK} for line in lines)


def text_of(lines: Iterable[Any]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def call_some(world: RecordingWorld) -> None:
    for _ in range(3):
        world.call("get_info")
        world.later(60)
    for public in (True, True, False):
        world.call("create_broker", {"publicly_accessible": public})
    world.call("no_such_tool")
