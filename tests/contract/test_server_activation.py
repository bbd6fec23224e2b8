"""Uploaded registrations put in force, each step with the faults AWS can answer with."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.s3_registrations import active_server_key, read_registration
from portcullis.adapters.server_activation import (
    ATTEMPTS,
    incoming_server_key,
    server_status_key,
)
from portcullis.errors import RegistrationUnavailableError
from portcullis.registration.model import Registration
from support.aws_faults import FAULTS, Failing
from support.server_uploads import (
    BAD,
    BUCKET,
    GOOD,
    OTHER,
    PERMITS,
    REMOVED,
    activate,
    dump,
    empty,
    put,
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


def in_force(s3: Any) -> Registration | None:
    """What the gateway would read; None where the server was removed."""
    body = s3.get_object(Bucket=BUCKET, Key=active_server_key("new"))["Body"].read()
    registration = read_registration("new", body, permits=PERMITS)
    return None if registration.is_removed else registration


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
    assert in_force(s3) is None
    assert upload(s3, GOOD)["state"] == "active"
    assert in_force(s3) is not None


def test_an_upload_that_is_deleted_ends_no_server(s3: Any) -> None:
    upload(s3, GOOD)
    s3.delete_object(Bucket=BUCKET, Key=incoming_server_key("new"))
    with pytest.raises(RegistrationUnavailableError, match="no upload"):
        activate(s3)
    assert in_force(s3) is not None


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
    assert in_force(s3) is not None


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
