"""A deployment's bucket as a command finds it, and the activator when a test asks it to look."""

from collections.abc import Callable
from typing import Any

import boto3

from portcullis.activation.release import Answer, Release, Released
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.policy.lock_file import LockedTool, LockFile
from portcullis.strictjson import dump
from support.command_line import Ran, Terminal

KEY, ACTIVE, STATUS = incoming_key("gate"), active_key("gate"), "status/gate.json"
T = 1_800_000_000


def text(tool: str) -> str:
    return f'version: "1"\ndefault: deny\ntools:\n  {tool}: {{action: allow}}\n'


class Saying(Release):
    """Says one thing of every upload."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def decide(self, *_of: Any, **_more: Any) -> Answer:
        return self.answer


class World:
    """A deployment's bucket, and its activator when a test asks it to look."""

    def __init__(self, *, is_versioned: bool = True) -> None:
        self.s3: Any = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        if is_versioned:
            self.s3.put_bucket_versioning(
                Bucket="policies", VersioningConfiguration={"Status": "Enabled"}
            )
        self.terminal = Terminal(
            environment={"PORTCULLIS_BUCKET": "policies"}, s3=lambda: self.s3, sleep=self._sleep
        )
        self.on_look: Answer | None = None  # what the activator says while a command waits

    def _sleep(self, _seconds: float) -> None:
        if self.on_look is not None:
            self.look(T + 3600, self.on_look)

    @property
    def newest(self) -> str:
        return str(self.s3.head_object(Bucket="policies", Key=KEY)["VersionId"])

    def upload(self, body: str) -> str:
        answer = self.s3.put_object(Bucket="policies", Key=KEY, Body=body.encode())
        return str(answer.get("VersionId"))

    def activated(self, body: str, at: int, answer: Answer | None = None) -> str:
        version = self.upload(body)
        self.look(at, answer)
        return version

    def look(self, at: int, answer: Answer | None = None) -> Any:
        release = Saying(answer or Released())
        return PolicyActivation(self.s3, "policies", release=release).activate(
            "gate", now_seconds=at
        )

    def delete(self, key: str, version: str = "") -> None:
        which = {"VersionId": version} if version else {}
        self.s3.delete_object(Bucket="policies", Key=key, **which)

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="policies", Key=key, Body=body)

    def history(self, *more: str) -> Ran:
        return self.terminal.run("policy", "history", "gate", *more)

    def tree(self, *more: str) -> Any:
        return self.history("--json", *more).tree

    def became(self, *more: str) -> list[tuple[str, str]]:
        return [(one["version"], one["became"]) for one in self.tree(*more)["uploads"]]


def rollback(world: World, *more: str) -> Ran:
    return world.terminal.run("policy", "rollback", "gate", *more)


def agreed(world: World, *more: str) -> Ran:
    return rollback(world, "--yes", *more)


def uploads(world: World) -> int:
    return len(world.s3.list_object_versions(Bucket="policies", Prefix=KEY)["Versions"])


def newest_text(world: World) -> str:
    return str(world.s3.get_object(Bucket="policies", Key=KEY)["Body"].read().decode())


def lock_of(*tools: str) -> bytes:
    held = {
        one: LockedTool(category="read", definition={"name": one, "description": one})
        for one in tools
    }
    return dump(LockFile(server="gate", tools=held).tree())


class Meanwhile:
    """A client for which something happens just before an operation, once."""

    def __init__(self, client: Any, operation: str, happens: Callable[[], Any]) -> None:
        self._client, self._operation, self._happens = client, operation, happens

    def __getattr__(self, name: str) -> Any:
        if name == self._operation:
            self._operation = ""
            self._happens()
        return getattr(self._client, name)
