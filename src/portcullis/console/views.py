"""A request as the JSON API tells it. Secrets are masked, the digest of what runs is whole."""

from portcullis.approvals.identity import is_same_person, person_of
from portcullis.approvals.kinds import kind_of
from portcullis.approvals.life import seen_state
from portcullis.approvals.presentation import Presentation
from portcullis.approvals.record import ApprovalRecord, Vote
from portcullis.approvals.showing import SHOWINGS
from portcullis.console.times import iso
from portcullis.console.wording import EARLIER, REFUSALS
from portcullis.gateway.deciding import Shown, Viewer
from portcullis.values import JsonObject

NOT_ALL = "The arguments are too long to be shown in full; this request can only be denied."


def has_approved(record: ApprovalRecord, viewer: Viewer) -> bool:
    """Whether a person has said yes to a request before."""
    return any(
        is_same_person(viewer.principal, vote.key, vote.person, vote.subject)
        for vote in record.approvals
    )


def presented(shown: Shown) -> Presentation:
    """What a person sees of a request's arguments."""
    record = shown.record
    return SHOWINGS[kind_of(record.binding)].present(shown.arguments, record.terms.show)


def notes(shown: Shown, presentation: Presentation) -> list[str]:
    """What to look at first: what became of the same call before, then the arguments' risks."""
    whole = () if presentation.is_complete else (NOT_ALL,)
    return [*_earlier(shown.previous), *presentation.notes, *whole]


def _earlier(previous: ApprovalRecord | None) -> list[str]:
    words = None if previous is None else EARLIER.get(previous.state)
    return [] if previous is None or words is None else [f"{words} (request {previous.id})."]


def summary(record: ApprovalRecord, *, now: int) -> JsonObject:
    """A request without its arguments."""
    return {
        "id": record.id,
        "kind": kind_of(record.binding).value,
        "state": seen_state(record, now=now).value,
        "server": record.binding.server,
        "tool": record.binding.tool,
        "requester": {"subject": record.requester.subject, "person": person_of(record.requester)},
        "rule": record.binding.rule,
        "reason": record.reason,
        "revision": record.binding.revision,
        "approvers": list(record.terms.approvers),
        "min_approvals": record.terms.min_approvals,
        "approvals": [_vote(vote) for vote in record.approvals],
        "denial": _vote(record.denial) if record.denial is not None else None,
        "asked_at": iso(record.asked_at),
        "expires_at": iso(record.expires_at),
        "digest": record.binding.arguments,
        "note": record.note,
        "link": record.link,
    }


def in_full(shown: Shown, *, now: int) -> JsonObject:
    """A request with its arguments, and whether this person can decide it."""
    refusal, presentation = shown.refusal, presented(shown)
    return {
        **summary(shown.record, now=now),
        "arguments": _told(shown) if presentation.is_complete else {},
        "notes": [*notes(shown, presentation)],
        "can_decide": refusal is None,
        "cannot_decide": None if refusal is None else REFUSALS[refusal].message,
    }


def _told(shown: Shown) -> JsonObject:
    return SHOWINGS[kind_of(shown.record.binding)].tell(shown.arguments)


def _vote(vote: Vote) -> JsonObject:
    return {"by": vote.person, "at": iso(vote.at), "comment": vote.comment}
