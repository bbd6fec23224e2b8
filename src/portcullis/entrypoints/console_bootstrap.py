"""Where the console's ports meet their adapters: its clients are made here and nowhere else."""

from aws_lambda_powertools import Logger
from botocore.session import Session

from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.dynamodb_grants import DynamoDBGrants, Grant, Role
from portcullis.adapters.issuer_http import is_safe
from portcullis.adapters.kms_vault import KmsVault
from portcullis.adapters.oidc_issuer import OidcIssuer
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.adapters.secrets import Secrets
from portcullis.adapters.stepfunctions_workflow import StepFunctionsWorkflow
from portcullis.console.console import Console, ConsolePorts, ConsoleTerms
from portcullis.console.ports import Grants, Holder
from portcullis.entrypoints.client_config import store_config
from portcullis.entrypoints.clocks import clock, new_id
from portcullis.entrypoints.settings import ConsoleSettings
from portcullis.errors import SettingsError
from portcullis.gateway.deciding import Desk, Viewer

_NO_STATE_MACHINE = ""  # the console wakes executions by their handles and starts none


def build_console(settings: ConsoleSettings) -> Console:
    """The console of one execution environment.

    Raises:
        SettingsError: settings contradict each other.
    """
    _require_sound(settings)
    aws, config = Session(), store_config(settings.store_timeout_seconds)
    dynamodb = aws.create_client("dynamodb", config=config)
    secrets = Secrets(lambda: aws.create_client("secretsmanager", config=config), clock)
    desk = Desk(
        DynamoDBApprovalStore(
            dynamodb,
            settings.table,
            retention_seconds=settings.approval_retention_seconds,
            clock=clock,
        ),
        StepFunctionsWorkflow(
            lambda: aws.create_client("stepfunctions", config=config), _NO_STATE_MACHINE
        ),
        KmsVault(lambda: aws.create_client("kms", config=config), settings.approval_key_id),
        clock=clock,
    )
    return Console(
        ConsolePorts(
            desk=desk,
            grants=ApproversGrants(DynamoDBGrants(dynamodb, settings.table)),
            log=PowertoolsDecisionLog(Logger(service=settings.stack)),
            issuer=_issuer(settings, secrets),
        ),
        ConsoleTerms(
            session_seconds=settings.console_session_seconds,
            allowed_hosts=settings.allowed_hosts,
        ),
        keys=secrets.keys(b"console", settings.console_key_secret),
        clock=clock,
        new_id=new_id,
    )


class ApproversGrants(Grants):
    """The grants in the state table, as the console sees them."""

    def __init__(self, grants: DynamoDBGrants) -> None:
        self._grants = grants

    def find(self, token: str, *, now_seconds: int) -> Holder | None:
        """Answer who holds a token, as the port says."""
        return _holder(self._grants.find(token, now_seconds=now_seconds))

    def find_by_digest(self, digest: str, *, now_seconds: int) -> Holder | None:
        """Answer the same for the digest of a token, as the port says."""
        return _holder(self._grants.find_by_digest(digest, now_seconds=now_seconds))


def _holder(grant: Grant | None) -> Holder | None:
    if grant is None:
        return None
    if grant.role is Role.AGENT:
        return Holder(digest=grant.digest, viewer=None)
    viewer = Viewer(principal=grant.principal, is_admin=grant.role is Role.ADMIN)
    return Holder(digest=grant.digest, viewer=viewer)


def _require_sound(settings: ConsoleSettings) -> None:
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id):
        raise SettingsError(
            "PORTCULLIS_OIDC_ISSUER and PORTCULLIS_OIDC_CLIENT_ID go together, or both stay empty"
        )
    if not settings.oidc_issuer:
        return
    if not settings.public_url:
        raise SettingsError("signing in at an issuer needs PORTCULLIS_PUBLIC_URL")
    for variable, url in (
        ("PORTCULLIS_PUBLIC_URL", settings.public_url),
        ("PORTCULLIS_OIDC_ISSUER", settings.oidc_issuer),
    ):
        if not is_safe(url):
            raise SettingsError(f"{variable} must use https")


def _issuer(settings: ConsoleSettings, secrets: Secrets) -> OidcIssuer | None:
    if not settings.oidc_issuer:
        return None
    arn = settings.oidc_client_secret
    return OidcIssuer(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=(lambda: secrets.read(arn)) if arn else None,
        groups_claim=settings.oidc_groups_claim,
        clock=clock,
    )
