"""Registrations in S3, as the gateway reads them, each with the faults AWS can answer with.

moto stands in for S3. What it does not show: IAM, KMS denials, and S3's own consistency,
which AWS documents as strong for reads after writes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.s3_registrations import (
    MAXIMUM_UNKNOWN,
    S3Upstreams,
    active_server_key,
)
from portcullis.errors import RegistrationUnavailableError
from portcullis.gateway.fingerprints import registration_digest
from portcullis.gateway.ports import Registered
from portcullis.policy.model import Instant
from portcullis.registration.model import Permits, Registration
from support.aws_faults import FAULTS, Failing
from support.gateway_in_memory import Echo
from support.server_uploads import (
    BUCKET,
    GOOD,
    OTHER,
    PERMITS,
    REMOVED,
    SECRET,
    dump,
    empty,
    stored,
    upload,
)


@pytest.fixture(scope="module")
def emulated_s3() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def s3(emulated_s3: Any) -> Any:
    """An empty versioned bucket; one emulator serves the module, for a client is slow to make."""
    empty(emulated_s3)
    return emulated_s3


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * 1_000_000))


def make(server: str, registration: Registration) -> Registered:
    return Registered(
        server=server,
        upstream=Echo(),
        digest=registration_digest(registration.binding),
        timeout_seconds=5,
    )


OWN = Registered(server="own", upstream=Echo(), digest="own", timeout_seconds=5)


def servers(s3: Any, permits: Permits = PERMITS) -> S3Upstreams:
    return S3Upstreams(
        s3,
        BUCKET,
        own=[OWN],
        permits=permits,
        make=make,
        refresh_seconds=10,
        max_age_seconds=100,
        spawn=lambda work: work(),
    )


class Counting:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.calls += 1
        called: Callable[..., Any] = getattr(self._client, name)
        return called


def test_a_server_that_is_registered_while_the_gateway_runs_is_served_after_the_refresh(
    s3: Any,
) -> None:
    store = servers(s3)
    assert store.find("new", now=at(0)) is None
    upload(s3, GOOD)
    assert store.find("new", now=at(4)) is None
    found = store.find("new", now=at(10))
    assert found is not None
    upload(s3, OTHER)
    changed = store.find("new", now=at(20))
    assert changed is not None
    assert changed.digest != found.digest


def test_a_server_that_was_removed_is_gone_after_the_refresh(s3: Any) -> None:
    upload(s3, GOOD)
    store = servers(s3)
    assert store.find("new", now=at(0)) is not None
    upload(s3, REMOVED)
    assert store.find("new", now=at(10)) is None


def test_the_deployments_own_servers_are_never_looked_up(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=active_server_key("own"), Body=b"{")
    counting = Counting(s3)
    assert servers(counting).find("own", now=at(0)) is OWN
    assert counting.calls == 0


def test_a_warm_environment_asks_the_bucket_nothing_between_refreshes(s3: Any) -> None:
    upload(s3, GOOD)
    counting = Counting(s3)
    store = servers(counting)
    first = store.find("new", now=at(0))
    assert counting.calls == 1
    assert [store.find("new", now=at(seconds)) for seconds in (1, 3, 4)] == [first] * 3
    assert counting.calls == 1
    assert store.find("new", now=at(6)) is first, "unchanged: the same object"
    assert counting.calls == 2


@pytest.mark.parametrize("server", ["", "A", "a/b", "../x", "a" * 65, "a.b", "é", "-a", "a\n"])
def test_what_is_no_name_is_no_key_of_the_bucket(s3: Any, server: str) -> None:
    counting = Counting(s3)
    assert servers(counting).find(server, now=at(0)) is None
    assert counting.calls == 0


def test_names_nobody_registered_cost_a_read_now_and_then_and_bounded_memory(s3: Any) -> None:
    upload(s3, GOOD)
    counting = Counting(s3)
    store = servers(counting)
    assert store.find("new", now=at(0)) is not None
    for number in range(MAXIMUM_UNKNOWN + 50):
        assert store.find(f"x{number}", now=at(1)) is None
    assert len(store._unknown) == MAXIMUM_UNKNOWN
    before = counting.calls
    assert store.find(f"x{MAXIMUM_UNKNOWN}", now=at(2)) is None
    assert store.find("new", now=at(2)) is not None
    assert counting.calls == before, "a flood of names pushes out no server"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"[]",
        lambda envelope: dump({**envelope, "server": "other"}),
        lambda envelope: dump({**envelope, "revision": "sha256:00"}),
        lambda envelope: dump({**envelope, "document": None}),
        lambda envelope: dump(
            {**envelope, "document": {**envelope["document"], "url": "https://evil.example/"}}
        ),
        lambda envelope: dump(
            {**envelope, "document": {**envelope["document"], "url": "https://10.0.0.1/"}}
        ),
        lambda envelope: dump(envelope) + b" " * (1 << 20),
    ],
    ids=[
        "empty", "list", "another server's", "wrong digest", "no document", "changed", "private",
        "too large",
    ],
)  # fmt: skip
def test_O20_the_gateway_trusts_nothing_it_did_not_verify(
    s3: Any, change: Callable[[Any], bytes]
) -> None:
    upload(s3, GOOD)
    changed = change(stored(s3, active_server_key("new")))
    s3.put_object(Bucket=BUCKET, Key=active_server_key("new"), Body=changed)
    with pytest.raises(RegistrationUnavailableError):
        servers(s3).find("new", now=at(0))


def test_what_the_deployment_no_longer_permits_is_not_served(s3: Any) -> None:
    assert upload(s3, f"{GOOD}credential: {{secret: {SECRET}}}\n")["state"] == "active"
    assert servers(s3).find("new", now=at(0)) is not None
    with pytest.raises(RegistrationUnavailableError, match="not valid"):
        servers(s3, replace(PERMITS, secrets=frozenset())).find("new", now=at(0))


@pytest.mark.parametrize("error", FAULTS)
def test_P01_where_the_bucket_does_not_answer_it_cannot_be_told(s3: Any, error: Exception) -> None:
    upload(s3, GOOD)
    counting = Counting(Failing(s3, "get_object", error))
    store = servers(counting)
    for _ in range(3):
        with pytest.raises(RegistrationUnavailableError):
            store.find("new", now=at(0))
    assert counting.calls == 1, "a bucket that fails is asked once a second"


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("server", ["new", "nobody"])
def test_P01_a_warm_environment_keeps_what_it_knows_until_that_is_too_old(
    s3: Any, error: Exception, server: str
) -> None:
    upload(s3, GOOD)
    store = servers(Failing(s3, "get_object", error, nth=1))
    first = store.find(server, now=at(0))
    assert (first is None) is (server == "nobody")
    assert store.find(server, now=at(50)) is first
    with pytest.raises(RegistrationUnavailableError, match="too old"):
        store.find(server, now=at(150))
