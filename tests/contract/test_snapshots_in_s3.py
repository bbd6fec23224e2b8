"""Tool lists in S3, each with the faults AWS can answer with; moto stands in for S3."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.s3_snapshots import S3SnapshotStore, snapshot_key
from portcullis.errors import SnapshotUnavailableError, UpstreamUncertainError
from portcullis.gateway.ports import Registered
from portcullis.policy.model import Instant
from support.aws_faults import FAULTS, Failing
from support.gateway_in_memory import Echo

BUCKET = "policies"
MQ = Registered(server="mq", upstream=Echo(), digest="d1", timeout_seconds=5)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * 1_000_000))


class Server:
    """Lists its tools, or fails to."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    def fetch(self, registered: Registered) -> dict[str, Any]:
        self.asked += 1
        if self.fails:
            raise UpstreamUncertainError("down")
        return {"t": {"name": "t", "of": registered.digest}}


def snapshots(s3: Any, server: Server, now: float, notices: list[str]) -> S3SnapshotStore:
    return S3SnapshotStore(
        s3,
        BUCKET,
        fetch=server.fetch,
        clock=lambda: at(now),
        refresh_seconds=10,
        max_age_seconds=100,
        notice=notices.append,
        spawn=lambda work: work(),
    )


def test_a_snapshot_is_fetched_once_and_shared_with_other_environments(s3: Any) -> None:
    server, notices = Server(), list[str]()
    first = snapshots(s3, server, 0, notices).current(MQ, now=at(0))
    second = snapshots(s3, server, 5, notices).current(MQ, now=at(5))
    assert first == second
    assert server.asked == 1
    assert snapshots(s3, server, 11, notices).current(MQ, now=at(11)).taken_at == 11


def test_a_server_that_does_not_answer_leaves_the_stored_list_until_it_is_too_old(s3: Any) -> None:
    server, notices = Server(), list[str]()
    snapshots(s3, server, 0, notices).current(MQ, now=at(0))
    server.fails = True
    assert snapshots(s3, server, 99, notices).current(MQ, now=at(99)).taken_at == 0
    with pytest.raises(SnapshotUnavailableError):
        snapshots(s3, server, 100, notices).current(MQ, now=at(100))


def test_a_stored_list_keeps_its_age_in_the_environment_that_took_it_over(s3: Any) -> None:
    server = Server()
    snapshots(s3, server, 0, []).current(MQ, now=at(0))
    server.fails = True
    second = snapshots(s3, server, 90, [])
    assert second.current(MQ, now=at(100)).taken_at == 0
    with pytest.raises(SnapshotUnavailableError, match="too old"):
        second.current(MQ, now=at(101))


def test_without_any_list_there_is_no_snapshot(s3: Any) -> None:
    server = Server()
    server.fails = True
    with pytest.raises(SnapshotUnavailableError):
        snapshots(s3, server, 0, []).current(MQ, now=at(0))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"server":1,"registration":"d1"}',
        b'{"server":"mq","registration":1}',
        b'{"server":"mq","registration":"d1","taken_at":"x"}',
    ],
)
def test_a_stored_list_nobody_can_read_is_fetched_again(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=snapshot_key("mq"), Body=body)
    assert snapshots(s3, Server(), 0, []).current(MQ, now=at(0)).tools["t"]


@pytest.mark.parametrize("error", FAULTS)
def test_a_snapshot_that_cannot_be_kept_or_read_is_fetched(s3: Any, error: Exception) -> None:
    server, notices = Server(), list[str]()
    failing = Failing(s3, "put_object", error)
    assert snapshots(failing, server, 0, notices).current(MQ, now=at(0)).tools
    assert len(notices) == 1
    failing = Failing(s3, "get_object", error)
    assert snapshots(failing, server, 0, notices).current(MQ, now=at(0)).tools
    assert server.asked == 2


def test_a_list_read_under_another_registration_is_not_this_servers(s3: Any) -> None:
    """A call is checked by the list of the server it goes to, not of the one that went before."""
    server = Server()
    store = snapshots(s3, server, 0, [])
    anew = replace(MQ, digest="d2")
    assert store.current(MQ, now=at(0)).tools["t"]["of"] == "d1"
    assert store.current(anew, now=at(1)).tools["t"]["of"] == "d2"
    server.fails = True
    with pytest.raises(SnapshotUnavailableError):
        store.current(MQ, now=at(2))
    assert snapshots(s3, server, 3, []).current(anew, now=at(3)).registration == "d2"
