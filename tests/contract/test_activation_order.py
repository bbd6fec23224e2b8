"""Notices of uploads come late, twice and in any order; what is in force only goes forward.

moto stands in for S3. Its uploads get the times that a test sets, by the second as S3's
`Last-Modified` has it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.s3.models import s3_backends

from portcullis.activation.notices import Notices
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.errors import PolicyUnavailableError
from portcullis.values import JsonObject
from support.aws_faults import FAULTS

BUCKET = "policies"
A = 'version: "1"\ndefault: deny\ndescription: a\n'
B = 'version: "1"\ndefault: deny\ndescription: b\n'
BAD = 'version: "1"\ndefualt: deny\n'
KEY = incoming_key("mq")
STATUS = "status/mq.json"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


class Told(Notices):
    """Keeps what operators were told."""

    def __init__(self) -> None:
        self.states: list[object] = []

    def tell(self, status: JsonObject) -> None:
        self.states.append(status["state"])


def upload(s3: Any, text: str, second: int) -> str:
    """Upload at a second of the day; answer the version id."""
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=text.encode())
    return dated(second)


def dated(second: int) -> str:
    """Let the newest upload be one of a second of the day; answer its version id."""
    newest = s3_backends[ACCOUNT]["aws"].buckets[BUCKET].keys.getlist(KEY)[-1]
    newest.last_modified = datetime(2026, 11, 23, 12, 0, second)  # noqa: DTZ001 - as moto keeps it
    return str(newest.version_id)


def notice(s3: Any, version: str | None, now: int = 0, told: Told | None = None) -> dict[str, Any]:
    """What the activator does with a notice of one version."""
    activation = PolicyActivation(s3, BUCKET, notices=told or Told())
    return dict(activation.activate("mq", now_seconds=now, seen=version))


def stored(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def versions(s3: Any, key: str) -> int:
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix=key)
    return len(listed.get("Versions", []))


def test_a_notice_that_comes_again_writes_nothing_and_tells_nobody(s3: Any) -> None:
    told = Told()
    version = upload(s3, A, 1)
    first = notice(s3, version, 5, told)
    assert notice(s3, version, 9, told) == first
    assert told.states == ["active"]
    assert (versions(s3, active_key("mq")), versions(s3, STATUS)) == (1, 1)


def test_notices_in_the_wrong_order_end_at_the_newest_upload(s3: Any) -> None:
    first, second = upload(s3, A, 1), upload(s3, B, 2)
    assert notice(s3, second)["source_version"] == second
    assert notice(s3, first)["source_version"] == second
    assert stored(s3, active_key("mq"))["source_version"] == second
    assert stored(s3, STATUS)["source_version"] == second


def test_a_rejected_upload_is_told_of_once_and_a_mended_one_again(s3: Any) -> None:
    told = Told()
    notice(s3, upload(s3, A, 1), told=told)
    bad = upload(s3, BAD, 2)
    notice(s3, bad, told=told)
    notice(s3, bad, told=told)
    notice(s3, upload(s3, B, 3), told=told)
    assert told.states == ["active", "rejected", "active"]


def test_O17_an_old_object_that_comes_back_by_a_deletion_is_refused(s3: Any) -> None:
    """The version in force is deleted, so an older one is the newest there is."""
    old = upload(s3, A, 1)
    notice(s3, old)
    new = upload(s3, B, 2)
    in_force = notice(s3, new)
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=new)
    status = notice(s3, old)
    assert status["state"] == "rejected"
    assert status["source_version"] == old
    (fault,) = status["faults"]
    assert fault["message"] == "the upload is older than the one that is in force"
    assert status["in_force"] == in_force["in_force"]
    assert stored(s3, active_key("mq"))["source_version"] == new


def test_O17_going_back_is_a_new_upload_of_an_old_version_and_is_told_as_such(s3: Any) -> None:
    old = upload(s3, A, 1)
    first = notice(s3, old, 10)
    second = notice(s3, upload(s3, B, 2), 20)
    assert (first["in_force"]["earlier"], second["in_force"]["earlier"]) == (False, False)
    source = {"Bucket": BUCKET, "Key": KEY, "VersionId": old}
    s3.copy_object(Bucket=BUCKET, Key=KEY, CopySource=source, MetadataDirective="REPLACE")
    copied = dated(3)
    status = notice(s3, copied, 30)
    assert status["state"] == "active"
    assert status["in_force"] == {
        "revision": first["revision"],
        "source_version": copied,
        "since": "1970-01-01T00:00:30Z",
        "earlier": True,
        "release": {},
        "lock": None,
    }
    assert [entry["revision"] for entry in status["history"]] == [
        first["revision"],
        second["revision"],
        first["revision"],
    ]
    # Saying the same once more is no step back.
    again = notice(s3, upload(s3, A + "# again\n", 4), 40)
    assert again["in_force"]["earlier"] is True
    assert (
        notice(s3, upload(s3, 'version: "1"\ndefault: allow\n', 5))["in_force"]["earlier"] is False
    )


def test_O20_an_upload_that_s3_tells_of_and_does_not_show_yet_is_waited_for(s3: Any) -> None:
    class Behind:
        """Shows an earlier version than the newest."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def get_object(self, **arguments: Any) -> Any:
            if arguments["Key"] == KEY:
                arguments["VersionId"] = old
            return s3.get_object(**arguments)

    old, new = upload(s3, A, 1), upload(s3, B, 2)
    with pytest.raises(PolicyUnavailableError, match="shows no upload"):
        notice(Behind(), new)
    assert versions(s3, active_key("mq")) == 0
    assert notice(s3, new)["source_version"] == new


def test_O20_a_notice_of_an_upload_that_is_gone_looks_at_the_newest(s3: Any) -> None:
    gone = upload(s3, BAD, 1)
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=gone)
    newest = upload(s3, A, 2)
    assert notice(s3, gone)["source_version"] == newest


@pytest.mark.parametrize("error", FAULTS)
def test_a_version_that_cannot_be_asked_for_changes_nothing(s3: Any, error: Exception) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def head_object(self, **_arguments: Any) -> Any:
            raise error

    first, _ = upload(s3, A, 1), upload(s3, B, 2)
    with pytest.raises(PolicyUnavailableError, match="did not answer"):
        notice(Failing(), first)
    assert versions(s3, active_key("mq")) == 0


def test_an_upload_without_a_version_is_refused(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=A.encode())
    status = notice(s3, None)
    assert status["state"] == "rejected"
    assert "no version id" in status["faults"][0]["message"]


class Overtaken:
    """A client that is overtaken just before it writes a key."""

    def __init__(self, s3: Any, key: str, rival: Callable[[], object]) -> None:
        self._s3, self._key, self._rival = s3, key, rival
        self._is_overtaken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **arguments: Any) -> Any:
        if arguments["Key"] == self._key and not self._is_overtaken:
            self._is_overtaken = True
            self._rival()
        return self._s3.put_object(**arguments)


@pytest.mark.parametrize("key", [active_key("mq"), STATUS])
@pytest.mark.parametrize("slow_text", [A, BAD], ids=["sound", "faulty"])
def test_whoever_is_slow_has_neither_the_last_word_nor_the_last_policy(
    s3: Any, key: str, slow_text: str
) -> None:
    slow = upload(s3, slow_text, 1)
    told = Told()

    def rival() -> None:
        notice(s3, upload(s3, B, 2), told=told)

    status = notice(Overtaken(s3, key, rival), slow, told=told)
    if slow_text == BAD and key != STATUS:  # a faulty upload writes nothing in force
        assert status["state"] == "rejected"
        return
    newest = stored(s3, active_key("mq"))
    assert newest["document"]["description"] == "b"
    assert stored(s3, STATUS)["source_version"] == newest["source_version"]
    assert status["source_version"] == newest["source_version"]
    assert told.states == ["active"]


def test_an_activation_that_was_cut_off_before_its_status_is_told_by_the_next_notice(
    s3: Any,
) -> None:
    class Cut:
        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def put_object(self, **arguments: Any) -> Any:
            if arguments["Key"] == STATUS:
                raise KeyboardInterrupt
            return s3.put_object(**arguments)

    told = Told()
    version = upload(s3, A, 1)
    with pytest.raises(KeyboardInterrupt):
        notice(Cut(), version, 10, told)
    status = notice(s3, version, 90, told)
    assert status["in_force"]["since"] == "1970-01-01T00:00:10Z"
    assert told.states == ["active"]


def test_a_status_nobody_can_read_begins_a_new_history(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=STATUS, Body=b"{")
    assert len(notice(s3, upload(s3, A, 1))["history"]) == 1
    odd = {"history": [1, {"revision": 2}, {"revision": "r"}]}
    s3.put_object(Bucket=BUCKET, Key=STATUS, Body=json.dumps(odd).encode())
    assert len(notice(s3, upload(s3, B, 2))["history"]) == 1


def test_a_history_keeps_the_last_twenty(s3: Any) -> None:
    told = [notice(s3, upload(s3, A + f"# {number}\n", number)) for number in range(22)]
    status = told[-1]
    assert len(status["history"]) == 20
    assert status["history"][0]["source_version"] == status["source_version"]
    assert versions(s3, active_key("mq")) == 22
