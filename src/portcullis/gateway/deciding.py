"""What approvers see and do: list, look at, approve and deny requests.

The decision is the conditional write; waking the workflow afterwards is a courtesy, because it
looks again by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from portcullis import strictjson
from portcullis.approvals import life
from portcullis.approvals.identity import person_of
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord, Vote
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError, VaultError
from portcullis.gateway.approval_ports import ARGUMENTS, ApprovalStore, Vault, Workflow
from portcullis.gateway.waking import wake
from portcullis.policy.fingerprint import digest
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.values import JsonObject

MAXIMUM_LISTED = 100
_ATTEMPTS = 8


class Word(Enum):
    """What an approver says."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks and decides: the principal of an approver's verified credential."""

    principal: Principal
    is_admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A request with the arguments that will run, to the byte; and why the viewer cannot decide.

    `previous` is the last request for the same call, where there was one.
    """

    record: ApprovalRecord
    arguments: JsonObject
    refusal: Refusal | None
    previous: ApprovalRecord | None = None


class Desk:
    """Serves approvers. Every method may raise `UnavailableError`: then nothing was decided."""

    def __init__(
        self,
        store: ApprovalStore,
        workflow: Workflow,
        vault: Vault,
        *,
        clock: Callable[[], Instant],
    ) -> None:
        self._store = store
        self._workflow = workflow
        self._vault = vault
        self._clock = clock

    def listed(self, viewer: Viewer, *, is_open: bool) -> tuple[ApprovalRecord, ...]:
        """The requests this person may see, newest first."""
        found = self._store.listed(is_open=is_open, limit=MAXIMUM_LISTED)
        return tuple(record for record in found if self._may_see(record, viewer))

    def show(self, approval_id: str, viewer: Viewer) -> Shown | None:
        """One request in full; None where there is none that this person may see.

        Raises:
            VaultError: the stored arguments are not those that were asked for.
        """
        record = self._find(approval_id, viewer)
        if record is None:
            return None
        sealed = self._store.sealed_arguments(record.id)
        arguments = arguments_of(record, self._vault.open(record.id, ARGUMENTS, sealed))
        refusal = life.refusal_to_decide(record, self._vote(viewer, ""), now=self._now())
        previous = None if record.previous is None else self._store.read(record.previous)
        return Shown(record=record, arguments=arguments, refusal=refusal, previous=previous)

    def decide(
        self, approval_id: str, viewer: Viewer, word: Word, *, comment: str
    ) -> ApprovalRecord | Refusal | None:
        """Carry out one person's word; None where there is no such request for this person."""
        change = life.approve if word is Word.APPROVE else life.deny
        for _ in range(_ATTEMPTS):
            record = self._find(approval_id, viewer)
            if record is None:
                return None
            changed = change(record, self._vote(viewer, comment), now=self._now())
            if isinstance(changed, Refusal):
                return changed
            replaced = self._store.replace(record, changed)
            if replaced is not None:
                if changed.state is not State.PENDING:
                    wake(self._workflow, replaced)
                return replaced.record
        raise ApprovalStoreError("the approval kept moving")

    def _find(self, approval_id: str, viewer: Viewer) -> ApprovalRecord | None:
        record = self._store.read(approval_id)
        return record if record is not None and self._may_see(record, viewer) else None

    def _may_see(self, record: ApprovalRecord, viewer: Viewer) -> bool:
        return life.may_see(record, viewer.principal, is_admin=viewer.is_admin)

    def _vote(self, viewer: Viewer, comment: str) -> Vote:
        principal = viewer.principal
        return Vote(
            key=principal.key,
            person=person_of(principal),
            subject=principal.subject,
            groups=principal.groups or (),
            at=self._now(),
            comment=comment,
        )

    def _now(self) -> int:
        return self._clock().micros // 1_000_000


def call_of(record: ApprovalRecord, arguments: JsonObject) -> Call:
    """The call a request asks for, as the decision point judges it."""
    return Call(
        server=record.binding.server,
        kind=Kind.TOOL,
        name=record.binding.tool,
        arguments=arguments,
        principal=record.requester,
        session=record.session,
    )


def arguments_of(record: ApprovalRecord, content: bytes) -> JsonObject:
    """The arguments behind stored bytes, held against the digest the approval is bound to.

    Raises:
        VaultError: they are not those that were asked for.
    """
    arguments = strictjson.parse(content)
    if not isinstance(arguments, dict):
        raise VaultError("the stored arguments are not an object")
    if digest(call_of(record, arguments)) == record.binding.arguments:
        return arguments
    raise VaultError("the stored arguments are not those that were asked for")
