"""Operators hear of policies by SNS and EventBridge, and a channel that fails changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.activation import notices
from portcullis.activation.notices import NoNotices
from portcullis.adapters.operator_notices import OperatorNotices
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from support.aws_faults import FAULTS

BUCKET = "policies"
SECRET = "hunter2"
GOOD = f'version: "1"\ndefault: deny\ndescription: {SECRET}\n'
WIDER = f'version: "1"\ndefault: allow\ndescription: {SECRET}\n'
BAD = f'version: "1"\ndefault: deny\ntools: {{{SECRET}: {{action: {SECRET}}}}}\n'


class Channels:
    """Both clients in one; keeps what was sent, and fails where it is told to."""

    def __init__(self, failing: str = "", error: Exception | None = None, refused: int = 0) -> None:
        self._failing, self._error, self._refused = failing, error, refused
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    def publish(self, **arguments: Any) -> dict[str, Any]:
        self._fail("publish")
        self.messages.append(arguments)
        return {}

    def put_events(self, **arguments: Any) -> dict[str, Any]:
        self._fail("put_events")
        self.events += arguments["Entries"]
        return {"FailedEntryCount": self._refused, "Entries": [{"ErrorCode": "Internal"}]}

    def _fail(self, name: str) -> None:
        if name == self._failing and self._error is not None:
            raise self._error


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def activated(s3: Any, text: str, channels: Channels, logged: list[str]) -> dict[str, Any]:
    s3.put_object(Bucket=BUCKET, Key=incoming_key("mq"), Body=text.encode())
    told = OperatorNotices(channels, channels, topic="arn", warn=logged.append)
    return dict(PolicyActivation(s3, BUCKET, notices=told).activate("mq", now_seconds=0))


def test_an_activation_is_told_to_people_and_machines(s3: Any) -> None:
    channels = Channels()
    status = activated(s3, GOOD, channels, [])
    (message,), (event,) = channels.messages, channels.events
    assert (message["TopicArn"], message["Subject"]) == ("arn", "Policy Activated: mq")
    assert status["revision"] in message["Message"]
    assert (event["Source"], event["DetailType"]) == ("portcullis", "Policy Activated")
    assert json.loads(event["Detail"]) == {
        "server": "mq",
        "state": "active",
        "sourceVersion": status["source_version"],
        "revision": status["revision"],
        "faults": 0,
        "warnings": 0,
        "inForce": status["revision"],
        "earlier": False,
        "checkedAt": "1970-01-01T00:00:00Z",
    }


def test_a_rejection_is_told_with_the_number_of_faults_and_none_of_their_words(s3: Any) -> None:
    channels = Channels()
    status = activated(s3, BAD, channels, [])
    assert SECRET in json.dumps(status)  # for those who may read the bucket
    (message,), (event,) = channels.messages, channels.events
    assert event["DetailType"] == "Policy Rejected"
    assert json.loads(event["Detail"])["faults"] == len(status["faults"]) > 0
    assert "In force: nothing, so every call is denied" in message["Message"]
    assert f"Faults: {len(status['faults'])}" in message["Message"]
    assert SECRET not in json.dumps([channels.messages, channels.events])


def test_going_back_is_told(s3: Any) -> None:
    channels = Channels()
    for text in (GOOD, WIDER, GOOD + "# back\n"):
        activated(s3, text, channels, [])
    told = [message["Message"] for message in channels.messages]
    assert ["went back" in text for text in told] == [False, False, True]
    assert "Warnings: 1" in told[1]
    assert SECRET not in json.dumps(told)


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("failing", ["publish", "put_events"])
def test_a_channel_that_fails_is_logged_and_the_other_one_still_told(
    s3: Any, failing: str, error: Exception
) -> None:
    channels, logged = Channels(failing, error), list[str]()
    assert activated(s3, GOOD, channels, logged)["state"] == "active"
    assert len(logged) == 1
    assert "did not take a notice" in logged[0]
    assert len(channels.messages) + len(channels.events) == 1


def test_an_event_that_the_bus_refuses_is_logged(s3: Any) -> None:
    logged: list[str] = []
    activated(s3, GOOD, Channels(refused=1), logged)
    assert logged == ["the event bus did not take a notice of a policy: Internal"]


def test_every_state_has_its_words(s3: Any) -> None:
    status = activated(s3, GOOD, Channels(), [])
    for state, detail_type in notices.DETAIL_TYPES.items():
        told = {**status, "state": state}
        assert notices.subject(told) == f"{detail_type}: mq"
        assert notices.text(told).isascii()
        assert len(notices.subject({**told, "server": "x" * 64})) <= 100
    NoNotices().tell(status)
