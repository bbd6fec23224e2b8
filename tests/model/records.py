"""Approval records and votes for tests: defaults that pass, changed by keyword."""

from dataclasses import replace

from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.policy.model import Approval, Principal

ASKED, EXPIRES = 1_000, 1_900  # epoch seconds


class Nothing(dict[str, str]):
    """An empty mapping that has a hash, so that records can be members of sets."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0


NOTHING = Nothing()


def make_requester(**changes: object) -> Principal:
    """The principal of an agent's grant; a person named rita stands behind it."""
    values: dict[str, object] = {
        "issuer": "portcullis:grant",
        "subject": "build-agent",
        "person": "rita",
        "tags": NOTHING,
        "claims": NOTHING,
        **changes,
    }
    return Principal(**values)  # type: ignore[arg-type]


def make_binding(**changes: str) -> Binding:
    """What the request is bound to."""
    values = {
        "server": "amazon-mq",
        "registration": "r1",
        "tool": "create_broker",
        "definition": "d1",
        "arguments": "a1",
        "revision": "p1",
        "rule": "create_broker",
        **changes,
    }
    return Binding(**values)


def make_terms(**changes: object) -> Approval:
    """Anna, Ben, or one of the platform team, for a quarter of an hour."""
    values: dict[str, object] = {
        "approvers": ("anna", "ben", "group:platform"),
        "timeout_seconds": EXPIRES - ASKED,
        **changes,
    }
    return Approval(**values)  # type: ignore[arg-type]


def make_record(**changes: object) -> ApprovalRecord:
    """A request that waits for its first approver."""
    record = ApprovalRecord(
        id="0123456789abcdef",
        binding=make_binding(),
        requester=make_requester(),
        terms=make_terms(),
        reason=None,
        session="slot-0",
        scope="scope",
        era="modern",
        asked_at=ASKED,
        expires_at=EXPIRES,
        link="https://gate.example/approvals/0123456789abcdef",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def make_vote(human: str = "anna", /, **changes: object) -> Vote:
    """The word of a person under a credential of their own."""
    values: dict[str, object] = {
        "key": f"16:portcullis:grant|{human}",
        "person": human,
        "subject": human,
        "groups": (),
        "at": ASKED,
        **changes,
    }
    return Vote(**values)  # type: ignore[arg-type]
