"""A record's two halves as JSON: its fixed facts, and its life, which is written anew.

What may live here: the members of both, written and read back. Reading is strict and raises
`ValueError`, `StrictJsonError` or `PathError` for what is not as we write it.
"""

from portcullis.adapters.principal_json import NAMES as PRINCIPAL
from portcullis.adapters.principal_json import principal_of, principal_tree
from portcullis.adapters.stored_objects import StoredObject
from portcullis.approvals.record import ApprovalRecord, Binding, Vote
from portcullis.approvals.states import State
from portcullis.policy.model import Approval
from portcullis.policy.paths import compile_path
from portcullis.strictjson import MAX_DEPTH, dump, parse
from portcullis.values import JsonObject, JsonValue

# Claims are as deep as a message may be, and stand inside an object of ours.
_FACTS_DEPTH = MAX_DEPTH + 4

_BINDING = ("server", "registration", "tool", "definition", "arguments", "revision", "rule")
_TERMS = ("approvers", "timeout_seconds", "min_approvals", "show")
_FACTS = (
    "binding", "requester", "terms", "reason", "session", "scope", "era", "link", "previous",
)  # fmt: skip
_VOTE = ("key", "person", "subject", "groups", "at", "comment")
_LIFE = (
    "state", "version", "is_started", "approvals", "denial", "claimed_at", "ended_at", "note",
    "result_parts", "delivered_at",
)  # fmt: skip


def facts_text(record: ApprovalRecord) -> str:
    """What is fixed when a request is made, but for its id and instants."""
    binding, requester, terms = record.binding, record.requester, record.terms
    facts: JsonObject = {
        "binding": {name: getattr(binding, name) for name in _BINDING},
        "requester": principal_tree(requester),
        "terms": {
            "approvers": list(terms.approvers),
            "timeout_seconds": terms.timeout_seconds,
            "min_approvals": terms.min_approvals,
            "show": [path.text for path in terms.show],
        },
        "reason": record.reason,
        "session": record.session,
        "scope": record.scope,
        "era": record.era,
        "link": record.link,
        "previous": record.previous,
    }
    return dump(facts).decode()


def life_text(record: ApprovalRecord) -> str:
    """What changes with the life cycle."""
    life: JsonObject = {
        "state": record.state.value,
        "version": record.version,
        "is_started": record.is_started,
        "approvals": [_vote(vote) for vote in record.approvals],
        "denial": None if record.denial is None else _vote(record.denial),
        "claimed_at": record.claimed_at,
        "ended_at": record.ended_at,
        "note": record.note,
        "result_parts": record.result_parts,
        "delivered_at": record.delivered_at,
    }
    return dump(life).decode()


def record_of(
    approval_id: str, *, asked_at: int, expires_at: int, facts: str, life: str
) -> ApprovalRecord:
    """The record whose halves these are."""
    fixed = StoredObject(parse(facts.encode(), max_depth=_FACTS_DEPTH), _FACTS)
    moving = StoredObject(parse(life.encode()), _LIFE)
    binding = fixed.object("binding", _BINDING)
    denial = moving.value("denial")
    return ApprovalRecord(
        id=approval_id,
        binding=Binding(**{name: binding.text(name) for name in _BINDING}),
        requester=principal_of(fixed.object("requester", PRINCIPAL)),
        terms=_terms_of(fixed.object("terms", _TERMS)),
        reason=fixed.text_or_none("reason"),
        session=fixed.text("session"),
        scope=fixed.text("scope"),
        era=fixed.text("era"),
        asked_at=asked_at,
        expires_at=expires_at,
        link=fixed.text("link"),
        previous=fixed.text_or_none("previous"),
        state=State(moving.text("state")),
        version=moving.whole("version"),
        is_started=moving.flag("is_started"),
        approvals=tuple(_vote_of(one) for one in moving.elements("approvals")),
        denial=None if denial is None else _vote_of(denial),
        claimed_at=moving.whole_or_none("claimed_at"),
        ended_at=moving.whole_or_none("ended_at"),
        note=moving.text("note"),
        result_parts=moving.whole("result_parts"),
        delivered_at=moving.whole_or_none("delivered_at"),
    )


def _vote(vote: Vote) -> JsonObject:
    return {
        "key": vote.key,
        "person": vote.person,
        "subject": vote.subject,
        "groups": list(vote.groups),
        "at": vote.at,
        "comment": vote.comment,
    }


def _terms_of(stored: StoredObject) -> Approval:
    return Approval(
        approvers=stored.texts("approvers"),
        timeout_seconds=stored.whole("timeout_seconds", least=1),
        min_approvals=stored.whole("min_approvals", least=1),
        show=tuple(compile_path(text) for text in stored.texts("show")),
    )


def _vote_of(value: JsonValue) -> Vote:
    stored = StoredObject(value, _VOTE)
    return Vote(
        key=stored.text("key"),
        person=stored.text("person"),
        subject=stored.text("subject"),
        groups=stored.texts("groups"),
        at=stored.whole("at"),
        comment=stored.text("comment"),
    )
