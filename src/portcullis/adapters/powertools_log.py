"""The decision log: one structured line a decision, by AWS Lambda Powertools' logger.

The line is its own metric: CloudWatch counts `Decisions` by service, server and outcome from
the members that the embedded metric format asks for (CloudWatch user guide, "Embedded metric
format specification").
"""

import time

from aws_lambda_powertools import Logger

from portcullis.gateway.ports import DecisionLog, DecisionRecord

NAMESPACE = "Portcullis"

# `service` is the logger's own member.
_METRICS = (
    {
        "Namespace": NAMESPACE,
        "Dimensions": [["service", "Server", "Outcome"]],
        "Metrics": [{"Name": "Decisions", "Unit": "Count"}],
    },
)


class PowertoolsDecisionLog(DecisionLog):
    """Writes records to standard output, where CloudWatch takes them from."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def record(self, record: DecisionRecord) -> None:
        """See `DecisionLog.record`."""
        self._logger.info(
            "decision",
            extra={
                "decision": _fields(record),
                "Server": record.server,
                "Outcome": record.outcome,
                "Decisions": 1,
                "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": _METRICS},
            },
        )


def _fields(record: DecisionRecord) -> dict[str, object]:
    names = record.__dataclass_fields__
    return {name: value for name in names if (value := getattr(record, name)) not in (None, ())}
