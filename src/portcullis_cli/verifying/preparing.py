"""What a run needs before it begins: tokens, and the canary's policy in force."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from portcullis_cli.policy.deployment import faults_of, read_status, write_upload
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


def people_of(around: Surroundings, tokens: Tokens) -> People:
    """Whose tokens the options name.

    Raises:
        CommandError: a file cannot be read, or there is no token at all.
    """

    def other(path: Path | None) -> str:
        return "" if path is None else find_token(path, around.environment)

    first = find_token(tokens.first, around.environment)
    return People(first=first, second=other(tokens.second), approver=other(tokens.approver))


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
    around: Surroundings, table: str, server: str, *, warn: Callable[[str], None]
) -> Iterator[People]:
    """People made for one run; their grants end with it, also where it fails.

    `warn` is told where one cannot be revoked: it then ends by itself.

    Raises:
        CommandError: the table does not answer.
    """
    with aws_answers():
        client = around.dynamodb()
    grants = TableGrants(around, client, table, secrets.token_hex(4))
    try:
        first = grants.make("first", server=server, seconds=_SECONDS)
        people = People(first=first, registrar=grants)
        second = grants.make("second", server=server, seconds=_SECONDS)
        yield replace(people, second=second, approver=grants.approver())
    finally:
        for token in grants.made:
            try:
                grants.revoke(token)
            except CommandError as error:
                warn(f"a grant of this run ends in {_SECONDS // 60} minutes only: {error}")


def is_in_force(client: Client, bucket: str, server: str, revision: str) -> bool:
    """Whether the canary's policy is in force, as the activator says.

    Raises:
        CommandError: the bucket does not answer, or the status cannot be understood.
    """
    status = read_status(client, bucket, server)
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
        status = read_status(client, bucket, server)
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
