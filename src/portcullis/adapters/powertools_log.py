"""The decision log: one structured line and one metric a decision, by AWS Lambda Powertools."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from portcullis.gateway.ports import DecisionLog, DecisionRecord

NAMESPACE = "Portcullis"


class PowertoolsDecisionLog(DecisionLog):
    """Writes records to standard output; CloudWatch takes both lines from there."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics

    def record(self, record: DecisionRecord) -> None:
        """See `DecisionLog.record`. A metric that cannot be written changes no decision."""
        self._logger.info("decision", extra={"decision": _fields(record)})
        self._metrics.add_dimension(name="Server", value=record.server)
        self._metrics.add_dimension(name="Outcome", value=record.outcome)
        self._metrics.add_metric(name="Decisions", unit=MetricUnit.Count, value=1)
        self._metrics.flush_metrics()


def _fields(record: DecisionRecord) -> dict[str, object]:
    names = record.__dataclass_fields__
    return {name: value for name in names if (value := getattr(record, name)) not in (None, ())}
