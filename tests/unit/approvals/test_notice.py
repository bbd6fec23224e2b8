"""What approvers are told: plain text that nothing an agent sends can turn into more."""

import json
import re
from typing import Any

import pytest

from portcullis.approvals.notice import CUT, MAXIMUM_VALUE, notice_event, notice_text, plain
from portcullis.policy.model import Approval, Principal
from portcullis.policy.paths import compile_path
from support.approval_records import make_record

HOSTILE = [
    "<!channel>",
    "<https://evil.example|Approve>",
    "[Approve](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<b>pre-approved</b><img src=x>",
    "@here",
    "line\nApproved by: security\n",
    "\u202ereversed",
    "zero\u200bwidth",
    "\x1b[2Kgone",
    "`code` *bold* ~no~ | cell",
    "https://evil.example/approve",
    "//evil.example",
]
MARKUP = re.compile(r"<|>|\]\(|://(?!gate\.example/)|`|\||~|!\[|\n\n\n|[^\x20-\x7e\n]|(?<!\w)@")


def terms(*show: str) -> Approval:
    return Approval(
        approvers=("group:platform",), timeout_seconds=60, show=tuple(map(compile_path, show))
    )


def shown(value: Any, **changes: Any) -> str:
    record = make_record(terms=terms("args.note"), **changes)
    return notice_text(record, {"note": value, "other": "hidden"})


@pytest.mark.parametrize("text", HOSTILE)
def test_N18_what_an_agent_sends_is_text_and_nothing_else(text: str) -> None:
    told = shown(text)
    assert MARKUP.search(told) is None, told
    assert told.count("\n") == shown("plain").count("\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_N18_what_callers_and_authors_are_called_is_text_as_well(text: str) -> None:
    requester = Principal(issuer="i", subject=text, person=f"{text}@x")
    assert MARKUP.search(shown("a", requester=requester, reason=text)) is None


def test_N18_a_long_value_is_cut_short_and_says_so() -> None:
    told = shown("x" * 5000)
    assert CUT in told
    assert len(told) < 1000
    assert plain("x" * MAXIMUM_VALUE, MAXIMUM_VALUE) == "x" * MAXIMUM_VALUE


def test_only_the_arguments_the_rule_shows_are_told() -> None:
    told = shown("orders")
    assert 'args.note: "orders"' in told
    assert "hidden" not in told
    assert "orders" not in notice_text(make_record(terms=terms()), {"note": "orders"})


def test_N31_a_secret_is_masked_even_where_the_rule_shows_it() -> None:
    record = make_record(terms=terms("args.password"))
    for told in (
        notice_text(record, {"password": "hunter2-swordfish"}),
        notice_event(record, {"password": "hunter2-swordfish"}),
    ):
        assert "hunter2" not in told


def test_an_argument_that_was_not_given_is_told_so() -> None:
    assert "args.x: (not given)" in notice_text(make_record(terms=terms("args.x")), {})


def test_it_says_who_asks_for_what_why_until_when_and_where() -> None:
    record = make_record()
    told = notice_text(record, {"user_name": "bob"})
    for part in (
        "put_user_policy (server aws-iam)",
        "alice-agent (alice@example.com)",
        "put_user_policy/1",
        "IAM changes are looked at.",
        "2027-01-15 08:30:00 UTC",
        record.link,
    ):
        assert part in told
    nameless = make_record(requester=Principal(issuer="i", subject="bot"), reason=None)
    assert "Asked by: bot\n" in notice_text(nameless, {})
    assert "Reason" not in notice_text(nameless, {})


def test_N19_neither_form_holds_a_token_or_a_credential() -> None:
    record = make_record()
    for told in (notice_text(record, {}), notice_event(record, {})):
        assert record.requester.credential not in told


def test_the_event_says_the_same_for_machines() -> None:
    record = make_record()
    event = json.loads(notice_event(record, {"user_name": "bob"}))
    assert event == {
        "id": record.id,
        "kind": "call",
        "server": "aws-iam",
        "tool": "put_user_policy",
        "rule": "put_user_policy/1",
        "requester": {"subject": "alice-agent", "person": "alice@example.com"},
        "approvers": ["group:platform", "carol@example.com"],
        "min_approvals": 1,
        "arguments": {"args.user_name": '"bob"', 'args["policy document"][0]': "(not given)"},
        "asked_at": record.asked_at,
        "expires_at": record.expires_at,
        "link": record.link,
    }
