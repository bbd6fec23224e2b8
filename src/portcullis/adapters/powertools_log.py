"""The decision log: one structured line a decision, by AWS Lambda Powertools' logger.

The line is its own metrics (`embedded_metrics`).
"""

import time

from aws_lambda_powertools import Logger

from portcullis.adapters.embedded_metrics import decision_members
from portcullis.gateway.ports import DecisionLog, DecisionRecord


class PowertoolsDecisionLog(DecisionLog):
    """Writes records to standard output, where CloudWatch takes them from.

    The logger's `service` is the stack's name: metrics are counted by it.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def record(self, record: DecisionRecord) -> None:
        """See `DecisionLog.record`."""
        members = decision_members(record, now_ms=time.time_ns() // 1_000_000)
        self._logger.info("decision", extra={"decision": _fields(record), **members})


def _fields(record: DecisionRecord) -> dict[str, object]:
    names = record.__dataclass_fields__
    return {name: value for name in names if (value := getattr(record, name)) not in (None, (), {})}
