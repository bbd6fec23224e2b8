"""Where the ports meet their adapters: the gateway's and the executor's clients are made here."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_grants import CREDENTIAL_PREFIX, DynamoDBGrants
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.adapters.standing_credentials import (
    CredentialsByKind,
    NothingToRevoke,
    TokenStanding,
)
from portcullis.adapters.token_principal import CREDENTIAL_PREFIX as TOKEN_CREDENTIAL_PREFIX
from portcullis.approvals.kinds import RequestKind
from portcullis.entrypoints.account import Account
from portcullis.entrypoints.apigw import Caller, Event, to_caller
from portcullis.entrypoints.caller_seal import USE
from portcullis.entrypoints.callers import Callers
from portcullis.entrypoints.clocks import clock, new_id
from portcullis.entrypoints.iam_principal import CREDENTIAL_PREFIX as IAM_CREDENTIAL_PREFIX
from portcullis.entrypoints.settings import ExecutorSettings, GatewaySettings
from portcullis.gateway.approval_ports import Credentials
from portcullis.gateway.approvals import WaitTerms
from portcullis.gateway.asking import AskTerms
from portcullis.gateway.call_work import CallWork
from portcullis.gateway.execution import ExecutionPorts, Executor
from portcullis.gateway.outcome import Carrier
from portcullis.gateway.policy_work import PolicyWork
from portcullis.gateway.proxy import Gateway
from portcullis.gateway.readiness import Readiness
from portcullis.gateway.sessions import Sessions
from portcullis.gateway.ways import Ports, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A gateway, and what knows its callers."""

    gateway: Gateway
    callers: Callers


def build_door(settings: GatewaySettings) -> Door:
    """The gateway of one execution environment, and what its handler needs besides."""
    account = Account(settings, clock)
    return Door(
        gateway=_gateway(settings, account),
        callers=Callers(
            settings.identity,
            bearer=_bearer(account.keys(USE, settings.session_key_secret)),
            read_proof=account.secret(settings.stage_proof_secret),
        ),
    )


def _bearer(keys: Callable[[], Sequence[bytes]]) -> Callable[[Event], Caller]:
    """Reads what only the authorizer can have sealed."""
    return lambda event: to_caller(event, keys, now_seconds=clock().micros // 1_000_000)


def _gateway(settings: GatewaySettings, account: Account) -> Gateway:
    return Gateway(
        Ports(
            policies=account.policies(),
            snapshots=account.snapshots(),
            counters=DynamoDBCounterStore(account.dynamodb, settings.table),
            sessions=Sessions(
                DynamoDBSessionStore(
                    account.dynamodb,
                    settings.table,
                    cap=settings.session_cap,
                    lifetime_seconds=settings.session_ttl_seconds,
                ),
                keys=account.keys(b"mcp-session", settings.session_key_secret),
                ttl_seconds=settings.session_ttl_seconds,
                new_id=new_id,
            ),
            upstreams=account.upstreams,
            kill_switch=account.kill_switch(),
            log=PowertoolsDecisionLog(Logger(service=settings.stack)),
            approvals=account.approvals(),
            workflow=account.workflow(settings.state_machine),
            vault=account.vault(),
            recorder=account.recorder(settings.recording_key_id),
        ),
        Terms(
            list_ttl_ms=settings.policy_refresh_seconds * 1000,
            ask=AskTerms(
                cap=settings.approval_cap, cooldown_seconds=settings.approval_cooldown_seconds
            ),
            wait=WaitTerms(
                hold_seconds=settings.approval_hold_seconds,
                legacy_url=settings.legacy_url_elicitation,
            ),
            state_keys=account.keys(b"approval-state", settings.session_key_secret),
            pause=time.sleep,
            allowed_origins=settings.allowed_origins,
            allowed_hosts=settings.allowed_hosts,
        ),
        clock=clock,
        new_id=new_id,
    )


def build_executor(settings: ExecutorSettings) -> Executor:
    """The executor of one execution environment."""
    account = Account(settings, clock)
    store, vault = account.approvals(), account.vault()
    return Executor(
        ExecutionPorts(
            store=store,
            counters=DynamoDBCounterStore(account.dynamodb, settings.table),
            kill_switch=account.kill_switch(),
            log=PowertoolsDecisionLog(Logger(service=settings.stack)),
        ),
        {
            RequestKind.CALL: CallWork(
                Readiness(
                    policies=account.policies(),
                    snapshots=account.snapshots(),
                    store=store,
                    vault=vault,
                    credentials=_credentials(settings, account),
                    upstreams=account.upstreams,
                ),
                Carrier(store, vault),
            ),
            RequestKind.POLICY: PolicyWork(account.activator(settings.activator)),
        },
        clock=clock,
        new_id=new_id,
    )


def _credentials(settings: ExecutorSettings, account: Account) -> CredentialsByKind:
    """What is asked of a requester's credential before an approved call is made.

    A way that the deployment no longer accepts has no row, so its credentials have ended.
    """
    kinds: dict[str, tuple[str, Credentials]] = {
        "grants": (CREDENTIAL_PREFIX, DynamoDBGrants(account.dynamodb, settings.table)),
        "jwt": (
            TOKEN_CREDENTIAL_PREFIX,
            TokenStanding(settings.jwt_issuer, seconds=settings.jwt_standing_seconds),
        ),
        "iam": (IAM_CREDENTIAL_PREFIX, NothingToRevoke()),
    }
    return CredentialsByKind(dict(kinds[way] for way in kinds if way in settings.identity))
