"""Where the activation of policies meets its adapters."""

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from portcullis.activation.release import InTurn, Release
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.kms_signature import KmsSignature
from portcullis.adapters.operator_notices import OperatorNotices
from portcullis.adapters.s3_activation import PolicyActivation
from portcullis.entrypoints.client_config import store_config
from portcullis.entrypoints.settings import ActivatorSettings

# Nobody waits for a notice: two tries, all of them within the function's own time-out.
_NOTICES = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})


class PolicyActivations:
    """Makes the activation of each run; what the runs share is made once."""

    def __init__(self, s3: Client, settings: ActivatorSettings) -> None:
        self._s3 = s3
        self._bucket = settings.bucket
        self._steps = _steps(settings)
        self._notices = OperatorNotices(
            boto3.client("sns", config=_NOTICES),
            boto3.client("events", config=_NOTICES),
            topic=settings.operator_topic,
            warn=Logger(service="portcullis").warning,
        )

    def with_approval(self, approval: Release | None) -> PolicyActivation:
        """The activation of a run; `approval` releases last, None where nobody has to approve."""
        steps = [*self._steps, *([] if approval is None else [approval])]
        return PolicyActivation(
            self._s3, self._bucket, release=InTurn(steps), notices=self._notices
        )


def _steps(settings: ActivatorSettings) -> list[Release]:
    """Who releases before people are asked: what is not signed is not for them to look at."""
    if not settings.policy_signing_key:
        return []
    return [
        KmsSignature(
            boto3.client("kms", config=store_config(settings.store_timeout_seconds, attempts=2)),
            key=settings.policy_signing_key,
            algorithm=settings.policy_signing_algorithm,
            bucket=settings.bucket,
        )
    ]
