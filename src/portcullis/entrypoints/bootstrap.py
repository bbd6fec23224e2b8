"""Where the ports meet their adapters: the gateway's and the executor's clients are made here."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_grants import DynamoDBGrants
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.entrypoints.account import Account
from portcullis.entrypoints.caller_seal import USE
from portcullis.entrypoints.clocks import clock, new_id
from portcullis.entrypoints.settings import ExecutorSettings, GatewaySettings
from portcullis.gateway.approvals import WaitTerms
from portcullis.gateway.asking import AskTerms
from portcullis.gateway.execution import ExecutionPorts, Executor
from portcullis.gateway.outcome import Carrier
from portcullis.gateway.proxy import Gateway
from portcullis.gateway.readiness import Readiness
from portcullis.gateway.sessions import Sessions
from portcullis.gateway.ways import Ports, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A gateway, and the keys by which it knows what its authorizer sealed."""

    gateway: Gateway
    caller_keys: Callable[[], Sequence[bytes]]


def build_door(settings: GatewaySettings) -> Door:
    """The gateway of one execution environment, and what its handler needs besides."""
    account = Account(settings, clock)
    return Door(
        gateway=_gateway(settings, account),
        caller_keys=account.keys(USE, settings.session_key_secret),
    )


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
            log=PowertoolsDecisionLog(Logger(service=settings.stack)),
            approvals=account.approvals(),
            workflow=account.workflow(settings.state_machine),
            vault=account.vault(),
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
            log=PowertoolsDecisionLog(Logger(service=settings.stack)),
        ),
        Readiness(
            policies=account.policies(),
            snapshots=account.snapshots(),
            store=store,
            vault=vault,
            credentials=DynamoDBGrants(account.dynamodb, settings.table),
            upstreams=account.upstreams,
        ),
        Carrier(store, vault),
        clock=clock,
        new_id=new_id,
    )
