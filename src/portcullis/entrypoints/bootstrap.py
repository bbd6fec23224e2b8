"""Where the gateway's ports meet their adapters: its clients are made here and nowhere else."""

import hashlib
import secrets
import sys
import time
from collections.abc import Callable

from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.session import Session

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.adapters.http_upstream import HttpUpstream, parse_endpoint
from portcullis.adapters.lambda_upstream import LambdaUpstream
from portcullis.adapters.powertools_log import PowertoolsDecisionLog
from portcullis.adapters.s3_policies import S3PolicyStore
from portcullis.adapters.s3_snapshots import S3SnapshotStore
from portcullis.adapters.secrets import Secrets
from portcullis.entrypoints.settings import GatewaySettings, ServerSettings
from portcullis.gateway.ports import Upstream
from portcullis.gateway.proxy import Gateway
from portcullis.gateway.sessions import Sessions
from portcullis.gateway.tool_list import fetch_tools
from portcullis.gateway.ways import Ports, Terms
from portcullis.policy.model import Instant

SNAPSHOT_REFRESH_SECONDS = 300
SNAPSHOT_MAXIMUM_AGE_SECONDS = 86_400
SNAPSHOT_TIMEOUT_SECONDS = 10.0  # a page; the call that waits for it has to be made as well

# botocore puts its own together anew for each call, which is a tenth of a call's CPU time.
_USER_AGENT = "portcullis"

# One try a call: whoever waits for the answer decides whether to ask again, and a denial is
# better than a caller that hangs.
_STORE = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 1},
    tcp_keepalive=True,
    user_agent=_USER_AGENT,
)


def clock() -> Instant:
    """The instant now."""
    return Instant(micros=time.time_ns() // 1000)


def new_id() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def build_gateway(settings: GatewaySettings) -> Gateway:
    """The gateway of one execution environment."""
    aws = Session()  # boto3 on top of it would only load what no call uses
    secret_store = Secrets(lambda: aws.create_client("secretsmanager", config=_STORE), clock)
    upstreams = _Upstreams(settings, aws, secret_store).build()
    s3 = aws.create_client("s3", config=_STORE)
    dynamodb = aws.create_client("dynamodb", config=_STORE)
    timeout = float(settings.upstream_timeout_seconds)
    return Gateway(
        Ports(
            policies=S3PolicyStore(
                s3,
                settings.bucket,
                refresh_seconds=settings.policy_refresh_seconds,
                max_age_seconds=settings.policy_max_age_seconds,
            ),
            snapshots=S3SnapshotStore(
                s3,
                settings.bucket,
                fetch=lambda server: fetch_tools(
                    upstreams[server], timeout_seconds=min(timeout, SNAPSHOT_TIMEOUT_SECONDS)
                ),
                clock=clock,
                refresh_seconds=SNAPSHOT_REFRESH_SECONDS,
                max_age_seconds=SNAPSHOT_MAXIMUM_AGE_SECONDS,
                notice=_notice,
            ),
            counters=DynamoDBCounterStore(dynamodb, settings.table),
            sessions=Sessions(
                DynamoDBSessionStore(
                    dynamodb,
                    settings.table,
                    cap=settings.session_cap,
                    lifetime_seconds=settings.session_ttl_seconds,
                ),
                keys=_session_keys(secret_store, settings.session_key_secret),
                ttl_seconds=settings.session_ttl_seconds,
                new_id=new_id,
            ),
            upstreams=upstreams,
            log=PowertoolsDecisionLog(Logger(service="portcullis")),
        ),
        Terms(
            upstream_timeout_seconds=timeout,
            list_ttl_ms=settings.policy_refresh_seconds * 1000,
            allowed_origins=settings.allowed_origins,
            allowed_hosts=settings.allowed_hosts,
        ),
        clock=clock,
        new_id=new_id,
    )


class _Upstreams:
    """Makes one upstream a configured server."""

    def __init__(self, settings: GatewaySettings, aws: Session, secret_store: Secrets) -> None:
        self._settings = settings
        self._aws = aws
        self._secrets = secret_store
        self._lambda: Client | None = None

    def build(self) -> dict[str, Upstream]:
        return {name: self._one(server) for name, server in self._settings.servers.items()}

    def _one(self, server: ServerSettings) -> Upstream:
        if server.function is not None:
            return LambdaUpstream(self._lambda_client(), server.function)
        allow_loopback = self._settings.allow_loopback_upstreams
        return HttpUpstream(
            parse_endpoint(server.url or "", allow_loopback=allow_loopback),
            allow_loopback=allow_loopback,
            credential=self._credential(server),
        )

    def _credential(self, server: ServerSettings) -> Callable[[], tuple[str, str] | None]:
        if server.secret is None:
            return lambda: None
        arn, header = server.secret, server.header
        return lambda: (header, self._secrets.read(arn))

    def _lambda_client(self) -> Client:
        if self._lambda is None:
            timeout = self._settings.upstream_timeout_seconds
            config = Config(
                connect_timeout=2,
                read_timeout=timeout,
                retries={"total_max_attempts": 1},
                user_agent=_USER_AGENT,
            )
            self._lambda = self._aws.create_client("lambda", config=config)
        return self._lambda


def _session_keys(secret_store: Secrets, arn: str) -> Callable[[], tuple[bytes, ...]]:
    def keys() -> tuple[bytes, ...]:
        return (hashlib.sha256(b"mcp-session\0" + secret_store.read(arn).encode()).digest(),)

    return keys


def _notice(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the function's own log
