"""Approvals for tests: defaults that pass, override by keyword."""

from typing import Any

from portcullis.approvals.asking import ask_key
from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.gateway.approval_ports import Question
from portcullis.policy.model import Approval, Instant, Principal
from portcullis.policy.paths import compile_path
from support.takes import START_SECONDS, at

TIMEOUT_SECONDS = 1800
ALICE = Principal(
    issuer="portcullis:grant",
    subject="alice-agent",
    person="alice@example.com",
    credential="grant:" + "a" * 64,
    groups=("developers",),
    tags={"team": "messaging"},
)
TERMS = Approval(
    approvers=("group:platform", "carol@example.com"),
    timeout_seconds=TIMEOUT_SECONDS,
    show=(compile_path("args.user_name"), compile_path('args["policy document"][0]')),
)


def make_binding(**changes: Any) -> Binding:
    """A call of `put_user_policy` under digests that are easy to tell apart."""
    defaults = {
        "server": "aws-iam",
        "registration": "1" * 64,
        "tool": "put_user_policy",
        "definition": "2" * 64,
        "arguments": "3" * 64,
        "revision": "4" * 64,
        "rule": "put_user_policy/1",
    }
    return Binding(**{**defaults, **changes})


def make_vote(name: str = "bob", **changes: Any) -> Vote:
    """The word of an approver in the group that the rule names."""
    defaults = {
        "key": f"16:portcullis:grant|{name}",
        "person": f"{name}@example.com",
        "subject": name,
        "groups": ("platform",),
        "at": START_SECONDS + 60,
    }
    return Vote(**{**defaults, **changes})


def make_record(**changes: Any) -> ApprovalRecord:
    """A request of Alice's agent that has just been made."""
    defaults = {
        "id": "0" * 31 + "1",
        "binding": make_binding(),
        "requester": ALICE,
        "terms": TERMS,
        "reason": "IAM changes are looked at.",
        "session": "slot-1",
        "scope": "5" * 64,
        "era": "modern",
        "asked_at": START_SECONDS,
        "expires_at": START_SECONDS + TIMEOUT_SECONDS,
        "link": "https://gate.example/approvals/" + "0" * 31 + "1",
    }
    return ApprovalRecord(**{**defaults, **changes})


def make_question(record: ApprovalRecord | None = None, **changes: Any) -> Question:
    """The first request for this call, by somebody who has no other."""
    record = make_record() if record is None else record
    defaults = {
        "record": record,
        "sealed_arguments": b"sealed arguments of " + record.id.encode(),
        "key": ask_key(record.requester, record.binding),
        "notice": f"A call of {record.binding.tool} waits for an approval.",
        "event": '{"id":"' + record.id + '"}',
        "seen": None,
        "others": (),
        "others_version": 0,
    }
    return Question(**{**defaults, **changes})


class Clock:
    """The clock of a store; tests move it."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds  # after the start of the tests' time

    def __call__(self) -> Instant:
        return at(self.seconds)
