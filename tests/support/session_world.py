"""A deployment whose agents have sessions and have called, seen by its operator."""

from dataclasses import dataclass, field
from typing import Any

import boto3

from portcullis.adapters.dynamodb_counters import DynamoDBCounterStore
from portcullis.adapters.dynamodb_grants import ISSUER
from portcullis.adapters.dynamodb_sessions import DynamoDBSessionStore
from portcullis.gateway.ports import Reserved
from portcullis.policy.decision import Allow
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.policy_text import parse_policy
from support.command_line import NOW, Ran
from support.deployed_servers import Deployed
from support.engines import create_state_table
from support.grants import make_grant

BUILD = Principal(issuer=ISSUER, subject="build-agent")
PERSON = Principal(issuer="https://issuer.example", subject="anna")
SERVER = "aws-iam"
POLICY = """
version: "1"
default: deny
tools:
  list_things: {action: allow, rate_limit: {max: 3, window: 1h}}
  create_thing:
    rules:
      - name: some
        action: allow
        rate_limit: {max: 5, window: 90, per: principal, algorithm: fixed_window}
      - {name: trial, mode: shadow, rate_limit: {max: 1, window: 90, per: principal}}
  "*":
    rules:
      - {name: each, rate_limit: {max: 50, window: 1d, per: tool}}
      - {name: all, rate_limit: {max: 100, window: 1d, per: server}}
  put_user_policy: {spend_limit: {path: args.amount, max: 7.5, window: 2h, per: principal}}
"""


def instant(seconds: int = 0) -> Instant:
    return Instant(micros=(NOW + seconds) * 1_000_000)


@dataclass
class World:
    """A deployment whose agents have sessions and have called."""

    deployed: Deployed = field(default_factory=Deployed)
    is_governed: bool = True

    def __post_init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        self.table = create_state_table(self.dynamodb)
        self.store = DynamoDBSessionStore(self.dynamodb, self.table, cap=2, lifetime_seconds=3600)
        self.counters = DynamoDBCounterStore(self.dynamodb, self.table)
        self.terminal = self.deployed.terminal
        self.terminal.environment["PORTCULLIS_TABLE"] = self.table
        make_grant(self.table, name="build-agent")
        if self.is_governed:
            self.deployed.policy(SERVER, POLICY)
            self.deployed.tools(SERVER)

    def open(
        self,
        name: str,
        who: Principal = BUILD,
        *,
        ago: int = 60,
        bound: bool = True,
        at: str = SERVER,
    ) -> None:
        """Open a session as the gateway does."""
        where: dict[str, Any] = {
            "principal_key": who.key, "server": SERVER, "session_id": name, "now": instant(-ago),
        }  # fmt: skip
        self.store.open(**where)
        if bound:
            self.store.bind_upstream(**where, upstream_session="secret-of-the-server")

    def upstream(self, name: str) -> str | None:
        """What the gateway finds when a request comes with the session."""
        return self.store.upstream_session(
            principal_key=BUILD.key, server=SERVER, session_id=name, now=instant()
        )

    def call(self, tool: str, *, slot: int = 0, ago: int = 30, **arguments: Any) -> None:
        """Decide and count a call as the gateway does."""
        call = Call(
            server=SERVER, kind=Kind.TOOL, name=tool, arguments=arguments, principal=BUILD,
            session=f"slot-{slot}",
        )  # fmt: skip
        decision = evaluate(parse_policy(POLICY).policy, call, now=instant(-ago))
        assert isinstance(decision, Allow)
        reserved = self.counters.reserve(
            decision.obligations, server=SERVER, reservation_id=f"{tool}{slot}{ago}",
            now=instant(-ago),
        )  # fmt: skip
        assert isinstance(reserved, Reserved)

    def run(self, *words: str) -> Ran:
        """Run `portcullis sessions`."""
        return self.terminal.run("sessions", *words)

    def sessions(self, *words: str) -> list[Any]:
        """What `sessions list` tells a program."""
        found: list[Any] = self.run("list", "--json", *words).tree["sessions"]
        return found
