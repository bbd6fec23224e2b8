"""Approvals as items: what is not as we write it is an error that quotes no argument (P13)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.adapters.approval_items import from_item, owner_in, pointed_to, to_item, wake_in
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError
from support.approval_records import make_record, make_vote

Json = dict[str, Any]
RECORD = make_record(
    state=State.DENIED,
    version=2,
    approvals=(make_vote(),),
    denial=make_vote("carol"),
    ended_at=1_800_000_100,
)


def changed(half: str, change: Callable[[Json], object]) -> Json:
    """The item of a record with one of its halves changed."""
    item: Json = to_item(RECORD)
    content = json.loads(item[half]["S"])
    change(content)
    return {**item, half: {"S": json.dumps(content)}}


def at(path: str, value: object) -> Callable[[Json], None]:
    """Sets the member at a path of keys and indices."""

    def change(content: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            content = content[int(step) if step.isdigit() else step]
        content[last] = value

    return change


def without(name: str) -> Callable[[Json], None]:
    return lambda content: content.pop(name)


FACTS = {
    "an-object-missing": without("binding"),
    "a-text-missing": without("session"),
    "another-member": at("more", 1),
    "another-member-within": at("binding.more", "x"),
    "a-part-no-object": at("binding", []),
    "a-text-a-number": at("binding.tool", 7),
    "reason-a-number": at("reason", 7),
    "groups-a-text": at("requester.groups", "admins"),
    "groups-of-numbers": at("requester.groups", [1]),
    "tags-a-list": at("requester.tags", []),
    "tags-of-numbers": at("requester.tags", {"a": 1}),
    "claims-null": at("requester.claims", None),
    "timeout-zero": at("terms.timeout_seconds", 0),
    "timeout-a-fraction": at("terms.timeout_seconds", 1.5),
    "nobody-must-agree": at("terms.min_approvals", 0),
    "true-must-agree": at("terms.min_approvals", True),
    "shows-no-path": at("terms.show", ["password.of.mine"]),
    "approvers-null": at("terms.approvers", None),
}
LIFE = {
    "no-state": without("state"),
    "an-unknown-state": at("state", "ALMOST"),
    "a-negative-version": at("version", -1),
    "a-version-of-text": at("version", "2"),
    "started-a-number": at("is_started", 1),
    "votes-an-object": at("approvals", {}),
    "a-vote-of-text": at("approvals", ["bob"]),
    "a-vote-without-its-person": lambda life: life["approvals"][0].pop("person"),
    "a-vote-at-no-time": at("approvals.0.at", None),
    "a-denial-of-text": at("denial", "carol"),
    "claimed-at-a-text": at("claimed_at", "now"),
    "note-null": at("note", None),
    "parts-true": at("result_parts", True),
    "delivered-before-time": at("delivered_at", -1),
}
ROWS = [
    pytest.param(half, change, id=f"{half}-{name}")
    for half, changes in (("facts", FACTS), ("life", LIFE))
    for name, change in changes.items()
]


def test_an_unchanged_record_is_read() -> None:
    assert from_item(changed("facts", lambda _: None)) == RECORD


@pytest.mark.parametrize("half,change", ROWS)
def test_P13_a_member_not_as_written_is_an_error(
    half: str, change: Callable[[Json], object]
) -> None:
    with pytest.raises(ApprovalStoreError) as caught:
        from_item(changed(half, change))
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a":1,"a":2}', "[" * 80 + "]" * 80])
@pytest.mark.parametrize("half", ["facts", "life"])
def test_P13_a_half_that_is_no_object_is_an_error(half: str, text: str) -> None:
    with pytest.raises(ApprovalStoreError):
        from_item({**to_item(RECORD), half: {"S": text}})


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pk": {"S": "GRANT#1"}}, id="of-something-else"),
        pytest.param({"sk": {"S": "ARGUMENTS"}}, id="no-record"),
        pytest.param({"state": {"N": "1"}}, id="state-a-number"),
        pytest.param({"state": {"S": "APPROVED"}}, id="approved-without-a-vote-of-its-life"),
        pytest.param({"v": {"N": "-2"}}, id="negative-version"),
        pytest.param({"asked": {"S": "1"}}, id="asked-at-a-text"),
        pytest.param({"expires": {"N": "1.5"}}, id="a-fractional-deadline"),
        pytest.param({"ended_iso": {"S": "2027-01-15T08:30:00Z"}}, id="ended-by-nobody"),
    ],
)
def test_P13_an_attribute_not_as_written_is_an_error(changes: Json) -> None:
    with pytest.raises(ApprovalStoreError):
        from_item({**to_item(RECORD), **changes})


@pytest.mark.parametrize(
    "ended,seconds",
    [
        ("2027-01-15T08:30:00Z", 1_800_001_800),
        ("2027-01-15T08:30:00.999Z", 1_800_001_800),
        ("2027-01-15T08:30:00.123456+00:00", 1_800_001_800),
        ("2027-01-15T09:30:00+01:00", 1_800_001_800),
    ],
)
def test_the_instant_at_which_the_workflow_ended_it_is_told_in_any_zone(
    ended: str, seconds: int
) -> None:
    assert from_item(expired(ended)).ended_at == seconds


@pytest.mark.parametrize(
    "ended", ["", "now", "2027-01-15T08:30:00", "2027-01-15", "1960-01-01T00:00:00Z"]
)
def test_P13_an_instant_that_is_none_is_an_error(ended: str) -> None:
    with pytest.raises(ApprovalStoreError):
        from_item(expired(ended))


def expired(ended: str) -> Json:
    """A pending request that the workflow ended."""
    changes = {"state": {"S": "EXPIRED"}, "v": {"N": "1"}, "ended_iso": {"S": ended}}
    return {**to_item(make_record()), **changes}


def test_half_a_character_cannot_be_written() -> None:
    with pytest.raises(ApprovalStoreError):
        to_item(make_record(session="\ud800"))
    with pytest.raises(ApprovalStoreError):
        from_item({**to_item(RECORD), "facts": {"S": "\ud800"}})


def test_what_an_item_says_beside_the_record_is_text() -> None:
    assert wake_in({}) is None
    assert wake_in({"task_token": {"S": "t"}}) == "t"
    assert pointed_to({}) is None
    assert pointed_to({"id": {"S": "1"}}) == "1"
    assert owner_in(to_item(RECORD)) == RECORD.id
