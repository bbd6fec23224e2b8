"""Policies in S3, each with the faults AWS can answer with.

moto stands in for S3. What it does not show: IAM, KMS denials, and S3's
own consistency, which AWS documents as strong for reads after writes.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.s3.models import s3_backends

from portcullis.adapters.s3_activation import ATTEMPTS, PolicyActivation, incoming_key
from portcullis.adapters.s3_policies import S3PolicyStore, active_key
from portcullis.adapters.s3_snapshots import snapshot_key
from portcullis.errors import PolicyUnavailableError
from portcullis.policy.model import Instant
from support.aws_faults import FAULTS, Failing

BUCKET = "policies"
GOOD = 'version: "1"\ndefault: deny\ntools:\n  get_info: {action: allow}\n'
WIDER = 'version: "1"\ndefault: allow\n'
BAD = 'version: "1"\ndefualt: deny\ntools:\n  get_info: {acton: allow}\n'


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


def upload(s3: Any, text: str, server: str = "mq") -> dict[str, Any]:
    s3.put_object(Bucket=BUCKET, Key=incoming_key(server), Body=text.encode())
    return dict(PolicyActivation(s3, BUCKET).activate(server, now_seconds=1_795_443_000))


def stored(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def policies(s3: Any, **changes: float) -> S3PolicyStore:
    ages = {"refresh_seconds": 10, "max_age_seconds": 100, **changes}
    return S3PolicyStore(s3, BUCKET, spawn=lambda work: work(), **ages)


# ---------------------------------------------------------------- activation


def test_a_sound_upload_is_put_in_force_and_told_of(s3: Any) -> None:
    status = upload(s3, GOOD)
    assert status["state"] == "active"
    assert status["checked_at"] == "2026-11-23T14:10:00Z"
    assert stored(s3, "status/mq.json") == status
    digest = "sha256:" + hashlib.sha256(GOOD.encode()).hexdigest()
    assert status["read"] == {"digest": digest, "lines": 4, "rules": 1, "tests": 0, "sealed": False}
    active = stored(s3, active_key("mq"))
    assert active["revision"] == status["revision"]
    assert active["source_version"] == status["source_version"]
    assert policies(s3).current("mq", now=at(0)).revision == status["revision"]


def test_O14_a_faulty_upload_tells_every_fault_and_changes_nothing(s3: Any) -> None:
    first = upload(s3, GOOD)
    status = upload(s3, BAD)
    assert status["state"] == "rejected"
    assert status["in_force"]["revision"] == first["revision"]
    told = {(fault["path"], fault["line"], fault["suggestion"]) for fault in status["faults"]}
    assert {path for path, _, _ in told} >= {"defualt", "tools.get_info.acton"}
    assert all(line for _, line, _ in told)
    assert any("default" in suggestion for _, _, suggestion in told)
    assert stored(s3, active_key("mq"))["revision"] == first["revision"]


def test_O15_a_fresh_environment_reaches_the_same_last_good_policy(s3: Any) -> None:
    first = upload(s3, GOOD)
    upload(s3, BAD)
    assert policies(s3).current("mq", now=at(0)).revision == first["revision"]


def test_a_policy_that_cannot_be_read_again_grows_old(s3: Any) -> None:
    upload(s3, GOOD)
    store = policies(s3)
    store.current("mq", now=at(0))
    s3.delete_object(Bucket=BUCKET, Key=active_key("mq"))
    store.current("mq", now=at(40))
    assert store.age_seconds("mq", now=at(40)) == 40


def test_O14_only_a_faulty_upload_ever_leaves_nothing_in_force(s3: Any) -> None:
    assert upload(s3, BAD)["in_force"] is None
    with pytest.raises(PolicyUnavailableError, match=r"upload incoming/policies/mq\.yaml"):
        policies(s3).current("mq", now=at(0))


def test_the_same_policy_again_is_the_same_revision_from_another_upload(s3: Any) -> None:
    first = upload(s3, GOOD)
    second = upload(s3, GOOD + "# a comment\n")
    assert (second["state"], second["revision"]) == ("active", first["revision"])
    assert stored(s3, active_key("mq"))["source_version"] == second["source_version"]


def test_names_no_tool_has_are_warned_of_once_the_tools_are_known(s3: Any) -> None:
    tools = {"get_infos": {"name": "get_infos"}}
    snapshot = {"server": "mq", "registration": "r", "taken_at": 0, "tools": tools}
    s3.put_object(Bucket=BUCKET, Key=snapshot_key("mq"), Body=json.dumps(snapshot))
    (warning,) = upload(s3, GOOD)["warnings"]
    assert "get_info" in warning["message"]
    s3.put_object(Bucket=BUCKET, Key=snapshot_key("mq"), Body=b"{")
    assert upload(s3, GOOD)["warnings"] == []


TESTED = f"{GOOD}tests:\n  - {{name: t, call: {{tool: get_info, args: {{a: x9x}}}}, expect: %s}}\n"


def test_an_upload_that_fails_its_own_test_is_rejected_at_the_line_of_the_test(s3: Any) -> None:
    first = upload(s3, TESTED % "allow")
    assert (first["state"], first["read"]["tests"]) == ("active", 1)
    status = upload(s3, TESTED.replace("tool: get_info", "tool: other") % "allow")
    assert status["state"] == "rejected"
    (fault,) = status["faults"]
    assert (fault["path"], fault["line"]) == ("tests[0]", 6)
    assert fault["message"].startswith(
        "the test `t` expects `allow`, and the policy decides `deny`"
    )
    assert "x9x" not in json.dumps(status)
    assert stored(s3, active_key("mq"))["revision"] == first["revision"]


def test_a_change_of_tests_alone_changes_no_revision_and_the_gateway_never_sees_them(
    s3: Any,
) -> None:
    first, second = upload(s3, GOOD), upload(s3, TESTED % "allow")
    assert first["revision"] == second["revision"]
    assert "tests" not in stored(s3, active_key("mq"))["document"]


def test_tests_are_run_with_the_schemas_that_the_gateway_last_saw(s3: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tools = {"get_info": {"name": "get_info", "inputSchema": schema}}
    snapshot = {"server": "mq", "registration": "r", "taken_at": 0, "tools": tools}
    s3.put_object(Bucket=BUCKET, Key=snapshot_key("mq"), Body=json.dumps(snapshot))
    (fault,) = upload(s3, TESTED % "allow")["faults"]
    assert "invalid_arguments" in fault["message"]
    assert fault["suggestion"] == "`args.a` must be integer, is string"
    assert upload(s3, TESTED % "deny")["state"] == "active"


class Racing:
    """A client whose first conditional write meets an activator that was faster."""

    def __init__(self, s3: Any, rival: Callable[[], object], times: int = 1) -> None:
        self._s3, self._rival, self._left = s3, rival, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **arguments: Any) -> Any:
        if self._left and arguments["Key"].startswith("active/"):
            self._left -= 1
            self._rival()
        return self._s3.put_object(**arguments)


def test_two_activators_end_at_the_newest_upload(s3: Any) -> None:
    upload(s3, GOOD)
    s3.put_object(Bucket=BUCKET, Key=incoming_key("mq"), Body=GOOD.replace("get_info", "older"))
    slow = PolicyActivation(Racing(s3, lambda: upload(s3, WIDER)), BUCKET)
    status = slow.activate("mq", now_seconds=0)
    document = stored(s3, active_key("mq"))["document"]
    assert document["default"] == "allow"
    assert status["revision"] == stored(s3, active_key("mq"))["revision"]


def test_an_activator_that_never_wins_says_so(s3: Any) -> None:
    numbers = iter(range(ATTEMPTS + 1))

    def rival() -> None:
        s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=str(next(numbers)).encode())

    s3.put_object(Bucket=BUCKET, Key=incoming_key("mq"), Body=GOOD)
    with pytest.raises(PolicyUnavailableError, match="keep changing"):
        PolicyActivation(Racing(s3, rival, times=99), BUCKET).activate("mq", now_seconds=0)


def test_an_active_object_nobody_can_read_is_replaced(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=b"not json")
    assert upload(s3, GOOD)["state"] == "active"
    assert (
        policies(s3).current("mq", now=at(0)).revision == stored(s3, active_key("mq"))["revision"]
    )


def test_a_notice_of_an_upload_that_is_gone_fails(s3: Any) -> None:
    with pytest.raises(PolicyUnavailableError, match="no upload"):
        PolicyActivation(s3, BUCKET).activate("mq", now_seconds=0)


# ---------------------------------------------------------------- the store


def test_a_change_is_in_force_within_the_refresh_time(s3: Any) -> None:
    store = policies(s3)
    upload(s3, GOOD)
    first = store.current("mq", now=at(0)).revision
    second = upload(s3, WIDER)["revision"]
    assert store.current("mq", now=at(4)).revision == first
    assert store.current("mq", now=at(10)).revision == second


def test_an_unchanged_policy_is_not_compiled_again(s3: Any) -> None:
    store = policies(s3)
    upload(s3, GOOD)
    first = store.current("mq", now=at(0))
    assert store.current("mq", now=at(20)) is first


def test_O18_a_deleted_policy_stays_in_force_until_its_maximum_age(s3: Any) -> None:
    store = policies(s3)
    upload(s3, GOOD)
    first = store.current("mq", now=at(0))
    s3.delete_object(Bucket=BUCKET, Key=active_key("mq"))
    assert store.current("mq", now=at(100)) is first
    with pytest.raises(PolicyUnavailableError, match="too old"):
        store.current("mq", now=at(102))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"server":"other"}',
        b'{"server":"mq","revision":"x","document":{}}',
        b'{"server":"mq","revision":"x","document":{"version":"1","default":"allow"}}',
        b" " * ((1 << 20) + 1),
    ],
    ids=["empty", "cut", "list", "another server's", "no policy", "O20 wrong digest", "too large"],
)
def test_the_gateway_trusts_nothing_it_did_not_verify(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=body)
    with pytest.raises(PolicyUnavailableError):
        policies(s3).current("mq", now=at(0))


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("error", FAULTS)
def test_P01_reading_a_policy_that_fails_is_no_policy(s3: Any, error: Exception) -> None:
    upload(s3, GOOD)
    with pytest.raises(PolicyUnavailableError):
        policies(Failing(s3, "get_object", error)).current("mq", now=at(0))


@pytest.mark.parametrize("error", FAULTS)
def test_P01_a_warm_environment_keeps_the_last_known_good(s3: Any, error: Exception) -> None:
    upload(s3, GOOD)
    store = policies(Failing(s3, "get_object", error, nth=1))
    first = store.current("mq", now=at(0))
    assert store.current("mq", now=at(50)) is first
    with pytest.raises(PolicyUnavailableError):
        store.current("mq", now=at(150))


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(
    ("operation", "nth"),
    [*(("get_object", nth) for nth in range(4)), ("put_object", 0), ("put_object", 1)],
)
def test_an_activation_that_meets_a_fault_fails_and_never_half_tells(
    s3: Any, error: Exception, operation: str, nth: int
) -> None:
    first = upload(s3, GOOD)
    s3.put_object(Bucket=BUCKET, Key=incoming_key("mq"), Body=WIDER.encode())
    with pytest.raises(PolicyUnavailableError, match="did not answer"):
        PolicyActivation(Failing(s3, operation, error, nth), BUCKET).activate("mq", now_seconds=0)
    assert stored(s3, "status/mq.json") == first


def test_a_body_that_breaks_off_is_a_fault_too() -> None:
    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise ReadTimeoutError(endpoint_url="x")

    class Client:
        def get_object(self, **_arguments: Any) -> Any:
            return {"ETag": "e", "Body": Broken()}

    with pytest.raises(PolicyUnavailableError):
        policies(Client()).current("mq", now=at(0))
