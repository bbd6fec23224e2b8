"""What a person sends is read strictly."""

import json
from urllib.parse import urlencode

import pytest

from portcullis.console.bodies import Decision, form_decision, read_decision, read_form
from portcullis.gateway.deciding import Word

APPROVE, DENY = Word.APPROVE, Word.DENY


@pytest.mark.parametrize(
    "body, decision",
    [
        ('{"decision": "approve"}', Decision(word=APPROVE)),
        ('{"decision": "deny", "comment": " no "}', Decision(word=DENY, comment="no")),
        ('{"comment": "", "decision": "approve"}', Decision(word=APPROVE)),
        (json.dumps({"decision": "deny", "comment": "x" * 1000}),
         Decision(word=DENY, comment="x" * 1000)),
    ],
)  # fmt: skip
def test_a_decision_is_read(body: str, decision: Decision) -> None:
    assert read_decision(body.encode()) == decision


MALFORMED = {
    "empty": "",
    "no object": '"approve"',
    "nothing in it": "{}",
    "no decision": '{"comment": "x"}',
    "a space after": '{"decision": "approve "}',
    "capitals": '{"decision": "APPROVE"}',
    "another word": '{"decision": "yes"}',
    "true": '{"decision": true}',
    "null": '{"decision": null}',
    "a list": '{"decision": ["approve"]}',
    "both": '{"decision": "approve", "decision": "deny"}',
    "the id again": '{"id": "x", "decision": "approve"}',
    "arguments": '{"decision": "approve", "arguments": {"user_name": "eve"}}',
    "a comment that is no text": '{"decision": "deny", "comment": 1}',
    "a comment that is nothing": '{"decision": "deny", "comment": null}',
    "a long comment": json.dumps({"decision": "deny", "comment": "x" * 1001}),
    "half a character": '{"decision": "deny", "comment": "\\ud800"}',
    "a long body": json.dumps({"decision": "deny"}) + " " * 20_000,
    "two values": '{"decision": "deny"}{}',
    "a form": "decision=approve",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=[f"N33-{name}" for name in MALFORMED])
def test_anything_else_is_no_decision(body: str) -> None:
    assert read_decision(body.encode("utf-8", "surrogatepass")) is None


REQUIRED, OPTIONAL = frozenset({"word", "csrf"}), frozenset({"comment"})


@pytest.mark.parametrize(
    "body, fields",
    [
        ("word=deny&csrf=t", {"word": "deny", "csrf": "t"}),
        ("csrf=t&word=a+b&comment=", {"word": "a b", "csrf": "t", "comment": ""}),
        ("word=%F0%9F%99%82&csrf=%3D", {"word": "🙂", "csrf": "="}),
        ("", None),
        ("word=deny", None),
        ("word=deny&csrf=t&id=x", None),
        ("word=deny&word=approve&csrf=t", None),
        ("word=deny&csrf=t&comment=a&comment=b", None),
        ("word=deny&csrf", None),
        ("word=%ff&csrf=t", None),
        ("word=\u00e9&csrf=t", None),
        ("word=deny&csrf=t&comment=" + "x" * 20_000, None),
        ('{"word": "deny", "csrf": "t"}', None),
    ],
)
def test_a_form_has_exactly_its_fields(body: str, fields: dict[str, str] | None) -> None:
    assert read_form(body.encode(), required=REQUIRED, optional=OPTIONAL) == fields


def test_line_breaks_of_a_form_count_once() -> None:
    fields = {"word": "deny", "csrf": "t", "comment": "\r\n".join(["x"] * 500)}
    read = read_form(urlencode(fields).encode(), required=REQUIRED, optional=OPTIONAL)
    assert read is not None
    assert form_decision(read) == Decision(word=DENY, comment="\n".join(["x"] * 500))


@pytest.mark.parametrize("word", ["", "Approve", "approve ", "both", "true"])
def test_a_form_with_another_word_is_no_decision(word: str) -> None:
    assert form_decision({"word": word}) is None


def test_a_form_with_a_long_comment_is_no_decision() -> None:
    assert form_decision({"word": "deny", "comment": "x" * 1001}) is None
