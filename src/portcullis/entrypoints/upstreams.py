"""Servers as they are registered, to what their calls are sent with."""

from collections.abc import Iterator
from dataclasses import replace

from botocore.config import Config
from botocore.session import Session

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.http_upstream import Authorise, HttpUpstream, without_credential
from portcullis.adapters.lambda_upstream import LambdaUpstream
from portcullis.adapters.s3_registrations import S3Upstreams
from portcullis.adapters.secrets import Secrets
from portcullis.adapters.upstream_credentials import secret_header, signature
from portcullis.entrypoints.client_config import USER_AGENT
from portcullis.entrypoints.permits import permits
from portcullis.entrypoints.settings import ExecutorSettings, GatewaySettings
from portcullis.errors import RegistrationUnavailableError
from portcullis.gateway.fingerprints import registration_digest
from portcullis.gateway.ports import Registered, Upstream
from portcullis.policy.nodes import MAXIMUM_SECONDS
from portcullis.registration.model import Registration, SigV4Credential


class UpstreamWiring:
    """Makes upstreams; a Lambda client for each region and time-out that functions need."""

    def __init__(
        self, settings: GatewaySettings | ExecutorSettings, aws: Session, secrets: Secrets
    ) -> None:
        self._settings = settings
        self._aws = aws
        self._secrets = secrets
        self._lambdas: dict[tuple[str | None, int], Client] = {}

    def upstreams(self, s3: Client) -> S3Upstreams:
        """The deployment's own servers, and those that are registered in the bucket.

        A time-out that was permitted once is shortened rather than refused.
        """
        return S3Upstreams(
            s3,
            self._settings.bucket,
            own=self._own(),
            permits=replace(permits(self._settings), longest_seconds=MAXIMUM_SECONDS),
            make=self.registered,
            refresh_seconds=self._settings.policy_refresh_seconds,
            max_age_seconds=self._settings.policy_max_age_seconds,
        )

    def registered(self, server: str, registration: Registration) -> Registered:
        """One server of a registration that is not of a removed one."""
        longest = self._settings.upstream_timeout_seconds
        seconds = min(longest, registration.timeout_seconds or longest)
        return Registered(
            server=server,
            upstream=self._upstream(registration, seconds),
            digest=registration_digest(registration.binding),
            timeout_seconds=float(seconds),
            eras=registration.eras,
        )

    def _own(self) -> Iterator[Registered]:
        seconds = self._settings.upstream_timeout_seconds
        for name, function in self._settings.servers.items():
            yield Registered(
                server=name,
                upstream=LambdaUpstream(self._lambda_client(None, seconds), function),
                digest=registration_digest({"lambda": function}),
                timeout_seconds=float(seconds),
            )

    def _upstream(self, registration: Registration, seconds: int) -> Upstream:
        if registration.function is not None:
            region = registration.function.split(":")[3]
            return LambdaUpstream(self._lambda_client(region, seconds), registration.function)
        if registration.endpoint is None:
            raise RegistrationUnavailableError("a removed server has no upstream")
        return HttpUpstream(
            registration.endpoint,
            allow_loopback=self._settings.allow_loopback_upstreams,
            authorise=self._authorise(registration),
        )

    def _authorise(self, registration: Registration) -> Authorise:
        credential = registration.credential
        if credential is None:
            return without_credential
        if isinstance(credential, SigV4Credential):
            return signature(credential, self._aws)
        return secret_header(credential, self._secrets.read)

    def _lambda_client(self, region: str | None, seconds: int) -> Client:
        """A client that waits no longer than a call may take, and never asks again."""
        held = self._lambdas.get((region, seconds))
        if held is None:
            config = Config(
                connect_timeout=2,
                read_timeout=seconds,
                retries={"total_max_attempts": 1},
                user_agent=USER_AGENT,
            )
            held = self._aws.create_client("lambda", region_name=region, config=config)
            self._lambdas[region, seconds] = held
        return held
