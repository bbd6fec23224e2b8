"""A gate in memory whose grants are in a table, whose policies are in a bucket, and its log."""

import json
from pathlib import Path
from typing import Any

import boto3
import httpx2

from portcullis.adapters.dynamodb_grants import kept_grants
from portcullis.adapters.kill_switch_object import KEY, NOTHING_STOPPED, read_order
from portcullis.gateway.ports import Stop
from support.command_line import NOW, Ran, Terminal
from support.engines import create_state_table
from support.verified_gateway import FIRST, SERVER, URL, MemoryLog, Passed, Seen, VerifiedGateway

INCOMING, STATUS = f"incoming/policies/{SERVER}.yaml", f"status/{SERVER}.json"


class Logs:
    """CloudWatch Logs, with what the gate in memory recorded; an empty page comes first."""

    def __init__(self, gateway: VerifiedGateway) -> None:
        self.log = MemoryLog(gateway)
        self.asked: list[Any] = []
        self.failure: Exception | None = None

    def filter_log_events(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        if "nextToken" not in asked:
            return {"events": [], "nextToken": "more"}
        return {"events": [{}] if self.log.holds(asked["filterPattern"].strip('"')) else []}


class Deployment:
    """A gate in memory whose grants are in a table, and whose policies are in a bucket."""

    def __init__(self, folder: Path) -> None:
        self.table = create_state_table(boto3.client("dynamodb"))
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="policies")
        self.s3.put_bucket_versioning(
            Bucket="policies", VersioningConfiguration={"Status": "Enabled"}
        )
        self.gateway = VerifiedGateway.on_account(self.table, "policies")
        self.s3.delete_object(Bucket="policies", Key=STATUS)
        self.by_the_table, self.gateway.find = self.gateway.find, None
        self.terminal = Terminal(
            transport=self.gateway.transport, s3=lambda: self.s3, sleep=self._sleep
        )
        self.logs = Logs(self.gateway)
        self.terminal.services["logs"] = self.logs
        self.gateway.before = self._stopped_or
        self.told: Any = None  # what the activator says of the newest upload
        self.slept: list[float] = []
        self.folder = folder

    def run(self, *words: str, token: str = FIRST) -> Ran:
        return self.terminal.run("verify", URL, *words, token=token)

    def by_table(self, *words: str) -> Ran:
        self.gateway.find = self.by_the_table
        return self.run("--table", self.table, *words)

    def _stopped_or(self, seen: Seen, passed: Passed) -> httpx2.Response:
        """The gate reads the kill switch where the command writes it."""
        found = self.s3.list_objects_v2(Bucket="policies", Prefix=KEY).get("Contents")
        body = self.s3.get_object(Bucket="policies", Key=KEY)["Body"].read() if found else b"{}"
        order = read_order(body) if found else NOTHING_STOPPED
        self.gateway.world.kill_switch.stops = {one: Stop() for one in order.servers}
        return passed(seen)

    def put_status(self, status: Any) -> None:
        body = status if isinstance(status, bytes) else json.dumps(status).encode()
        self.s3.put_object(Bucket="policies", Key=STATUS, Body=body)

    def file(self, token: str) -> str:
        path = self.folder / token
        path.write_text(token)
        return str(path)

    def live(self) -> list[str]:
        kept = kept_grants(boto3.client("dynamodb"), self.table)
        return [one.grant.name for one in kept if one.is_live(now_seconds=NOW)]

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.told is not None:
            newest = self.s3.head_object(Bucket="policies", Key=INCOMING)["VersionId"]
            self.put_status({**self.told, "source_version": newest})


def states(ran: Ran) -> dict[str, str]:
    """What was told of each guarantee."""
    (line,) = ran.stdout.splitlines()
    return {one["id"]: one["state"] for one in json.loads(line)["results"]}
