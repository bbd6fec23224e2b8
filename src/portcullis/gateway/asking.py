"""Asking for an approval: find the request a call speaks of, or make a new one.

One call, made again and again or many times at once, is one request, one workflow, one
notification. Nothing is answered before a workflow is known to wait.
"""

from collections.abc import Callable
from dataclasses import dataclass

from portcullis import strictjson
from portcullis.approvals import life
from portcullis.approvals.asking import ask_key, still_speaks
from portcullis.approvals.notice import notice_event, notice_text
from portcullis.approvals.record import ApprovalRecord, Binding
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import (
    ARGUMENTS,
    OPEN_STATES,
    ApprovalStore,
    Question,
    Vault,
    Workflow,
)
from portcullis.gateway.ports import Refused
from portcullis.gateway.waking import wake
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.model import Approval, Principal
from portcullis.values import JsonObject

MAXIMUM_ARGUMENT_BYTES = 128 * 1024  # what a person can be shown on one page
SUPERSEDED = "asked again under another policy or definition"
_ATTEMPTS = 6

TOO_LARGE = "The arguments are too large for a person to look at, so nobody can approve this call."
TOO_MANY = (
    "Too many of your calls wait for an approval already. Wait until some are decided, or "
    "cancel them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call that needs an approval, with everything the approval is bound to."""

    requester: Principal
    binding: Binding
    arguments: JsonObject
    terms: Approval
    reason: str | None
    session: str
    scope: str
    era: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTerms:
    """What the deployment settled: open requests a principal may have, and the cool-down."""

    cap: int
    cooldown_seconds: int


class Asker:
    """Finds or makes requests. Every method may raise `ApprovalUnavailableError`."""

    def __init__(
        self,
        store: ApprovalStore,
        workflow: Workflow,
        vault: Vault,
        terms: AskTerms,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._vault = vault
        self._terms = terms
        self._new_id = new_id

    def ask(
        self, asked: Asked, *, check: Callable[[], Refused | None], now: int
    ) -> ApprovalRecord | Deny | Refused:
        """Answer the request this call speaks of; a Deny where nobody can be asked.

        A new request is made only where `check` finds no limit that would refuse the call
        now: people are not asked about what could not be carried out.
        """
        content = strictjson.canonical(asked.arguments)
        if len(content) > MAXIMUM_ARGUMENT_BYTES:
            return _refused(Outcome.APPROVAL_UNSUPPORTED, asked, TOO_LARGE)
        key = ask_key(asked.requester, asked.binding)
        for _ in range(_ATTEMPTS):
            seen = self._store.find(key)
            known = None if seen is None else self._store.read(seen)
            if known is not None and self._speaks(known, asked, now):
                return self._started(known)
            if known is not None and not self._superseded(known, now):
                continue
            refused = check()
            if refused is not None:
                return refused
            made = self._make(asked, content, key=key, seen=seen, now=now)
            if made is not None:
                return made if isinstance(made, Deny) else self._started(made)
        raise ApprovalStoreError("the approvals of this call kept moving")

    def cancel(self, record: ApprovalRecord, *, note: str, now: int) -> ApprovalRecord:
        """Take a request back where that can still be done; answer it as it is then."""
        for _ in range(_ATTEMPTS):
            changed = life.cancel(record, note=note, now=now)
            if isinstance(changed, life.Refusal):
                return record
            replaced = self._store.replace(record, changed)
            if replaced is not None:
                wake(self._workflow, replaced)
                return replaced.record
            again = self._store.read(record.id)
            if again is None:
                break
            record = again
        raise ApprovalStoreError("the approval kept moving")

    def _speaks(self, known: ApprovalRecord, asked: Asked, now: int) -> bool:
        cooldown = self._terms.cooldown_seconds
        return still_speaks(known, asked.binding, now=now, cooldown_seconds=cooldown)

    def _superseded(self, known: ApprovalRecord, now: int) -> bool:
        """Close an open request that no longer fits the call; False where it has just moved."""
        if known.state is not State.PENDING or life.is_over(known, now=now):
            return True
        changed = life.cancel(known, note=SUPERSEDED, now=now)
        if isinstance(changed, life.Refusal):
            return True
        replaced = self._store.replace(known, changed)
        if replaced is not None:
            wake(self._workflow, replaced)
        return replaced is not None

    def _make(
        self, asked: Asked, content: bytes, *, key: str, seen: str | None, now: int
    ) -> ApprovalRecord | Deny | None:
        """Store a new request; None where somebody else was faster."""
        listed = self._store.open_requests(asked.requester.key)
        others = tuple((one, expires) for one, expires in listed.requests if expires > now)
        if len(others) >= self._terms.cap:
            others = tuple(one for one in others if self._is_open(one[0]))
        if len(others) >= self._terms.cap:
            return _refused(Outcome.APPROVAL_LIMIT, asked, TOO_MANY)
        record = _record(asked, approval_id=self._new_id(), previous=seen, now=now)
        question = Question(
            record=record,
            sealed_arguments=self._vault.seal(record.id, ARGUMENTS, content),
            key=key,
            notice=notice_text(record, asked.arguments),
            event=notice_event(record, asked.arguments),
            seen=seen,
            others=others,
            others_version=listed.version,
        )
        return record if self._store.create(question) else None

    def _is_open(self, approval_id: str) -> bool:
        record = self._store.read(approval_id)
        return record is not None and record.state in OPEN_STATES

    def _started(self, record: ApprovalRecord) -> ApprovalRecord:
        """Make sure that something waits; starting twice is the same as once."""
        if record.is_started or record.state not in OPEN_STATES:
            return record
        self._workflow.start(record)
        replaced = self._store.replace(record, life.started(record))
        return record if replaced is None else replaced.record


def _record(asked: Asked, *, approval_id: str, previous: str | None, now: int) -> ApprovalRecord:
    return ApprovalRecord(
        id=approval_id,
        binding=asked.binding,
        requester=asked.requester,
        terms=asked.terms,
        reason=asked.reason,
        session=asked.session,
        scope=asked.scope,
        era=asked.era,
        asked_at=now,
        expires_at=now + asked.terms.timeout_seconds,
        link=f"{asked.base_url}/approvals/{approval_id}",
        previous=previous,
    )


def _refused(outcome: Outcome, asked: Asked, reason: str) -> Deny:
    return Deny(outcome=outcome, rule=asked.binding.rule, reason=reason)
