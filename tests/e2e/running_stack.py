"""The local gateway as a test sees it: its endpoints, its AWS account, its policy bucket."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from conformance.ready_process import ReadyLine
from e2e.agents import Endpoint

REGION: Final = "us-east-1"
# The local gateway looks for a new policy every second (PORTCULLIS_POLICY_REFRESH_SECONDS).
REFRESH_SECONDS: Final = 1.0
STATUS_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.05

Status: TypeAlias = dict[str, Any]
T = TypeVar("T")


class NotInTimeError(AssertionError):
    """Something the gateway promises did not happen in time."""


@dataclass(frozen=True)
class RunningStack:
    """One running local gateway; `ready` is what it announced."""

    ready: ReadyLine

    def endpoint(self, server: str, *, second_agent: bool = False) -> Endpoint:
        """Where an agent reaches `server`, with the first or the second agent's credential."""
        token = "second_agent_token" if second_agent else "agent_token"
        return Endpoint(self.ready["mcp_urls"][server], self.ready[token])

    def aws(self, service: str) -> Any:
        """A client of the emulated AWS account, past the gateway."""
        make: Callable[..., Any] = boto3.client  # the stubs know each service by its own type
        return make(
            service,
            region_name=REGION,
            endpoint_url=self.ready["aws_endpoint_url"],
            config=Config(retries={"total_max_attempts": 2}),
        )

    def upload(self, server: str, policy: str) -> str:
        """Upload a policy as its author would; answers the object's version."""
        answer = self.aws("s3").put_object(
            Bucket=self.ready["bucket"],
            Key=f"incoming/policies/{server}.yaml",
            Body=policy.encode("utf-8"),
        )
        return str(answer["VersionId"])

    def status(self, server: str) -> Status | None:
        """The status object of a server, None before there is one."""
        try:
            answer = self.aws("s3").get_object(
                Bucket=self.ready["bucket"], Key=f"status/{server}.json"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        status: Status = json.loads(answer["Body"].read())
        return status

    def uploaded(self, server: str, policy: str) -> Status:
        """Upload a policy and wait for what the activator says of that very upload."""
        version = self.upload(server, policy)

        def told() -> Status | None:
            status = self.status(server)
            return status if status and status["source_version"] == version else None

        return until(told, within=STATUS_SECONDS, what=f"a status for `{server}` {version}")

    def put_in_force(self, server: str, policy: str) -> Status:
        """Upload a sound policy and return when every gateway process must enforce it."""
        status = self.uploaded(server, policy)
        if status["state"] != "active":
            raise NotInTimeError(f"the policy was rejected: {status['faults']}")
        time.sleep(REFRESH_SECONDS)
        return status


def until(look: Callable[[], T | None], *, within: float, what: str) -> T:
    """Look again and again until there is something to see.

    Raises:
        NotInTimeError: there was nothing to see within `within` seconds.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        seen = look()
        if seen is not None:
            return seen
        time.sleep(POLL_SECONDS)
    raise NotInTimeError(f"no {what} within {within} s")
