"""A policy that waits, as a person sees it: what changes first, then all of the file."""

from typing import Any

import pytest

from portcullis.approvals.kinds import POLICY_SERVER, RequestKind, kind_of
from portcullis.approvals.notice import notice_event, notice_text
from portcullis.approvals.policy_change import (
    WIDENS,
    Change,
    PolicyChange,
    governed_server,
    lines_of,
    policy_terms,
    present_policy,
)
from portcullis.approvals.presentation import MAXIMUM_NOTES, MAXIMUM_ROWS
from portcullis.approvals.showing import SHOWINGS
from portcullis.approvals.visible_text import Look
from portcullis.registration.words import SERVER_NAME
from support.approval_records import make_binding, make_record

TEXT = 'version: "1"\ndefault: deny\ntools:\n  token: {action: allow}\n'


def change(**changes: Any) -> PolicyChange:
    defaults = {
        "server": "mq",
        "version_id": "v1",
        "digest": "d" * 64,
        "revision": "sha256:new",
        "replaces": "sha256:old",
        "changes": (
            Change(text="tool `token` is added: allow", widens=True),
            Change(text="`a` becomes hidden", widens=False),
        ),
        "text": TEXT,
    }
    return PolicyChange(**{**defaults, **changes})


def shown(text: str) -> str:
    return "".join(piece.text for piece in lines_of(text))


def test_a_policy_is_told_by_a_server_that_no_server_can_be_called() -> None:
    assert kind_of(make_binding(server=POLICY_SERVER)) is RequestKind.POLICY
    assert kind_of(make_binding()) is RequestKind.CALL
    assert SERVER_NAME.fullmatch(POLICY_SERVER) is None


def test_every_kind_has_a_way_to_be_shown() -> None:
    assert set(SHOWINGS) == set(RequestKind)


def test_what_changes_comes_first_then_which_upload_it_is_then_the_file() -> None:
    presentation = present_policy(change().arguments())
    assert [row.path for row in presentation.rows] == [
        "change 1", "change 2", "server", "version_id", "digest", "revision", "replaces", "policy",
    ]  # fmt: skip
    assert [risk.reason for risk in presentation.rows[0].risks] == [WIDENS]
    assert presentation.rows[1].risks == ()
    assert presentation.notes == ("May permit more: tool `token` is added: allow",)
    assert presentation.is_complete


def test_N31_a_rule_that_looks_like_a_secret_is_not_masked() -> None:
    """A tool called `token` would hide its rule from whom it is shown to."""
    arguments = change().arguments()
    file = present_policy(arguments).rows[-1]
    assert "".join(piece.text for piece in file.pieces) == TEXT
    assert SHOWINGS[RequestKind.POLICY].tell(arguments) == arguments
    assert SHOWINGS[RequestKind.CALL].tell(arguments) != arguments


def test_N17_a_file_is_shown_line_by_line_and_hides_nothing() -> None:
    text = "a:\n  b: \u202ex\n \n" + " " * 80 + "c: 1\nend  of it \\"
    assert shown(text) == (
        "a:\n  b: \\u202ex\n\u2423\n" + "\u2423" * 80 + "c: 1\nend\u2423\u2423of it \\\\"
    )
    looks = {piece.look for piece in lines_of(text)}
    assert looks == {Look.PLAIN, Look.ESCAPE}
    noted = present_policy(change(text=text, changes=()).arguments())
    assert "turn the text around" in noted.notes[0]
    assert noted.rows[-1].risks


def test_a_long_file_ends_in_sight() -> None:
    row = present_policy(change(text="# x\n" * 400).arguments()).rows[-1]
    assert row.ending
    assert row.kind == "the whole file, 400 lines"


def test_more_that_widens_than_can_be_noted_is_counted() -> None:
    many = tuple(Change(text=f"t{n}", widens=True) for n in range(MAXIMUM_NOTES + 2))
    notes = present_policy(change(changes=many).arguments()).notes
    assert len(notes) == MAXIMUM_NOTES + 1
    assert notes[-1] == "and 2 more like these"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"policy": 1},
        change(changes=(Change(text="x", widens=False),) * MAXIMUM_ROWS).arguments(),
    ],
    ids=["nothing", "no text", "too many changes"],
)
def test_what_cannot_be_shown_whole_cannot_be_approved(arguments: Any) -> None:
    presentation = present_policy(arguments)
    assert not presentation.is_complete
    assert presentation.rows == ()


@pytest.mark.parametrize("changes", [7, [7], [{}], [{"text": "x", "widens": "no"}]])
def test_a_change_of_another_form_counts_as_one_that_widens(changes: Any) -> None:
    notes = present_policy({**change().arguments(), "changes": changes}).notes
    assert len(notes) == (1 if changes in ([{}], [{"text": "x", "widens": "no"}]) else 0)


def test_N32_a_notice_of_a_policy_says_what_it_is_and_not_what_stands_in_it() -> None:
    arguments = change().arguments()
    record = make_record(
        binding=make_binding(server=POLICY_SERVER, tool="activate_policy"),
        terms=policy_terms(("group:platform",), needed=2, seconds=60),
        scope="mq",
    )
    text = notice_text(record, arguments)
    assert text.startswith("A policy waits for your approval.")
    assert 'args.server: "mq"' in text
    assert "default: deny" not in text
    assert '"kind":"policy"' in notice_event(record, arguments)
    assert governed_server(record) == "mq"
