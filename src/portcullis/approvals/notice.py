"""What approvers are told when somebody asks: plain text, and the same for machines.

A notification goes to mail, chats and queues that mark up text and open links by themselves,
so whatever is not ours to choose is written with plain characters only: nothing in it can
become a mention, a link or markup. It holds no argument but those the rule shows, masked, and
no credential: the link opens a page that asks who is there.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from portcullis import strictjson
from portcullis.approvals.identity import person_of
from portcullis.approvals.kinds import RequestKind, kind_of
from portcullis.approvals.masking import masked
from portcullis.approvals.record import ApprovalRecord
from portcullis.policy.model import Call, Instant, Kind
from portcullis.policy.paths import Context, Found, Missing, lookup
from portcullis.values import JsonObject

MAXIMUM_VALUE: Final = 200
MAXIMUM_NAME: Final = 100
CUT: Final = "... (cut short; the page has all of it)"

# Anything but plain characters; a slash that would make a URL, a parenthesis that would make a
# Markdown link, an at sign that would make a mention.
_UNSAFE: Final = re.compile(
    r"""[^A-Za-z0-9 _.,:;=+/*@{}\[\]()'"-]|(?<=[:/])/|(?<=\])\(|(?<![A-Za-z0-9])@"""
)


def plain(text: str, maximum: int) -> str:
    """A text that no reader of notifications can take for anything but text, cut to a length."""
    cut = text if len(text) <= maximum else text[:maximum] + CUT
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)


def notice_text(record: ApprovalRecord, arguments: JsonObject) -> str:
    """The message for people."""
    lines = [
        *_OPENINGS[kind_of(record.binding)](record),
        f"Asked by: {_requester(record)}",
        f"Rule: {plain(record.binding.rule, MAXIMUM_NAME)}",
    ]
    if record.reason:
        lines.append(f"Reason: {plain(record.reason, MAXIMUM_VALUE)}")
    shown = _shown(record, arguments).items()
    lines += [f"{plain(name, MAXIMUM_NAME)}: {value}" for name, value in shown]
    lines += [
        f"Until: {_utc(record.expires_at)}",
        "",
        f"Look at it and decide: {record.link}",
        "The page shows what will run. This message opens nothing by itself.",
    ]
    return "\n".join(lines)


def _call_opening(record: ApprovalRecord) -> list[str]:
    return [
        "A call waits for your approval. It is not executed until you decide.",
        "",
        f"Tool: {record.binding.tool} (server {record.binding.server})",
    ]


def _policy_opening(_record: ApprovalRecord) -> list[str]:
    return ["A policy waits for your approval. It is not in force until you decide.", ""]


_OPENINGS: Final[Mapping[RequestKind, Callable[[ApprovalRecord], list[str]]]] = {
    RequestKind.CALL: _call_opening,
    RequestKind.POLICY: _policy_opening,
}


def notice_event(record: ApprovalRecord, arguments: JsonObject) -> str:
    """The detail of the event for machines, a JSON object."""
    binding = record.binding
    shown: JsonObject = dict(_shown(record, arguments))
    detail: JsonObject = {
        "id": record.id,
        "kind": kind_of(binding).value,
        "server": binding.server,
        "tool": binding.tool,
        "rule": binding.rule,
        "requester": {"subject": record.requester.subject, "person": person_of(record.requester)},
        "approvers": list(record.terms.approvers),
        "min_approvals": record.terms.min_approvals,
        "arguments": shown,
        "asked_at": record.asked_at,
        "expires_at": record.expires_at,
        "link": record.link,
    }
    return strictjson.dump(detail).decode("utf-8")


def _requester(record: ApprovalRecord) -> str:
    subject, person = record.requester.subject, record.requester.person
    named = plain(subject, MAXIMUM_NAME)
    return f"{named} ({plain(person, MAXIMUM_NAME)})" if person and person != subject else named


def _shown(record: ApprovalRecord, arguments: JsonObject) -> dict[str, str]:
    """The arguments the rule shows, masked, as plain texts by their paths."""
    if not record.terms.show:
        return {}
    call = Call(
        server=record.binding.server,
        kind=Kind.TOOL,
        name=record.binding.tool,
        arguments=masked(arguments),
        principal=record.requester,
        session=record.session,
    )
    context = Context(call, Instant(micros=record.asked_at * 1_000_000))
    return {path.text: _value(lookup(path, context)) for path in record.terms.show}


def _value(found: Found) -> str:
    if isinstance(found, Missing):
        return "(not given)"
    return plain(strictjson.dump(found).decode("utf-8"), MAXIMUM_VALUE)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
