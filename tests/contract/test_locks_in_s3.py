"""A policy and its lock come into force together, or not at all.

moto stands in for S3, as in `test_policies_in_s3`.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.s3.models import s3_backends

from portcullis.adapters.s3_activation import PolicyActivation, incoming_key, lock_key
from portcullis.adapters.s3_policies import S3PolicyStore, active_key
from portcullis.errors import PolicyUnavailableError
from portcullis.policy.lock_file import LockedTool, LockFile
from portcullis.policy.model import Instant, Policy
from portcullis.strictjson import dump
from support.aws_faults import FAULTS, Failing

BUCKET = "policies"
POLICY = 'version: "1"\ndefault: deny\ncategories:\n  read: {action: allow}\n'
PLAIN = 'version: "1"\ndefault: deny\n'
KEY, LOCK = incoming_key("mq"), lock_key("mq")


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def lock(description: str = "Gets.", server: str = "mq", category: str = "read") -> bytes:
    tool = LockedTool(category=category, definition={"name": "get", "description": description})
    return dump(LockFile(server=server, tools={"get": tool}).tree())


def put(s3: Any, key: str, body: bytes | str, second: int) -> str:
    """Upload at a second of the day; answer the version id."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=body if isinstance(body, bytes) else body.encode())
    newest = s3_backends[ACCOUNT]["aws"].buckets[BUCKET].keys.getlist(key)[-1]
    newest.last_modified = datetime(2026, 11, 23, 12, 0, second)  # noqa: DTZ001 - as moto keeps it
    return str(newest.version_id)


def look(s3: Any, **seen: str) -> dict[str, Any]:
    return dict(PolicyActivation(s3, BUCKET).activate("mq", now_seconds=0, **seen))


def in_force(s3: Any) -> Policy:
    store = S3PolicyStore(s3, BUCKET, refresh_seconds=1, max_age_seconds=9)
    return store.current("mq", now=Instant(micros=0))


def stored(s3: Any) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=active_key("mq"))["Body"].read())


def test_both_become_one_object_with_one_revision(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    version = put(s3, LOCK, lock(), 2)
    status = look(s3, seen_lock=version)
    assert status["state"] == "active"
    assert status["lock"]["source_version"] == version
    assert status["in_force"]["lock"] == status["lock"]
    held = in_force(s3)
    assert held.lock is not None
    assert held.revision == stored(s3)["revision"] == status["revision"]
    assert b"Gets" not in dump(stored(s3))


def test_a_policy_without_a_lock_has_the_object_it_always_had(s3: Any) -> None:
    put(s3, KEY, PLAIN, 1)
    assert look(s3)["lock"] is None
    assert set(stored(s3)) == {
        "format", "server", "source_version", "uploaded_at", "activated_at", "revision",
        "release", "document",
    }  # fmt: skip


def test_a_new_lock_is_a_new_revision_of_the_same_policy(s3: Any) -> None:
    source = put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)
    first = look(s3)
    again = look(s3, seen_lock=put(s3, LOCK, lock("Gets all."), 3))
    assert again["state"] == "active"
    assert first["source_version"] == again["source_version"] == source
    assert again["revision"] != first["revision"]
    assert in_force(s3).revision == again["revision"]


def test_the_same_notice_again_writes_nothing(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    version = put(s3, LOCK, lock(), 2)
    first = look(s3, seen_lock=version)
    before = s3.head_object(Bucket=BUCKET, Key=active_key("mq"))["ETag"]
    assert look(s3, seen_lock=version) == first
    assert s3.head_object(Bucket=BUCKET, Key=active_key("mq"))["ETag"] == before


def test_categories_without_a_lock_are_told_how_to_get_one(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    (fault,) = look(s3)["faults"]
    assert (fault["path"], fault["line"]) == ("categories", 3)
    assert "portcullis lock" in fault["suggestion"]


def test_O16_the_faults_of_both_are_told_and_the_pair_in_force_stays(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)
    first = look(s3)
    put(s3, KEY, POLICY + "oops: 1\n", 3)
    put(s3, LOCK, lock(server="iam"), 4)
    status = look(s3)
    assert status["state"] == "rejected"
    assert {fault["path"] for fault in status["faults"]} == {"oops", "lock.server"}
    assert status["in_force"] == first["in_force"]


@pytest.mark.parametrize("body", [b"{}", b"no json", lock(category="reads")])
def test_O16_a_faulty_lock_keeps_a_sound_policy_back(s3: Any, body: bytes) -> None:
    put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)
    first = look(s3)
    put(s3, KEY, PLAIN, 3)
    put(s3, LOCK, body, 4)
    status = look(s3)
    assert all(fault["path"].startswith("lock") for fault in status["faults"])
    assert status["faults"]
    assert status["in_force"] == first["in_force"]
    put(s3, LOCK, lock(), 5)
    assert look(s3)["state"] == "active"


def test_a_lock_alone_waits_for_a_policy(s3: Any) -> None:
    assert look(s3, seen_lock=put(s3, LOCK, lock(), 1)) == {"state": "ignored"}
    put(s3, KEY, POLICY, 2)
    assert look(s3)["state"] == "active"


def test_O17_a_lock_that_was_deleted_or_is_older_keeps_the_pair_in_force(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)
    newest = put(s3, LOCK, lock("Gets all."), 3)
    first = look(s3)
    s3.delete_object(Bucket=BUCKET, Key=LOCK, VersionId=newest)
    (fault,) = look(s3)["faults"]
    assert fault["path"] == "lock"
    assert "older" in fault["message"]
    s3.delete_object(Bucket=BUCKET, Key=LOCK)
    put(s3, KEY, PLAIN, 4)
    status = look(s3)
    assert [one["message"] for one in status["faults"]] == ["the lock that is in force was deleted"]
    assert status["in_force"] == first["in_force"]


def test_a_lock_without_a_version_is_refused(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)

    class Unversioned:
        """Shows the lock as one from a time without versions."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def get_object(self, **arguments: Any) -> Any:
            answer = dict(s3.get_object(**arguments))
            if arguments["Key"] == LOCK:
                del answer["VersionId"]
            return answer

    status = dict(PolicyActivation(Unversioned(), BUCKET).activate("mq", now_seconds=0))
    faults: Any = status["faults"]
    assert [one["path"] for one in faults] == ["lock"]
    assert "versioning" in faults[0]["suggestion"]


def test_an_active_object_with_a_lock_from_nowhere_is_replaced(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    put(s3, LOCK, lock(), 2)
    look(s3)
    tree = stored(s3)
    del tree["lock"]
    s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=dump(tree))
    put(s3, KEY, POLICY + "# again\n", 3)
    assert look(s3)["in_force"]["lock"] is not None
    assert stored(s3)["lock"]["source_version"]


@pytest.mark.parametrize("error", FAULTS)
def test_a_lock_that_cannot_be_read_is_not_taken_for_none(s3: Any, error: Exception) -> None:
    put(s3, KEY, PLAIN, 1)
    put(s3, LOCK, lock(), 2)

    class Unreadable(Failing):
        """Fails at the lock alone."""

        def __getattr__(self, name: str) -> Any:
            found, usual = super().__getattr__(name), getattr(s3, name)
            if name != "get_object":
                return usual
            return lambda **told: (found if told["Key"] == LOCK else usual)(**told)

    with pytest.raises(PolicyUnavailableError):
        PolicyActivation(Unreadable(s3, "get_object", error), BUCKET).activate("mq", now_seconds=0)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="active/")


def test_O20_a_lock_that_s3_tells_of_and_does_not_show_yet_is_waited_for(s3: Any) -> None:
    put(s3, KEY, POLICY, 1)
    old = put(s3, LOCK, lock(), 2)
    new = put(s3, LOCK, lock("Gets all."), 3)

    class Behind:
        """Shows an earlier version than the newest."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def get_object(self, **arguments: Any) -> Any:
            if arguments["Key"] == LOCK:
                arguments["VersionId"] = old
            return s3.get_object(**arguments)

    with pytest.raises(PolicyUnavailableError):
        PolicyActivation(Behind(), BUCKET).activate("mq", now_seconds=0, seen_lock=new)
