"""Registrations in S3, put in force and read, each with the faults AWS can answer with.

moto stands in for S3. What it does not show: IAM, KMS denials, and S3's own consistency,
which AWS documents as strong for reads after writes.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.s3.models import s3_backends

from portcullis.adapters.s3_registrations import (
    MAXIMUM_UNKNOWN,
    S3Upstreams,
    active_server_key,
)
from portcullis.adapters.server_activation import (
    ATTEMPTS,
    ServerActivation,
    incoming_server_key,
    server_status_key,
)
from portcullis.errors import RegistrationUnavailableError
from portcullis.gateway.fingerprints import registration_digest
from portcullis.gateway.ports import Registered
from portcullis.policy.model import Instant
from portcullis.registration.model import Permits, Registration
from support.aws_faults import FAULTS, Failing
from support.gateway_in_memory import Echo

BUCKET = "policies"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mcp-AbCdEf"
PERMITS = Permits(secrets=frozenset({SECRET}), reserved=frozenset({"own"}))
GOOD = 'version: "1"\nurl: https://a.example.com/\n'
OTHER = 'version: "1"\nurl: https://b.example.com/\n'
REMOVED = 'version: "1"\nstate: removed\n'
BAD = 'version: "1"\nurl: http://a.example.com/\nera: old\n'


@pytest.fixture(scope="module")
def emulated_s3() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def s3(emulated_s3: Any) -> Any:
    """An empty versioned bucket; one emulator serves the module, for a client is slow to make."""
    for account in s3_backends.values():
        for backend in account.values():
            backend.reset()
    emulated_s3.create_bucket(Bucket=BUCKET)
    emulated_s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return emulated_s3


def at(seconds: float) -> Instant:
    return Instant(micros=int(seconds * 1_000_000))


def put(s3: Any, text: str, server: str = "new") -> str:
    stored = s3.put_object(Bucket=BUCKET, Key=incoming_server_key(server), Body=text.encode())
    return str(stored["VersionId"])


def activate(s3: Any, server: str = "new", permits: Permits = PERMITS) -> dict[str, Any]:
    activation = ServerActivation(s3, BUCKET, permits=permits)
    return activation.activate(server, now_seconds=1_795_443_000)


def upload(s3: Any, text: str, server: str = "new") -> dict[str, Any]:
    put(s3, text, server)
    return activate(s3, server)


def stored(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


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


# ---------------------------------------------------------------- activation


def test_a_sound_registration_is_put_in_force_and_told(s3: Any) -> None:
    version = put(s3, GOOD)
    status = activate(s3)
    active = stored(s3, active_server_key("new"))
    assert (
        status
        == stored(s3, server_status_key("new"))
        == {
            "server": "new",
            "source_version": version,
            "state": "active",
            "revision": active["revision"],
            "faults": [],
            "in_force": {"revision": active["revision"], "source_version": version},
            "checked_at": "2026-11-23T14:10:00Z",
        }
    )
    assert active["document"]["url"] == "https://a.example.com/"
    assert (active["server"], active["source_version"]) == ("new", version)


def test_a_faulty_registration_changes_nothing_and_every_fault_is_told(s3: Any) -> None:
    first = upload(s3, GOOD)
    status = upload(s3, BAD)
    assert (status["state"], status["revision"]) == ("rejected", None)
    assert [(fault["line"], fault["path"]) for fault in status["faults"]] == [
        (2, "url"), (3, "era"),
    ]  # fmt: skip
    assert status["in_force"] == first["in_force"]
    assert stored(s3, active_server_key("new"))["document"]["url"] == "https://a.example.com/"


def test_a_first_registration_that_is_faulty_leaves_nothing_in_force(s3: Any) -> None:
    assert upload(s3, BAD)["in_force"] is None


def test_a_server_ends_by_a_word_and_may_be_registered_again(s3: Any) -> None:
    upload(s3, GOOD)
    assert upload(s3, REMOVED)["state"] == "removed"
    assert servers(s3).find("new", now=at(0)) is None
    assert upload(s3, GOOD)["state"] == "active"
    assert servers(s3).find("new", now=at(0)) is not None


def test_an_upload_that_is_deleted_ends_no_server(s3: Any) -> None:
    upload(s3, GOOD)
    s3.delete_object(Bucket=BUCKET, Key=incoming_server_key("new"))
    with pytest.raises(RegistrationUnavailableError, match="no upload"):
        activate(s3)
    assert servers(s3).find("new", now=at(0)) is not None


def test_the_same_notice_twice_writes_once(s3: Any) -> None:
    first = upload(s3, GOOD)
    keys = (active_server_key("new"), server_status_key("new"))
    before = [s3.head_object(Bucket=BUCKET, Key=key)["VersionId"] for key in keys]
    assert activate(s3) == first
    assert [s3.head_object(Bucket=BUCKET, Key=key)["VersionId"] for key in keys] == before


def test_O09_an_older_upload_does_not_come_back_because_a_newer_one_was_deleted(s3: Any) -> None:
    put(s3, GOOD)
    newer = upload(s3, OTHER)
    active = stored(s3, active_server_key("new"))
    active["uploaded_at"] += 60  # S3 keeps times by the second, and this was quicker
    s3.put_object(Bucket=BUCKET, Key=active_server_key("new"), Body=dump(active))
    s3.delete_object(
        Bucket=BUCKET, Key=incoming_server_key("new"), VersionId=newer["source_version"]
    )
    status = activate(s3)
    assert (status["state"], status["faults"][0]["message"]) == (
        "rejected",
        "the upload is older than the one that is in force",
    )
    assert status["in_force"] == newer["in_force"]
    assert stored(s3, active_server_key("new"))["document"]["url"] == "https://b.example.com/"


def test_uploads_that_cannot_be_told_apart_are_refused(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=BUCKET, Key=incoming_server_key("new"), Body=GOOD.encode())
    status = activate(s3)
    assert status["state"] == "rejected"
    assert "no version id" in status["faults"][0]["message"]


def test_the_last_word_in_the_status_is_about_the_newest_upload(s3: Any) -> None:
    put(s3, BAD)
    status = activate(Racing(s3, lambda: upload(s3, OTHER), 1, folder="status/"))
    assert status == stored(s3, server_status_key("new"))
    assert status["state"] == "active"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"revision": 1}'])
def test_an_active_object_nobody_can_read_is_replaced(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=active_server_key("new"), Body=body)
    assert upload(s3, BAD)["in_force"] is None
    assert upload(s3, GOOD)["state"] == "active"
    assert servers(s3).find("new", now=at(0)) is not None


class Racing:
    """A client before whose first conditional write another activator is faster."""

    def __init__(
        self, client: Any, meanwhile: Callable[[], object], times: int, folder: str = "active/"
    ) -> None:
        self._client, self._meanwhile, self._left = client, meanwhile, times
        self._folder = folder

    def get_object(self, **arguments: Any) -> Any:
        return self._client.get_object(**arguments)

    def put_object(self, **arguments: Any) -> Any:
        if self._left and arguments["Key"].startswith(self._folder):
            self._left -= 1
            self._meanwhile()
        return self._client.put_object(**arguments)


def test_O09_of_two_activators_at_once_the_newest_upload_wins(s3: Any) -> None:
    put(s3, GOOD)
    status = activate(Racing(s3, lambda: upload(s3, OTHER), 1))
    assert status["state"] == "active"
    assert stored(s3, active_server_key("new"))["document"]["url"] == "https://b.example.com/"
    assert status["in_force"]["revision"] == stored(s3, active_server_key("new"))["revision"]


def test_a_race_that_is_never_won_is_told_as_such(s3: Any) -> None:
    put(s3, GOOD)
    moved = iter(range(10_000))

    def meanwhile() -> None:
        text = json.dumps({"revision": str(next(moved)), "source_version": "v"})
        s3.put_object(Bucket=BUCKET, Key=active_server_key("new"), Body=text.encode())

    with pytest.raises(RegistrationUnavailableError, match="keep changing"):
        activate(Racing(s3, meanwhile, ATTEMPTS))


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(
    ("operation", "nth"),
    [("get_object", 0), ("get_object", 1), ("get_object", 2), ("put_object", 0), ("put_object", 1)],
)
def test_an_activation_that_meets_a_fault_fails_and_never_half_tells(
    s3: Any, error: Exception, operation: str, nth: int
) -> None:
    first = upload(s3, GOOD)
    put(s3, OTHER)
    with pytest.raises(RegistrationUnavailableError, match="did not answer"):
        activate(Failing(s3, operation, error, nth))
    assert stored(s3, server_status_key("new")) == first
    assert activate(s3)["state"] == "active"


# ---------------------------------------------------------------- reading


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


def dump(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree).encode()


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
