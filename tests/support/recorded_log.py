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
