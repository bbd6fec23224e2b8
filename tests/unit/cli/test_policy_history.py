"""`portcullis policy history`: what became of each upload, and nothing that no record tells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from portcullis.activation.release import Refused, Released, Waiting
from portcullis.adapters.s3_activation import lock_key
from portcullis.policy.faults import Fault
from portcullis.strictjson import dump
from portcullis.values import JsonObject
from portcullis_cli.errors import ExitCode
from portcullis_cli.policy import records, versions
from support.aws_faults import FAULTS, Failing, fault
from support.policy_uploads import ACTIVE, KEY, STATUS, T, World, text

GOLDEN = Path(__file__).parent / "golden" / "policy-history.txt"


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def test_every_upload_is_told_with_what_became_of_it(world: World) -> None:
    signed = Released(facts={"serial": 7, "signed_by": "arn:aws:kms:eu-west-1:1:key/k"})
    approved = Released(facts={"approval": "3f6c", "approved_by": ["carol", "d\x1bve"]})
    first = world.activated(text("one"), T, signed)
    second = world.activated(text("two"), T + 60, approved)
    third = world.activated('version: "1"\ndefault: dney\nhide: 1\n', T + 120)
    waits = Waiting(text="0 of 2 people", approval="9a", url="https://gate/9a")
    fourth = world.activated(text("four"), T + 180, waits)
    fifth = world.activated(text("five"), T + 240, waits)
    assert world.became() == [
        (fifth, "waiting"),
        (fourth, "overtaken"),
        (third, "rejected"),
        (second, "in_force"),
        (first, "was_in_force"),
    ]
    names = dict(zip((first, second, third, fourth, fifth), "12345", strict=True))
    shown = world.history()
    assert (shown.exit_code, shown.stderr) == (0, "")
    told = shown.stdout
    for version, name in names.items():
        told = told.replace(version, f"<version {name}>")
    lines = (f"2027-01-15T08:00:00Z{one[20:]}" if one[:2] == "20" else one for one in
             told.splitlines())  # fmt: skip
    assert "".join(f"{one.rstrip()}\n" for one in lines) == GOLDEN.read_text()


def test_programs_get_who_released_each_and_until_when_it_governed(world: World) -> None:
    facts: JsonObject = {"serial": 7, "signed_by": "key"}
    first = world.activated(text("one"), T, Released(facts=facts))
    second = world.activated(text("two"), T + 60)
    tree = world.tree()
    assert tree["in_force"]["source_version"] == second
    assert tree["governed"] is True
    assert tree["notes"] == []
    (was,) = tree["uploads"][1]["activations"]
    assert (was["source_version"], was["release"]) == (first, facts)
    assert (was["since"], was["until"]) == ("2027-01-15T08:00:00Z", "2027-01-15T08:01:00Z")


def test_an_upload_that_nobody_looked_at_is_not_said_to_be_rejected(world: World) -> None:
    first, second = world.upload(text("one")), world.upload(text("two"))
    assert world.became() == [(second, "not_looked_at"), (first, "unknown")]
    told = world.history().stdout
    assert "gate: nothing is in force, so every call is denied" in told
    assert "not looked at yet" in told
    assert "unknown: no record tells what became of it" in told


def test_a_deletion_is_told_and_what_governs_stays(world: World) -> None:
    version = world.activated(text("one"), T)
    world.delete(KEY)
    told = world.tree()
    assert [one["became"] for one in told["uploads"]] == ["deleted", "in_force"]
    assert told["in_force"]["source_version"] == version
    assert "the upload was deleted; what was in force stayed" in world.history().stdout


def test_an_upload_whose_text_is_gone_is_told_by_its_traces(world: World) -> None:
    first = world.activated(text("one"), T)
    rejected = world.activated("x", T + 1)
    second = world.activated(text("two"), T + 60)
    world.delete(KEY, first)
    world.delete(KEY, rejected)
    told = {one["version"]: one for one in world.tree()["uploads"]}
    assert [told[one]["kept"] for one in (first, rejected, second)] == [False, False, True]
    assert told[first]["became"] == "was_in_force"
    assert (told[rejected]["became"], told[rejected]["uploaded_at"]) == ("rejected", None)
    assert world.history().stdout.count("its text is gone") == 2


def test_an_upload_that_governs_and_was_rejected_since_is_both(world: World) -> None:
    world.activated(text("one"), T)
    world.put("incoming/locks/gate.json", b"{")
    world.look(T + 60)
    told = world.history().stdout
    assert "in force since 2027-01-15T08:00:00Z" in told
    assert "judged again since, and rejected: lock: it is no JSON" in told


def test_an_upload_governs_anew_with_each_lock(world: World) -> None:
    world.activated(text("one"), T)
    lock = dump({"version": "1", "server": "gate", "tools": {}})
    version = world.s3.put_object(Bucket="policies", Key=lock_key("gate"), Body=lock)["VersionId"]
    world.look(T + 60)
    lines = world.history().stdout.splitlines()
    assert f"    lock      {version}" in lines
    assert "  in force since 2027-01-15T08:01:00Z" in lines
    assert "  was in force from 2027-01-15T08:00:00Z to 2027-01-15T08:01:00Z" in lines


def test_an_active_object_that_cannot_be_understood_is_not_taken_for_nothing(
    world: World,
) -> None:
    first = world.activated(text("one"), T)
    second = world.activated(text("two"), T + 60)
    world.put(ACTIVE, b"{")
    told = world.tree()
    assert (told["in_force"], told["governed"]) == (None, None)
    assert [(one["version"], one["became"]) for one in told["uploads"]] == [
        (second, "was_in_force"), (first, "was_in_force"),
    ]  # fmt: skip
    assert told["notes"] == [
        f"1 of the versions of {ACTIVE} cannot be understood, or went meanwhile"
    ]
    assert "what is in force cannot be understood, so calls are denied" in world.history().stdout


def test_a_deleted_active_object_ends_what_governed(world: World) -> None:
    world.activated(text("one"), T)
    world.delete(ACTIVE)
    told = world.tree()
    assert (told["in_force"], told["governed"]) == (None, False)
    assert told["uploads"][0]["became"] == "was_in_force"


def test_a_status_without_its_active_object_is_not_more_than_it_is(world: World) -> None:
    version = world.activated(text("one"), T)
    listed = world.s3.list_object_versions(Bucket="policies", Prefix=ACTIVE)["Versions"]
    world.delete(ACTIVE, listed[0]["VersionId"])
    assert world.became() == [(version, "unknown")]
    assert "was in force, as its status said; from when" in world.history().stdout


def test_hostile_text_of_objects_is_shown_and_moves_nothing(world: World) -> None:
    world.upload(text("one"))
    status = {
        "source_version": "v\x1b[2J", "state": "rejected",
        "faults": [{"path": "a\x1b[31m", "message": "b\u202ec\nd", "line": 4}, {}],
    }  # fmt: skip
    world.put(STATUS, json.dumps(status).encode())
    ran = world.history()
    assert not set("\x1b\u202e") & set(ran.stdout)
    assert "rejected: line 4: a\\u001b[31m: b\\u202ec\\nd (and 1 more)" in ran.stdout
    world.put(
        STATUS, json.dumps({**status, "state": "waiting", "waiting": {"text": "\x1b"}}).encode()
    )
    assert "\x1b" not in world.history().stdout


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"source_version": 7}'])
def test_a_status_that_says_nothing_is_noted_and_not_believed(world: World, body: bytes) -> None:
    version = world.upload(text("one"))
    world.put(STATUS, body)
    assert world.became() == [(version, "unknown")]
    assert world.tree()["notes"] == [
        f"1 of the versions of {STATUS} cannot be understood, or went meanwhile"
    ]


def test_only_the_newest_are_shown_and_that_is_said(world: World) -> None:
    all_of_them = [world.activated(text(f"tool_{n}"), T + n) for n in range(4)]
    ran = world.history("--limit", "2")
    assert ran.stderr == "note: there are older uploads: raise --limit to see them\n"
    assert [version for version, _ in world.became("--limit", "2")] == all_of_them[:1:-1]
    assert world.tree("--limit", "4")["notes"] == []


def test_what_is_left_out_is_said_also_where_only_traces_of_it_are_left(world: World) -> None:
    uploads = [world.activated(text(f"tool_{n}"), T + n) for n in range(4)]
    for version in uploads[:3]:
        world.delete(KEY, version)
    ran = world.history("--limit", "2")
    assert ran.stderr == "note: there are older uploads: raise --limit to see them\n"


def test_many_versions_are_read_page_by_page(world: World) -> None:
    uploads = [world.activated(text(f"tool_{n}"), T + n) for n in range(5)]
    world.put(KEY + ".bak", b"another key with the same beginning")
    world.terminal.s3 = lambda: SmallPages(world.s3)
    assert [version for version, _ in world.became()] == uploads[::-1]


def test_what_is_not_looked_at_because_it_is_too_much_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAXIMUM_PAGES", 1)
    monkeypatch.setattr(records, "MAXIMUM_READ", 1)
    first, second, third = (world.activated(text(f"tool_{n}"), T + n) for n in range(3))
    world.terminal.s3 = lambda: SmallPages(world.s3)
    told = world.tree()
    assert [(one["version"], one["became"], one["kept"]) for one in told["uploads"]] == [
        (third, "in_force", True), (second, "unknown", True),
    ]  # fmt: skip
    assert told["notes"][0] == "only the newest 2 uploads were looked at"
    assert first not in json.dumps(told)


def test_a_bucket_without_versions_tells_only_of_now() -> None:
    with mock_aws():
        world = World(is_versioned=False)
        world.upload(text("one"))
        told = world.tree()
        assert told["uploads"][0]["version"] == "null"
        assert "the bucket keeps, or kept, no versions" in told["notes"][0]


def test_a_server_without_any_upload_is_not_found(world: World) -> None:
    ran = world.history()
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert ran.stderr == "portcullis: no policy of `gate` was ever uploaded\n"


@pytest.mark.parametrize("words", [["--limit", "0"], ["--limit", "201"]])
def test_what_cannot_be_meant_is_not_looked_for(world: World, words: list[str]) -> None:
    assert world.history(*words).exit_code == ExitCode.USAGE
    assert world.terminal.run("policy", "history", "a/../b").exit_code == ExitCode.USAGE


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("list_object_versions", 0),
        ("list_object_versions", 2),
        ("get_object", 0),
        ("get_object", 1),
    ],
)
def test_a_bucket_that_does_not_answer_is_no_empty_history(
    world: World, operation: str, nth: int, error: Exception
) -> None:
    world.activated(text("one"), T)
    failing = Failing(world.s3, operation, error, nth)
    world.terminal.s3 = lambda: failing
    ran = world.history()
    assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (ExitCode.UNAVAILABLE, "", 1)


def test_an_object_that_ends_between_the_list_and_the_look_is_noted(world: World) -> None:
    world.activated(text("one"), T)
    failing = Failing(world.s3, "get_object", fault("NoSuchVersion"))
    world.terminal.s3 = lambda: failing
    told = world.tree()
    assert (told["governed"], told["uploads"][0]["became"]) == (None, "unknown")
    assert len(told["notes"]) == 2


def test_a_refused_upload_tells_its_first_fault(world: World) -> None:
    refused = Refused(faults=[Fault(path="", message="an approver denied it: `no`")])
    world.activated(text("one"), T, refused)
    assert "rejected: an approver denied it: `no`\n" in world.history().stdout


class SmallPages:
    """A client whose pages hold two versions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def list_object_versions(self, **words: Any) -> Any:
        return self._client.list_object_versions(**words, MaxKeys=2)
