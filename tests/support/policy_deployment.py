"""A deployment's bucket, and what its activator says of the upload that a command waits for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from portcullis.activation.release import Upload
from portcullis.adapters.active_object import envelope
from portcullis.adapters.s3_activation import lock_key
from portcullis.adapters.s3_policies import active_key
from portcullis.policy.policy_text import parse_policy
from portcullis.strictjson import dump
from support.command_line import Ran, Terminal

KEY = "incoming/policies/gate.yaml"
SOUND = 'version: "1"\ndefault: deny\n'


class Deployment:
    """A deployment's bucket; `told` is what the activator says of the next look's upload."""

    def __init__(self, folder: Path) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        self.s3.put_bucket_versioning(
            Bucket="policies", VersioningConfiguration={"Status": "Enabled"}
        )
        self.file = folder / "gate.yaml"
        self.file.write_text(SOUND)
        self.terminal = Terminal(
            environment={"PORTCULLIS_BUCKET": "policies"}, s3=lambda: self.s3, sleep=self._sleep
        )
        self.slept = 0
        self.told: Callable[[str], Any] | None = None

    def _sleep(self, _seconds: float) -> None:
        self.slept += 1
        if self.told is not None:
            status = self.told(self.newest)
            body = status if isinstance(status, bytes) else json.dumps(status).encode()
            self.s3.put_object(Bucket="policies", Key="status/gate.json", Body=body)

    @property
    def newest(self) -> str:
        return str(self.s3.head_object(Bucket="policies", Key=KEY)["VersionId"])

    @property
    def uploads(self) -> int:
        listed = self.s3.list_object_versions(Bucket="policies", Prefix=KEY)
        return len(listed.get("Versions", ()))

    def upload(self, text: str) -> str:
        answer = self.s3.put_object(Bucket="policies", Key=KEY, Body=text.encode())
        return str(answer["VersionId"])

    def lock(self, body: bytes) -> None:
        self.s3.put_object(Bucket="policies", Key=lock_key("gate"), Body=body)

    def in_force(self, facts: Any) -> None:
        """Put an earlier policy in force, with the facts of its release, or some other object."""
        upload = Upload(server="gate", version="1", uploaded_at=0, body=b"")
        policy = parse_policy(SOUND).policy
        is_facts = isinstance(facts, dict)
        body = dump(envelope(upload, policy, facts, now_seconds=0)[0]) if is_facts else facts
        self.s3.put_object(Bucket="policies", Key=active_key("gate"), Body=body)

    def push(self, *more: str) -> Ran:
        return self.terminal.run("policy", "push", str(self.file), *more)

    def pull(self, *more: str) -> Ran:
        return self.terminal.run("policy", "pull", "gate", *more)


def active(version: str) -> Any:
    return {"state": "active", "source_version": version, "revision": "sha256:1", "faults": []}
