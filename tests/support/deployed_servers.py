"""The bucket of a deployment with servers of every kind, written by the activator's own code."""

from typing import Any, Final

import boto3

from portcullis.adapters.s3_activation import PolicyActivation, incoming_key, lock_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.adapters.server_activation import ServerActivation, incoming_server_key
from portcullis.gateway.fingerprints import registration_digest
from portcullis.registration.model import Permits
from portcullis.strictjson import dump
from portcullis.values import JsonObject
from support.command_line import NOW, SAMPLE, Terminal

BUCKET: Final = "policies"
SECRET: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tracker-AbCdEf"
FUNCTION: Final = "arn:aws:lambda:eu-west-1:123456789012:function:deployer:live"
PERMITS: Final = Permits(
    functions=frozenset({FUNCTION}), secrets=frozenset({SECRET}), reserved=frozenset({"amazon-mq"})
)
POLICY: Final = """
version: "1"
default: deny
hide: [delete_thing]
tools:
  list_things: {action: allow, rate_limit: {max: 100, window: 1h, per: principal}}
  create_thing:
    rules:
      - {name: some, action: allow, rate_limit: {max: 5, window: 90}}
      - name: no public ones
        action: deny
        when: [{path: args.publicly_accessible, op: eq, value: true}]
  put_user_policy: {action: require_approval, approval: {approvers: ["group:platform"]}}
"""
TRACKER: Final = f"""
version: "1"
description: Issues of the team
url: https://mcp.example.com/tracker?key=hunter2
credential: {{secret: "{SECRET}", scheme: Bearer}}
era: modern
timeout: 20s
"""


class Deployed:
    """A deployment's bucket, and a terminal of somebody who may read it."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.terminal = Terminal(environment={"PORTCULLIS_BUCKET": BUCKET}, s3=lambda: self.s3)

    def put(self, key: str, body: str | bytes) -> None:
        """Write an object."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def policy(self, server: str, text: str = POLICY, *, days_ago: int = 3) -> None:
        """Upload a policy, and look at it as the activator does."""
        self.put(incoming_key(server), text)
        self.activate(server, days_ago=days_ago)

    def lock(self, server: str, text: str) -> None:
        """Upload a lock, and look at it as the activator does."""
        self.put(lock_key(server), text)
        self.activate(server, days_ago=1)

    def activate(self, server: str, *, days_ago: int) -> None:
        """Put the newest upload of a server in force, where it is sound."""
        now = NOW - days_ago * 86400
        PolicyActivation(self.s3, BUCKET).activate(server, now_seconds=now)

    def register(self, server: str, text: str = TRACKER) -> None:
        """Upload a registration, and look at it as the activator does."""
        self.put(incoming_server_key(server), text)
        activation = ServerActivation(self.s3, BUCKET, permits=PERMITS)
        activation.activate(server, now_seconds=NOW - 5 * 86400)

    def tools(
        self, server: str, tools: Any = SAMPLE.tools, *, registration: Any = None, age: int = 7300
    ) -> None:
        """Store the tool list that the gateway read `age` seconds ago under a registration."""
        snapshot: JsonObject = {
            "server": server,
            "registration": registration_digest(registration or {}),
            "taken_at": NOW - age,
            "tools": {tool["name"]: tool for tool in tools},
        }
        self.put(snapshot_key(server), dump(snapshot))
