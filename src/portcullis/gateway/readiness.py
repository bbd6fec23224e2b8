"""Whether an approved call may still be made: everything it was approved for, as it is now.

An approval is bound to what a person saw. What changed since then, in the caller, the server,
the tool or the policy, is judged anew, and what cannot be told is an error, not a yes.
"""

from dataclasses import dataclass

from portcullis.approvals.identity import standing
from portcullis.approvals.record import ApprovalRecord
from portcullis.gateway.approval_ports import ARGUMENTS, ApprovalStore, Credentials, Vault
from portcullis.gateway.deciding import arguments_of, call_of
from portcullis.gateway.fingerprints import definition_digest
from portcullis.gateway.governed import input_schema
from portcullis.gateway.ports import PolicyStore, Registered, SnapshotStore, Upstreams
from portcullis.gateway.work import NotReady
from portcullis.policy.decision import Deny, RequireApproval, Take
from portcullis.policy.drift import decide
from portcullis.policy.model import Instant
from portcullis.values import JsonObject

CREDENTIAL_GONE = "the caller's credential has expired or was revoked"
SERVER_CHANGED = "the server is registered differently now"
TOOL_CHANGED = "the tool has changed since it was asked for"
POLICY_CHANGED = "the policy wants other approvals now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A call that may be made, once its limits are taken and it is claimed."""

    target: Registered
    arguments: JsonObject
    input_schema: JsonObject
    takes: tuple[Take, ...]
    rule: str
    revision: str


class Readiness:
    """Checks approved calls. Raises `UnavailableError` where something cannot be told."""

    def __init__(
        self,
        *,
        policies: PolicyStore,
        snapshots: SnapshotStore,
        store: ApprovalStore,
        vault: Vault,
        credentials: Credentials,
        upstreams: Upstreams,
    ) -> None:
        self._policies = policies
        self._snapshots = snapshots
        self._store = store
        self._vault = vault
        self._credentials = credentials
        self._upstreams = upstreams

    def of(self, record: ApprovalRecord, *, now: Instant) -> Ready | NotReady:
        """Answer whether the call of an APPROVED record may be made now."""
        binding, seconds = record.binding, now.micros // 1_000_000
        if not self._credentials.is_live(record.requester.credential, now_seconds=seconds):
            return NotReady(reason=CREDENTIAL_GONE)
        target = self._upstreams.find(binding.server, now=now)
        if target is None or target.digest != binding.registration:
            return NotReady(reason=SERVER_CHANGED)
        definition = self._snapshots.current(target, now=now).tools.get(binding.tool)
        if definition is None or definition_digest(definition) != binding.definition:
            return NotReady(reason=TOOL_CHANGED)
        sealed = self._store.sealed_arguments(record.id)
        arguments = arguments_of(record, self._vault.open(record.id, ARGUMENTS, sealed))
        return self._judged(record, arguments, definition, target=target, now=now)

    def _judged(
        self,
        record: ApprovalRecord,
        arguments: JsonObject,
        definition: JsonObject,
        *,
        target: Registered,
        now: Instant,
    ) -> Ready | NotReady:
        policy = self._policies.current(record.binding.server, now=now)
        decision = decide(policy, call_of(record, arguments), definition, now=now)
        if isinstance(decision, Deny):
            return NotReady(reason=f"the policy denies it now: {decision.reason}")
        terms = record.terms
        if isinstance(decision, RequireApproval):
            terms = decision.approval
        if standing(record.approvals, terms, record.requester) < terms.min_approvals:
            return NotReady(reason=POLICY_CHANGED)
        return Ready(
            target=target,
            arguments=arguments,
            input_schema=input_schema(definition),
            takes=decision.obligations,
            rule=decision.rule,
            revision=policy.revision,
        )
