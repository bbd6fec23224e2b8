"""A policy that people have to approve before it is in force: the release, and its requests.

One upload over one policy in force is one request, however often it is asked about. Only the
run of the activator that the executor starts, for a request that it has claimed, releases; and
only where everything the request is bound to is as it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from portcullis.activation.changes import changes_between
from portcullis.activation.history import iso
from portcullis.activation.release import (
    Answer,
    InForce,
    Refused,
    Release,
    Released,
    Upload,
    Waiting,
)
from portcullis.approvals.asking import ask_key
from portcullis.approvals.identity import standing
from portcullis.approvals.kinds import ACTIVATE_POLICY, POLICY_SERVER, RequestKind, kind_of
from portcullis.approvals.life import seen_state
from portcullis.approvals.policy_change import (
    NOTHING,
    UNREADABLE,
    PolicyChange,
    governed_server,
    policy_terms,
)
from portcullis.approvals.record import ApprovalRecord, Binding
from portcullis.approvals.states import State
from portcullis.approvals.visible_text import visible
from portcullis.gateway.approval_ports import ApprovalStore
from portcullis.gateway.asking import Asked, Asker
from portcullis.gateway.fingerprints import definition_digest, registration_digest
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault
from portcullis.policy.fingerprint import digest
from portcullis.policy.model import Approval, Call, Kind, Principal
from portcullis.protocol.versions import Era
from portcullis.values import JsonMapping

ISSUER = "aws-s3"  # S3 says where something was uploaded, and not who did it
RULE = "PolicyApprovers"
SUPERSEDED = "a newer upload, or another policy, took its place"
NOT_CLAIMED = "no request that is being carried out stands behind it"
CHANGED = "the newest upload, or what is in force, is not what was approved"
OTHER_APPROVALS = "the deployment wants other approvals now"
TOO_LARGE = "it is too large for people to look at"
TOO_MANY = "too many uploads of it wait for an approval"
AGAIN = "upload it again"

_REASON = "A policy is approved before it is in force."
_MOST_PEOPLE = 10
_LONGEST_NAME = 100  # characters
_OPEN = (State.PENDING, State.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTerms:
    """What the deployment settled: who approves, how many, and where everything is."""

    approvers: tuple[str, ...]
    needed: int
    seconds: int
    account: str
    bucket: str
    base_url: str


class PolicyRequests:
    """The requests for approval of uploaded policies."""

    def __init__(self, store: ApprovalStore, asker: Asker, terms: ApprovalTerms) -> None:
        self._store = store
        self._asker = asker
        self._terms = terms

    def release(self, carrying: str | None = None) -> Release:
        """The release of one run; `carrying` is the claimed request that the run carries out."""
        return _ByApproval(self._store, self._asker, self._terms, carrying)

    def server_of(self, approval_id: str) -> str | None:
        """The server whose policy a request is about; None for any other request.

        Raises:
            ApprovalStoreError: it cannot be told.
        """
        record = self._store.read(approval_id)
        if record is None or kind_of(record.binding) is not RequestKind.POLICY:
            return None
        return governed_server(record)

    def supersede(self, server: str, *, kept: object, now_seconds: int) -> None:
        """Close the open requests of a server but the one that its status waits for.

        Raises:
            ApprovalUnavailableError: it cannot be told whether all are closed.
        """
        listed = self._store.open_requests(requester_of(self._terms, server).key)
        for approval_id, _ in listed.requests:
            record = None if approval_id == kept else self._store.read(approval_id)
            if record is not None and record.state in _OPEN:
                self._asker.cancel(record, note=SUPERSEDED, now=now_seconds)


def requester_of(terms: ApprovalTerms, server: str) -> Principal:
    """Who asks: the object that was written. It is nobody's name, so nobody is refused as it."""
    subject = f"{terms.account}/{terms.bucket}/incoming/policies/{server}.yaml"
    return Principal(issuer=ISSUER, subject=subject)


@dataclass(frozen=True, slots=True)
class _ByApproval(Release):
    _store: ApprovalStore
    _asker: Asker
    _terms: ApprovalTerms
    _carrying: str | None

    def decide(
        self, upload: Upload, loaded: Loaded, active: InForce | None, *, now_seconds: int
    ) -> Answer:
        """See `Release.decide`."""
        if active is not None and active.revision == loaded.policy.revision:
            return Released()  # there is nothing to put in force
        asked = self._asked(upload, loaded, active)
        if self._carrying is not None:
            return self._carried(self._carrying, asked)
        known = self._known(asked)
        ended = None if known is None else _ENDINGS.get(seen_state(known, now=now_seconds))
        if known is not None and ended is not None:
            return Refused(faults=[ended(known)])
        record = self._asker.ask(asked, check=lambda: None, now=now_seconds)
        if isinstance(record, ApprovalRecord):
            return _waiting(record)
        is_large = isinstance(record, Deny) and record.outcome is Outcome.APPROVAL_UNSUPPORTED
        return Refused(faults=[_fault(TOO_LARGE, "") if is_large else _fault(TOO_MANY)])

    def _carried(self, approval_id: str, asked: Asked) -> Answer:
        record = self._store.read(approval_id)
        if record is None or record.state is not State.EXECUTING:
            return Refused(faults=[_fault(NOT_CLAIMED)])
        if record.binding != asked.binding or record.requester != asked.requester:
            return Refused(faults=[_fault(CHANGED)])
        if standing(record.approvals, asked.terms, record.requester) < asked.terms.min_approvals:
            return Refused(faults=[_fault(OTHER_APPROVALS)])
        return Released(facts={"approval": record.id, "approved_by": [*_people(record, asked)]})

    def _known(self, asked: Asked) -> ApprovalRecord | None:
        found = self._store.find(ask_key(asked.requester, asked.binding))
        return None if found is None else self._store.read(found)

    def _asked(self, upload: Upload, loaded: Loaded, active: InForce | None) -> Asked:
        requester = requester_of(self._terms, upload.server)
        arguments = _change(upload, loaded, active).arguments()
        place = {"bucket": self._terms.bucket, "policy": upload.server}
        call = Call(
            server=POLICY_SERVER,
            kind=Kind.TOOL,
            name=ACTIVATE_POLICY,
            arguments=arguments,
            principal=requester,
            session="",
        )
        return Asked(
            requester=requester,
            binding=Binding(
                server=POLICY_SERVER,
                registration=registration_digest({**place}),
                tool=ACTIVATE_POLICY,
                definition=definition_digest({"name": ACTIVATE_POLICY}),
                arguments=digest(call),
                revision=loaded.policy.revision,
                rule=RULE,
            ),
            arguments=arguments,
            terms=self._approval(),
            reason=_REASON,
            session="",
            scope=upload.server,
            era=Era.MODERN.value,
            base_url=self._terms.base_url,
        )

    def _approval(self) -> Approval:
        terms = self._terms
        return policy_terms(terms.approvers, needed=terms.needed, seconds=terms.seconds)


def _people(record: ApprovalRecord, asked: Asked) -> Iterator[str]:
    """Who stands behind it, for those who look back when the request is gone."""
    counted = [
        one for one in record.approvals if standing([one], asked.terms, record.requester) == 1
    ]
    for vote in counted[:_MOST_PEOPLE]:
        yield visible(vote.person or vote.subject)[:_LONGEST_NAME]


def _change(upload: Upload, loaded: Loaded, active: InForce | None) -> PolicyChange:
    return PolicyChange(
        server=upload.server,
        version_id=upload.version,
        digest=upload.digest,
        revision=loaded.policy.revision,
        replaces=_replaced(active),
        changes=changes_between(_document(active), loaded.policy.document),
        text=upload.body.decode("utf-8"),
    )


def _replaced(active: InForce | None) -> str:
    if active is None:
        return NOTHING
    return active.revision if active.is_readable else UNREADABLE


def _document(active: InForce | None) -> JsonMapping | None:
    return None if active is None else active.document


def _waiting(record: ApprovalRecord) -> Waiting:
    needed, given = record.terms.min_approvals, len(record.approvals)
    text = f"{given} of {needed} people have approved it; they have until {iso(record.expires_at)}"
    if record.state is not State.PENDING:
        text = "it was approved, and is put in force next"
    return Waiting(text=text, approval=record.id, url=record.link)


def _fault(message: str, suggestion: str | None = AGAIN) -> Fault:
    return Fault(path="", message=message, suggestion=suggestion or None)


def _denied(record: ApprovalRecord) -> Fault:
    comment = "" if record.denial is None else visible(record.denial.comment)  # on one line
    return _fault("an approver denied it" + (f": `{comment}`" if comment else ""), "")


# A request that has ended says what became of this very upload over this very policy; where
# none has, or one was closed in favour of another upload, people are asked.
_ENDINGS: Mapping[State, Callable[[ApprovalRecord], Fault]] = {
    State.DENIED: _denied,
    State.EXPIRED: lambda _: _fault("it was not approved in time"),
    State.FAILED: lambda one: _fault(f"it was approved, but not put in force: {one.note}"),
    State.UNKNOWN: lambda _: _fault("it was approved, but nobody could tell what came of it"),
    State.DONE: lambda _: _fault("it was put in force once, and is not in force any more"),
}
