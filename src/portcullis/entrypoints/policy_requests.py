"""Where the requests for approval of policies meet their adapters, for the activator."""

from botocore.session import Session

from portcullis.activation.by_approval import ApprovalTerms, PolicyRequests
from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.kms_vault import KmsVault
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.approvals.identity import GROUP_PREFIX
from portcullis.entrypoints.client_config import store_config
from portcullis.entrypoints.clocks import clock, new_id
from portcullis.entrypoints.settings import ActivatorSettings
from portcullis.errors import SettingsError
from portcullis.gateway.asking import Asker, AskTerms

OPEN_AT_A_TIME = 20  # of one server, all but the newest about to be closed
_ACCOUNT = 4  # the part of an ARN that names the account


def build_policy_requests(settings: ActivatorSettings) -> PolicyRequests | None:
    """The requests of one execution environment; None where policies need no approval.

    Raises:
        SettingsError: settings contradict each other.
    """
    if not settings.policy_approvers:
        return None
    _require_sound(settings)
    aws, config = Session(), store_config(settings.store_timeout_seconds)
    store = DynamoDBApprovalStore(
        aws.create_client("dynamodb", config=config),
        settings.table,
        retention_seconds=settings.approval_retention_seconds,
        clock=clock,
    )
    asker = Asker(
        store,
        StepFunctionsWorkflow(
            lambda: aws.create_client("stepfunctions", config=config), settings.state_machine
        ),
        KmsVault(lambda: aws.create_client("kms", config=config), settings.approval_key_id),
        # Which endings are still an answer is told by the release, not by a cool-down.
        AskTerms(cap=OPEN_AT_A_TIME, cooldown_seconds=settings.approval_retention_seconds),
        new_id=new_id,
    )
    return PolicyRequests(
        store,
        asker,
        ApprovalTerms(
            approvers=settings.policy_approvers,
            needed=settings.policy_approvals_needed,
            seconds=settings.policy_approval_seconds,
            account=settings.state_machine.split(":")[_ACCOUNT],
            bucket=settings.bucket,
            base_url=settings.public_url,
        ),
    )


def _require_sound(settings: ActivatorSettings) -> None:
    if not settings.public_url:
        raise SettingsError("approvals of policies need PORTCULLIS_PUBLIC_URL")
    if not settings.state_machine.startswith("arn:"):
        raise SettingsError("PORTCULLIS_STATE_MACHINE is not an ARN")
    approvers, needed = settings.policy_approvers, settings.policy_approvals_needed
    if len(set(approvers)) != len(approvers) or GROUP_PREFIX in approvers:
        raise SettingsError("PORTCULLIS_POLICY_APPROVERS names one twice, or a group without name")
    has_group = any(one.startswith(GROUP_PREFIX) for one in approvers)
    if needed > len(approvers) and not has_group:
        raise SettingsError("PORTCULLIS_POLICY_APPROVERS names fewer people than are needed")
