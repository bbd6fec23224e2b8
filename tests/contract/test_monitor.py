"""What the monitor sees of a deployment, and that it never writes a zero for what it cannot see."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.dynamodb_approvals import DynamoDBApprovalStore
from portcullis.adapters.monitor import Clients, Monitor, Watched
from portcullis.policy.model import Instant
from support.approval_records import make_question, make_record
from support.aws_faults import FAULTS
from support.engines import create_state_table

BUCKET = "policies"
DAY_SECONDS = 86_400


@dataclass
class Deployment:
    """An emulated deployment."""

    clients: Clients
    watched: Watched
    now: Instant

    def look(self, **clients: Any) -> list[Any]:
        monitor = Monitor(replace(self.clients, **clients), self.watched)
        return json.loads(json.dumps(monitor.look(self.now)))  # type: ignore[no-any-return]

    def seen(self, **clients: Any) -> Any:
        """The line of the stack."""
        return self.look(**clients)[0]

    def put(self, key: str, tree: object) -> None:
        self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(tree))


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        sqs = boto3.client("sqs", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
        table = create_state_table(dynamodb)
        yield Deployment(
            clients=Clients(s3=s3, dynamodb=dynamodb, sqs=sqs),
            watched=Watched(stack="gate", bucket=BUCKET, table=table, dead_letters=queue),
            now=Instant(micros=int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1e6)),
        )


def ask(deployment: Deployment, number: int, *, asked_at: int) -> None:
    watched, clients = deployment.watched, deployment.clients
    store = DynamoDBApprovalStore(
        clients.dynamodb,
        watched.table,
        retention_seconds=DAY_SECONDS,
        clock=lambda: deployment.now,
    )
    record = make_record(id=f"{number:032x}", asked_at=asked_at, expires_at=asked_at + DAY_SECONDS)
    question = make_question(record)
    assert store.create(replace(question, key=f"key-{number}", others=(), others_version=0))


def test_a_quiet_deployment_is_seen_to_be_quiet(deployment: Deployment) -> None:
    (line,) = deployment.look()
    shown = {name: line[name] for name in line if name[0].isupper()}
    assert shown == {
        "OpenApprovals": 0,
        "OldestApprovalAge": 0,
        "ActivePolicies": 0,
        "RejectedUploads": 0,
        "DeadLetters": 0,
        "MonitorFailures": 0,
    }
    assert (line["service"], line["failed"]) == ("gate", {})
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    assert {one["Name"] for one in directive["Metrics"]} == set(shown)
    assert line["_aws"]["Timestamp"] == deployment.now.micros // 1000


def test_requests_that_wait_are_counted_with_the_age_of_the_oldest(deployment: Deployment) -> None:
    now = deployment.now.micros // 1_000_000
    ask(deployment, 1, asked_at=now - 50)
    line = deployment.seen()
    assert (line["OpenApprovals"], line["OldestApprovalAge"]) == (1, 50)


def test_each_policy_in_force_has_an_age_of_its_own(deployment: Deployment) -> None:
    deployment.put("active/policies/mq.json", {})
    deployment.put("active/policies/iam.json", {})
    stack, *servers = deployment.look()
    assert stack["ActivePolicies"] == 2
    assert [line["Server"] for line in servers] == ["iam", "mq"]
    for line in servers:
        assert line["service"] == "gate"
        assert 3590 <= line["ActivePolicyAge"] <= 3600
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["service", "Server"]]


def test_an_upload_that_was_rejected_is_counted_until_a_sound_one_is_in_force(
    deployment: Deployment,
) -> None:
    deployment.put("status/mq.json", {"state": "rejected"})
    deployment.put("active/policies/iam.json", {})
    deployment.put("status/iam.json", {"state": "active"})
    assert deployment.seen()["RejectedUploads"] == 1
    deployment.put("active/policies/mq.json", {})
    deployment.put("status/mq.json", {"state": "active"})
    assert deployment.seen()["RejectedUploads"] == 0


def test_events_that_nobody_could_handle_are_counted(deployment: Deployment) -> None:
    clients, queue = deployment.clients, deployment.watched.dead_letters
    for _ in range(2):
        clients.sqs.send_message(QueueUrl=queue, MessageBody="{}")
    clients.sqs.receive_message(QueueUrl=queue)  # somebody looks at one
    assert deployment.seen()["DeadLetters"] == 2


class Failing:
    """A client whose calls of one operation fail."""

    def __init__(self, client: Any, operation: str, error: Exception) -> None:
        self._client, self._operation, self._error = client, operation, error

    def __getattr__(self, name: str) -> Any:
        if name != self._operation:
            return getattr(self._client, name)

        def fail(**_arguments: Any) -> Any:
            raise self._error

        return fail


UNSEEN = {
    ("dynamodb", "query"): {"OpenApprovals", "OldestApprovalAge"},
    ("s3", "list_objects_v2"): {"ActivePolicies", "RejectedUploads"},
    ("s3", "get_object"): {"RejectedUploads"},
    ("sqs", "get_queue_attributes"): {"DeadLetters"},
}
ALL = {one for names in UNSEEN.values() for one in names}


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(("service", "operation"), UNSEEN, ids=str)
def test_what_cannot_be_told_is_a_failure_and_never_a_zero(
    deployment: Deployment, service: str, operation: str, error: Exception
) -> None:
    deployment.put("status/mq.json", {"state": "rejected"})
    client = getattr(deployment.clients, service)
    line = deployment.seen(**{service: Failing(client, operation, error)})
    unseen = UNSEEN[service, operation]
    assert {name for name in ALL if name in line} == ALL - unseen
    assert line["MonitorFailures"] == len(line["failed"]) == (2 if "list" in operation else 1)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {one["Name"] for one in directive["Metrics"]} == ALL - unseen | {"MonitorFailures"}
    assert all(
        "no answer: " in told or "did not answer: " in told for told in line["failed"].values()
    )


def test_a_status_that_is_not_as_we_write_it_cannot_be_told(deployment: Deployment) -> None:
    trees: list[object] = [[], "x"]
    for tree in trees:
        deployment.put("status/mq.json", tree)
        line = deployment.seen()
        assert "RejectedUploads" not in line
        assert line["MonitorFailures"] == 1


def test_a_folder_of_more_than_a_page_cannot_be_told(deployment: Deployment) -> None:
    class Truncating:
        def list_objects_v2(self, **_arguments: Any) -> Any:
            return {"IsTruncated": True, "Contents": []}

    line = deployment.seen(s3=Truncating())
    assert line["failed"]["policies"] == "`active/policies/` holds more than 1000 objects"
    assert line["MonitorFailures"] == 2
