"""The AWS account as the gateway and the executor see it: clients, and the stores on them."""

import sys
from collections.abc import Callable

from botocore.session import Session

from portcullis.adapters.activator_function import ActivatorFunction
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.kms_recorder import KmsRecorder
from portcullis.adapters.kms_vault import KmsVault
from portcullis.adapters.s3_kill_switch import S3KillSwitch
from portcullis.adapters.s3_policies import S3PolicyStore
from portcullis.adapters.s3_snapshots import S3SnapshotStore
from portcullis.adapters.secrets import Secrets
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.entrypoints.client_config import of_account, store_config
from portcullis.entrypoints.settings import ExecutorSettings, GatewaySettings
from portcullis.entrypoints.upstreams import UpstreamWiring
from portcullis.gateway.tool_list import fetch_tools
from portcullis.policy.model import Instant

SNAPSHOT_REFRESH_SECONDS = 300
SNAPSHOT_MAXIMUM_AGE_SECONDS = 86_400
SNAPSHOT_TIMEOUT_SECONDS = 10.0  # a page; the call that waits for it has to be made as well
RECORDING_TIMEOUT_SECONDS = 1  # a call waits for it, and does not need it
ACTIVATOR_TIMEOUT_SECONDS = 60  # longer than the activator's own time-out


class Account:
    """Makes what the settings describe; a client that few calls need is made when one does."""

    def __init__(
        self, settings: GatewaySettings | ExecutorSettings, clock: Callable[[], Instant]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._store = store_config(settings.store_timeout_seconds)
        self._aws = Session()  # boto3 on top of it would only load what no call uses
        self._secrets = Secrets(self._later("secretsmanager"), clock)
        self._s3 = of_account(
            self._aws.create_client("s3", config=self._store), settings.bucket_owner
        )
        self.dynamodb: Client = self._aws.create_client("dynamodb", config=self._store)
        self.upstreams = UpstreamWiring(settings, self._aws, self._secrets).upstreams(self._s3)

    def policies(self) -> S3PolicyStore:
        """The policies in force."""
        return S3PolicyStore(
            self._s3,
            self._settings.bucket,
            refresh_seconds=self._settings.policy_refresh_seconds,
            max_age_seconds=self._settings.policy_max_age_seconds,
        )

    def kill_switch(self) -> S3KillSwitch:
        """Whether a person has stopped everything."""
        return S3KillSwitch(
            self._s3,
            self._settings.bucket,
            refresh_seconds=self._settings.kill_switch_refresh_seconds,
            max_age_seconds=self._settings.kill_switch_max_age_seconds,
        )

    def snapshots(self) -> S3SnapshotStore:
        """The servers' tool lists."""
        return S3SnapshotStore(
            self._s3,
            self._settings.bucket,
            fetch=lambda server: fetch_tools(server, longest_seconds=SNAPSHOT_TIMEOUT_SECONDS),
            clock=self._clock,
            refresh_seconds=SNAPSHOT_REFRESH_SECONDS,
            max_age_seconds=SNAPSHOT_MAXIMUM_AGE_SECONDS,
            notice=_notice,
        )

    def approvals(self) -> DynamoDBApprovalStore:
        """The requests for approval."""
        return DynamoDBApprovalStore(
            self.dynamodb,
            self._settings.table,
            retention_seconds=self._settings.approval_retention_seconds,
            clock=self._clock,
        )

    def workflow(self, arn: str) -> StepFunctionsWorkflow:
        """What waits for decisions."""
        return StepFunctionsWorkflow(self._later("stepfunctions"), arn)

    def activator(self, function: str) -> ActivatorFunction:
        """Who puts approved policies in force."""
        return ActivatorFunction(self._activator_client, function)

    def vault(self) -> KmsVault:
        """What seals arguments and results."""
        return KmsVault(self._later("kms"), self._settings.approval_key_id)

    def recorder(self, key_id: str) -> KmsRecorder | None:
        """What records calls, None where nobody wants it."""
        if not key_id:
            return None
        config = store_config(RECORDING_TIMEOUT_SECONDS)
        return KmsRecorder(
            lambda: self._aws.create_client("kms", config=config),
            key_id,
            stack=self._settings.stack,
            clock=self._clock,
        )

    def keys(self, use: bytes, arn: str) -> Callable[[], tuple[bytes, ...]]:
        """Keys for one use, made of a secret that seals several things."""
        return self._secrets.keys(use, arn)

    def secret(self, arn: str) -> Callable[[], str]:
        """What a secret holds, read when it is asked for."""
        return lambda: self._secrets.read(arn)

    def _later(self, service: str) -> Callable[[], Client]:
        return lambda: self._aws.create_client(service, config=self._store)

    def _activator_client(self) -> Client:
        config = store_config(ACTIVATOR_TIMEOUT_SECONDS)
        client: Client = self._aws.create_client("lambda", config=config)
        return client


def _notice(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the function's own log
