"""What a run needs before it begins: tokens, and the canary's policy in force."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from portcullis.activation.status import ACTIVE
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.dynamodb_grants import Role, create_grant, revoke_grant, token_digest
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject
from portcullis_cli.connection import find_token
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.policy.deployment import faults_of, find_status, write_upload
from portcullis_cli.stack import outputs_of
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.verifying.scene import People, Registrar

POLICY: Final = files("portcullis_cli.verifying") / "data" / "canary.yaml"
APPROVERS: Final = "canary-approvers"
_AGENT: Final = "portcullis-verify"
_SECONDS: Final = 900  # longer than any run
_LOOKS: Final = 60


def policy_text() -> bytes:
    """The canary's policy."""
    return POLICY.read_bytes()


def policy_revision() -> str:
    """The revision that the canary's policy has once it is in force."""
    return parse_policy(policy_text().decode()).policy.revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Files with tokens; None: nobody's, but for the first, which may be in the environment."""

    first: Path | None = None
    second: Path | None = None
    approver: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Things of the deployment, as options or the stack name them; empty: nobody named it."""

    table: str = ""
    bucket: str = ""
    log_group: str = ""

    def completed(self, around: Surroundings, stack: str) -> "Named":
        """With what is missing from the stack, where one is named.

        Raises:
            CommandError: there is no such stack, or CloudFormation does not answer.
        """
        if not stack:
            return self
        outputs = outputs_of(around, stack)
        return Named(
            table=self.table or outputs.get("StateTableName", ""),
            bucket=self.bucket or outputs.get("PolicyBucketName", ""),
            log_group=self.log_group or _log_group(around, stack),
        )


def _log_group(around: Surroundings, stack: str) -> str:
    """The gateway's (CloudFormation API reference, DescribeStackResource)."""
    with aws_answers():
        answer = around.aws("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId="GatewayLogGroup"
        )
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


@dataclass(slots=True)
class TableGrants(Registrar):
    """Grants of one run in the deployment's table; every one of them is revoked at its end."""

    around: Surroundings
    client: Client
    table: str
    run: str
    made: list[str] = field(default_factory=list)

    def make(self, name: str, *, server: str, seconds: int) -> str:
        """See `Registrar.make`."""
        return self._made(name, server=server, seconds=seconds)

    def approver(self) -> str:
        """Make a grant of an approver of the canary's policy."""
        return self._made("approver", server="", seconds=_SECONDS)

    def revoke(self, token: str) -> None:
        """See `Registrar.revoke`."""
        with aws_answers():
            revoke_grant(
                self.client, self.table, token_digest(token), now_seconds=self.around.now()
            )

    def _made(self, name: str, *, server: str, seconds: int) -> str:
        # What has expired was made long enough ago to have.
        made_at = self.around.now() + min(0, seconds) * 2
        is_agent = bool(server)
        with aws_answers():
            token = create_grant(
                self.client,
                self.table,
                name=f"{_AGENT}-{self.run}-{name}",
                servers=[server] if is_agent else [],
                now_seconds=made_at,
                lifetime_seconds=abs(seconds),
                role=Role.AGENT.value if is_agent else Role.APPROVER.value,
                person=_AGENT if is_agent else f"{_AGENT}-approver",
                groups=[] if is_agent else [APPROVERS],
            )
        self.made.append(token)
        return token


@contextmanager
def granted(
    around: Surroundings, table: str, server: str, tokens: Tokens, *, tell: Callable[[str], None]
) -> Iterator[People]:
    """Who takes part: whose tokens were brought, the others made in the table for this run.

    Their grants end with the run, also where it fails; `tell` is told of it, and where one cannot
    be revoked: it then ends by itself.

    Raises:
        CommandError: a file cannot be read, the table does not answer, or there is no token at all.
    """

    def brought(path: Path | None) -> str:
        return "" if path is None else find_token(path, around.environment)

    second, approver = brought(tokens.second), brought(tokens.approver)
    first = find_token(tokens.first, around.environment) if tokens.first or not table else ""
    _require_apart(first, second, approver)
    if not table:
        yield People(first=first, second=second, approver=approver)
        return
    tell("making grants that end with this run")
    with aws_answers():
        client = around.dynamodb()
    grants = TableGrants(around, client, table, secrets.token_hex(4))
    try:
        first = first or grants.make("first", server=server, seconds=_SECONDS)
        second = second or grants.make("second", server=server, seconds=_SECONDS)
        approver = approver or grants.approver()
        yield People(first=first, second=second, approver=approver, registrar=grants)
    finally:
        for token in grants.made:
            try:
                grants.revoke(token)
            except CommandError as error:
                tell(f"a grant of this run ends in {_SECONDS // 60} minutes only: {error}")


def _require_apart(*tokens: str) -> None:
    """One who stands for two breaks every guarantee that keeps them apart."""
    named = [one for one in tokens if one]
    if len(set(named)) < len(named):
        raise usage_error("the two agents and the approver need a token each, not the same")


def is_in_force(client: Client, bucket: str, server: str, revision: str) -> bool:
    """Whether the canary's policy is in force, as the activator says.

    Raises:
        CommandError: the bucket does not answer, or the status cannot be understood.
    """
    status = find_status(client, bucket, server)
    held = None if status is None else status.get("in_force")
    return isinstance(held, dict) and held.get("revision") == revision


def install(around: Surroundings, client: Client, bucket: str, server: str) -> None:
    """Upload the canary's policy and wait until it is in force.

    Raises:
        CommandError: it was rejected, waits for somebody, or nobody looked at it in time.
    """
    version = write_upload(client, bucket, server, text=policy_text(), condition={})
    for _ in range(_LOOKS):
        around.sleep(1)
        status = find_status(client, bucket, server)
        if status is not None and status.get("source_version") == version:
            _require_active(status, server)
            return
    raise CommandError(
        ExitCode.WAITING,
        f"the policy of `{server}` was uploaded, and nobody has looked at it in time",
        code="not_looked_at",
    )


def _require_active(status: JsonObject, server: str) -> None:
    state = status.get("state")
    if state == ACTIVE:
        return
    if state == "waiting":
        raise CommandError(
            ExitCode.WAITING, f"the policy of `{server}` waits for people", code="waiting"
        )
    faults = faults_of(status, "faults")
    told = faults[0].message if faults else "it does not say why"
    raise unavailable(f"the policy of `{server}` was not put in force: {told}")


def require_name(server: str) -> str:
    """The canary's name, from its address.

    Raises:
        CommandError: the address is none of a server.
    """
    if not server:
        raise usage_error("the address is the canary's: `https://…/mcp/canary`")
    return server
