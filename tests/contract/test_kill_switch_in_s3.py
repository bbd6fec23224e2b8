"""The kill switch in S3: what stops, how soon, and every way in which a read can go wrong."""

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from portcullis.adapters.kill_switch_object import KEY, MAXIMUM_BYTES
from portcullis.adapters.s3_kill_switch import S3KillSwitch
from portcullis.errors import KillSwitchUnavailableError
from portcullis.gateway.ports import Stop
from portcullis.policy.model import Instant
from support.aws_faults import FAULTS, Failing, fault

BUCKET = "policies"
REFRESH, MAX_AGE = 5, 60
STOP = b'{"stopped": true, "reason": "drill"}'


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * 1_000_000))


def kill_switch(s3: Any) -> S3KillSwitch:
    return S3KillSwitch(
        s3, BUCKET, refresh_seconds=REFRESH, max_age_seconds=MAX_AGE, spawn=lambda work: work()
    )


def write(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)


def test_without_an_object_nothing_is_stopped(s3: Any) -> None:
    assert kill_switch(s3).stop("mq", now=at(0)) is None


def test_a_word_holds_within_the_refresh_time_and_so_does_its_end(s3: Any) -> None:
    switch = kill_switch(s3)
    assert switch.stop("mq", now=at(0)) is None
    write(s3, STOP)
    assert switch.stop("mq", now=at(REFRESH)) == Stop(reason="drill")
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert switch.stop("mq", now=at(2 * REFRESH)) is None


def test_an_environment_that_stood_still_asks_before_it_lets_anything_through(s3: Any) -> None:
    switch = kill_switch(s3)
    assert switch.stop("mq", now=at(0)) is None
    write(s3, STOP)
    assert switch.stop("mq", now=at(3600)) == Stop(reason="drill")


def test_a_read_that_froze_half_way_counts_from_when_it_began(s3: Any) -> None:
    """A background read is frozen with its environment: its answer is as old as its question."""
    waiting: list[Any] = []
    switch = S3KillSwitch(
        s3, BUCKET, refresh_seconds=REFRESH, max_age_seconds=MAX_AGE, spawn=waiting.append
    )
    assert switch.stop("mq", now=at(0)) is None
    assert switch.stop("mq", now=at(4)) is None  # begins a read behind the call
    waiting.pop()()  # which ends an hour later, before the next call
    write(s3, STOP)
    assert switch.stop("mq", now=at(3600)) == Stop(reason="drill")


def test_only_the_servers_that_are_named_are_stopped(s3: Any) -> None:
    write(s3, b'{"servers": ["mq"]}')
    switch = kill_switch(s3)
    assert switch.stop("mq", now=at(0)) == Stop()
    assert switch.stop("iam", now=at(0)) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="malformed"),
        pytest.param(b'{"stopped": "no"}', id="a wrong type"),
        pytest.param(b'{"stopped": false}'.ljust(MAXIMUM_BYTES + 1), id="huge"),
        pytest.param(b" " * (1 << 20), id="a megabyte"),
    ],
)
def test_what_is_not_understood_stops_everything_at_once(s3: Any, body: bytes) -> None:
    write(s3, body)
    assert kill_switch(s3).stop("mq", now=at(0)) == Stop(is_readable=False)


@pytest.mark.parametrize("error", [*FAULTS, pytest.param(fault("NoSuchBucket"), id="no bucket")])
def test_P01_a_switch_that_was_never_read_stops(s3: Any, error: Exception) -> None:
    switch = kill_switch(Failing(s3, "get_object", error))
    with pytest.raises(KillSwitchUnavailableError):
        switch.stop("mq", now=at(0))


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("body,word", [(b'{"stopped": false}', None), (STOP, Stop(reason="drill"))])
def test_P01_the_last_word_holds_for_its_maximum_age_and_then_nothing_goes(
    s3: Any, error: Exception, body: bytes, word: Stop | None
) -> None:
    write(s3, body)
    switch = kill_switch(Failing(s3, "get_object", error, nth=1))
    assert switch.stop("mq", now=at(0)) == word
    assert switch.stop("mq", now=at(MAX_AGE)) == word
    with pytest.raises(KillSwitchUnavailableError):
        switch.stop("mq", now=at(MAX_AGE + 2))
    with pytest.raises(KillSwitchUnavailableError):
        switch.stop("mq", now=at(86_400))


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise ReadTimeoutError(endpoint_url="x")


def test_P01_a_body_that_stops_half_way_cannot_be_told() -> None:
    class Client:
        def get_object(self, **_arguments: Any) -> Any:
            return {"Body": Broken(), "ETag": '"x"'}

    with pytest.raises(KillSwitchUnavailableError):
        kill_switch(Client()).stop("mq", now=at(0))
