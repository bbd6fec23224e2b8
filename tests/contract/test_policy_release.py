"""What stands between a sound upload and its being in force."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from portcullis.activation.release import (
    Answer,
    InForce,
    InTurn,
    Refused,
    Release,
    Released,
    Upload,
    Waiting,
)
from portcullis.adapters.s3_activation import PolicyActivation, incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.errors import UnavailableError
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault

BUCKET = "policies"
GOOD = 'version: "1"\ndefault: deny\n'
WIDER = 'version: "1"\ndefault: allow\n'


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


class Saying(Release):
    """Gives one answer, and keeps what it was asked."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[Upload, InForce | None]] = []

    def decide(
        self, upload: Upload, loaded: Loaded, active: InForce | None, *, now_seconds: int
    ) -> Answer:
        assert loaded.policy.revision
        assert now_seconds == 7
        self.asked.append((upload, active))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def activated(s3: Any, text: str, release: Release) -> dict[str, Any]:
    s3.put_object(
        Bucket=BUCKET, Key=incoming_key("mq"), Body=text.encode(), Metadata={"portcullis-x": "1"}
    )
    return dict(PolicyActivation(s3, BUCKET, release=release).activate("mq", now_seconds=7))


def in_force(s3: Any) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=active_key("mq"))["Body"].read())


def test_the_facts_of_a_release_are_kept_and_shown_to_the_next(s3: Any) -> None:
    first = activated(s3, GOOD, Saying(Released(facts={"serial": 3})))
    assert in_force(s3)["release"] == {"serial": 3}
    next_one = Saying(Released())
    activated(s3, WIDER, next_one)
    ((upload, active),) = next_one.asked
    assert upload.metadata == {"portcullis-x": "1"}
    assert active is not None
    assert (active.revision, active.release) == (first["revision"], {"serial": 3})


def test_an_upload_that_waits_changes_nothing_and_says_for_what(s3: Any) -> None:
    first = activated(s3, GOOD, Saying(Released()))
    waiting = Waiting(text="a person looks", approval="id", url="https://example.com/a")
    status = activated(s3, WIDER, Saying(waiting))
    assert status["state"] == "waiting"
    assert status["waiting"] == {
        "text": "a person looks",
        "approval": "id",
        "url": "https://example.com/a",
    }
    assert status["revision"] not in (None, first["revision"])
    assert status["in_force"]["revision"] == in_force(s3)["revision"] == first["revision"]
    # The same upload is asked about again, and is put in force once it is released.
    again = PolicyActivation(s3, BUCKET, release=Saying(Released())).activate("mq", now_seconds=7)
    assert again["state"] == "active"
    assert in_force(s3)["revision"] == status["revision"]


def test_a_refused_upload_changes_nothing_and_says_why(s3: Any) -> None:
    status = activated(s3, GOOD, Saying(Refused(faults=[Fault(path="", message="no")])))
    assert status["state"] == "rejected"
    assert [fault["message"] for fault in status["faults"]] == ["no"]
    assert status["in_force"] is None


def test_a_release_that_cannot_tell_changes_nothing(s3: Any) -> None:
    first = activated(s3, GOOD, Saying(Released()))
    with pytest.raises(UnavailableError):
        activated(s3, WIDER, Saying(UnavailableError("down")))
    assert in_force(s3)["revision"] == first["revision"]


def test_a_faulty_policy_is_not_asked_about(s3: Any) -> None:
    release = Saying(Released())
    assert activated(s3, "nonsense", release)["state"] == "rejected"
    assert release.asked == []


@pytest.mark.parametrize("facts", ["{", '{"revision":"r"}', '{"revision":"r","source_version":1}'])
def test_what_is_in_force_and_cannot_be_read_is_said_to_be_so(s3: Any, facts: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=active_key("mq"), Body=facts.encode())
    release = Saying(Refused(faults=[Fault(path="", message="no")]))
    assert activated(s3, GOOD, release)["in_force"] is None
    assert release.asked[0][1] == InForce(is_readable=False)


def test_releases_in_turn_stop_at_the_first_that_does_not_release(s3: Any) -> None:
    refusing = Saying(Refused(faults=[Fault(path="", message="no")]))
    unasked = Saying(Released())
    steps = InTurn([Saying(Released(facts={"a": 1})), refusing, unasked])
    assert activated(s3, GOOD, steps)["state"] == "rejected"
    assert unasked.asked == []
    steps = InTurn([Saying(Released(facts={"a": 1})), Saying(Released(facts={"b": 2}))])
    assert activated(s3, GOOD, steps)["state"] == "active"
    assert in_force(s3)["release"] == {"a": 1, "b": 2}
