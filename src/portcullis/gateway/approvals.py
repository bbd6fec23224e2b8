"""A call that needs an approval: what its client is answered, by what the client can do.

One request for approval stands behind all ways to wait for it (a task, a link with a state, an
error with a link, a text), so a client may change its way in the middle. Whoever asks, the
answer never executes anything: the executor does, once, and the result is handed over here.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from portcullis import strictjson
from portcullis.approvals import life
from portcullis.approvals.life import RESULT_SECONDS, Refusal, seen_state
from portcullis.approvals.record import ApprovalRecord, Binding
from portcullis.approvals.states import State
from portcullis.errors import (
    ApprovalStoreError,
    ApprovalUnavailableError,
    StrictJsonError,
    VaultError,
)
from portcullis.gateway.approval_ports import OPEN_STATES, RESULT, ApprovalStore, Vault
from portcullis.gateway.approval_wording import (
    UNAVAILABLE,
    UNSUPPORTED,
    approval_meta,
    short_text,
    told,
)
from portcullis.gateway.asking import Asked, Asker
from portcullis.gateway.fingerprints import definition_digest
from portcullis.gateway.governed import Governed
from portcullis.gateway.ports import Refused
from portcullis.gateway.replies import deny, limit_reached, noted
from portcullis.gateway.sessions import principal_digest
from portcullis.gateway.task_view import task_view
from portcullis.policy.decision import Deny, Outcome, RequireApproval
from portcullis.policy.fingerprint import digest
from portcullis.protocol import elicitation, outbound, tasks
from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Rejection
from portcullis.protocol.request_state import (
    LAST_ROUND,
    StateClaims,
    is_own_state,
    seal_state,
    unseal_state,
)
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

STATE_SECONDS = 900  # the longest a sealed state may be carried (mrtr, Security)
POLL_SECONDS = 0.5
CANCELLED_BY_CLIENT = "its requester took it back"
_RUNNING = frozenset((State.APPROVED, State.EXECUTING))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTerms:
    """What the deployment settled about waiting."""

    hold_seconds: int
    legacy_url: bool


class Approvals:
    """Asks, waits a little, and hands results over."""

    def __init__(
        self,
        asker: Asker,
        store: ApprovalStore,
        vault: Vault,
        terms: WaitTerms,
        *,
        keys: Callable[[], Sequence[bytes]],
        pause: Callable[[float], None],
    ) -> None:
        self._asker = asker
        self._store = store
        self._vault = vault
        self._terms = terms
        self._keys = keys
        self._pause = pause

    def answer(
        self, governed: Governed, decision: RequireApproval, check: Callable[[], Refused | None]
    ) -> HttpReply:
        """Answer a call that a rule wants a person to look at.

        `check` says whether its limits would refuse it now: then nobody is asked. It raises
        `CounterStoreError` where that cannot be told.
        """
        definition = governed.definition
        if definition is None:
            denial = Deny(
                outcome=Outcome.APPROVAL_UNSUPPORTED, rule=decision.rule, reason=UNSUPPORTED
            )
            return deny(governed.request, governed.exchange, denial)
        return self._guarded(governed, lambda: self._asked(governed, decision, definition, check))

    def follow(self, governed: Governed) -> HttpReply:
        """Answer a retry that brings our own state back, also where the policy by now allows.

        The request it names goes on; it is the executor that asks the policy again. What the
        policy denies by now was answered before.
        """
        return self._guarded(governed, lambda: self._followed(governed))

    def message_of(self, record: ApprovalRecord) -> JsonObject:
        """The stored answer of the upstream: `{"result": …}` or `{"error": …}`.

        Raises:
            ApprovalUnavailableError: it cannot be read (any more).
        """
        parts = self._store.result(record)
        content = b"".join(self._vault.open(record.id, RESULT, part) for part in parts)
        try:
            message = strictjson.parse(content, max_bytes=len(content))
        except StrictJsonError as error:
            raise VaultError("a stored result is not readable") from error
        if not isinstance(message, dict):
            raise VaultError("a stored result is not a message")
        return message

    def _guarded(self, governed: Governed, answer: Callable[[], HttpReply]) -> HttpReply:
        exchange = governed.exchange
        began = exchange.clock()
        try:
            return answer()
        except ApprovalUnavailableError as error:
            exchange.upstream_outcome = f"approval: {error}"
            denial = Deny(
                outcome=Outcome.APPROVAL_UNAVAILABLE, rule=exchange.rule, reason=UNAVAILABLE
            )
            return deny(governed.request, exchange, denial)
        finally:
            exchange.timed("approval", began)

    def _asked(
        self,
        governed: Governed,
        decision: RequireApproval,
        definition: JsonObject,
        check: Callable[[], Refused | None],
    ) -> HttpReply:
        exchange = governed.exchange
        exchange.rule = decision.rule
        asked = self._question(governed, decision, definition)
        record = self._asker.ask(asked, check=check, now=_now(governed))
        if isinstance(record, Refused):
            return deny(governed.request, exchange, limit_reached(record), refused=record)
        if isinstance(record, Deny):
            return deny(governed.request, exchange, record)
        return self._settled(governed, record, round_=0)

    def _question(
        self, governed: Governed, decision: RequireApproval, definition: JsonObject
    ) -> Asked:
        exchange, call = governed.exchange, governed.call
        binding = Binding(
            server=call.server,
            registration=exchange.target.digest,
            tool=call.name,
            definition=definition_digest(definition),
            arguments=exchange.argument_digest or digest(call),
            revision=governed.policy.revision,
            rule=decision.rule,
        )
        return Asked(
            requester=call.principal,
            binding=binding,
            arguments=dict(call.arguments),
            terms=decision.approval,
            reason=decision.reason,
            session=call.session,
            scope=governed.session.scope,
            era=governed.request.era.value,
            base_url=exchange.base_url,
        )

    def _followed(self, governed: Governed) -> HttpReply:
        claims = self._claims(governed)
        record = None if claims is None else self._store.read(claims.approval)
        if claims is None or record is None:
            return _invalid_state(governed)
        word = elicitation.response_of(governed.request)
        if word in ("decline", "cancel"):
            now = _now(governed)
            record = self._asker.cancel(record, note=CANCELLED_BY_CLIENT, now=now)
        if claims.round == 0 and word is None:
            return self._settled(governed, record, round_=0)  # it has not opened the page yet
        record = self._waited(governed, record, states=OPEN_STATES)
        return self._settled(governed, record, round_=claims.round + 1)

    def _settled(self, governed: Governed, record: ApprovalRecord, *, round_: int) -> HttpReply:
        """Answer a request as it stands."""
        governed.exchange.approval, governed.exchange.rule = record.id, record.binding.rule
        if not tasks.declares_tasks(governed.request):
            record = self._waited(governed, record, states=_RUNNING)
        state = seen_state(record, now=_now(governed))
        if state in OPEN_STATES:
            return self._pending(governed, record, state, round_=round_)
        if state is State.DENIED:
            return _text(governed, record, state)  # for the whole cool-down
        return self._handed_over(governed, record, state)

    def _waited(
        self, governed: Governed, record: ApprovalRecord, *, states: frozenset[State]
    ) -> ApprovalRecord:
        """Look again until the request leaves these states, or the call was held long enough."""
        exchange = governed.exchange
        deadline = exchange.started.micros + self._terms.hold_seconds * 1_000_000
        while seen_state(record, now=_now(governed)) in states:
            if exchange.clock().micros >= deadline:
                break
            self._pause(POLL_SECONDS)
            again = self._store.read(record.id)
            if again is None:
                break
            record = again
        return record

    def _pending(
        self, governed: Governed, record: ApprovalRecord, state: State, *, round_: int
    ) -> HttpReply:
        request = governed.request
        meta = _noted(governed, record, state)
        if tasks.declares_tasks(request):
            return tasks.created(request, task_view(record, now=_now(governed)), meta)
        if elicitation.accepts_url(request) and round_ < LAST_ROUND:
            return elicitation.input_required(
                request,
                state=self._sealed(governed, record, round_=round_),
                url=record.link if round_ == 0 else None,
                message=short_text(record, state),
                decision=meta,
            )
        if self._terms.legacy_url and governed.session.accepts_url and state is State.PENDING:
            message = short_text(record, state)
            return elicitation.url_required(
                request, approval_id=record.id, url=record.link, message=message
            )
        return _text(governed, record, state)

    def _handed_over(self, governed: Governed, record: ApprovalRecord, state: State) -> HttpReply:
        """Hand an outcome over, once: who wins the change gets it."""
        now = _now(governed)
        changed = life.deliver(record, now=now)
        if isinstance(changed, Refusal):  # handed over before, or over by its deadline alone
            return _text(governed, record, state)
        is_kept = state is State.DONE and now < (record.ended_at or 0) + RESULT_SECONDS
        message = self.message_of(record) if is_kept else None  # read before it is anybody's
        replaced = self._store.replace(record, changed)
        if message is None or replaced is None:
            return _text(governed, record, state)
        with suppress(ApprovalStoreError):  # it vanishes by itself
            self._store.forget_result(record)
        governed.exchange.outcome = Outcome.APPROVAL_DELIVERED.value
        return outbound.delivered(governed.request, message)

    def _sealed(self, governed: Governed, record: ApprovalRecord, *, round_: int) -> str:
        now = _now(governed)
        claims = StateClaims(
            approval=record.id,
            server=record.binding.server,
            principal=principal_digest(record.requester),
            tool=record.binding.tool,
            arguments=record.binding.arguments,
            issued_at=now,
            expires_at=now + STATE_SECONDS,
            round=round_,
        )
        return seal_state(claims, self._keys()[0])

    def _claims(self, governed: Governed) -> StateClaims | None:
        call = governed.call
        return unseal_state(
            str(governed.request.params["requestState"]),
            self._keys(),
            now_seconds=_now(governed),
            principal=principal_digest(call.principal),
            server=call.server,
            tool=call.name,
            arguments=governed.exchange.argument_digest or digest(call),
        )


def brings_own_state(governed: Governed) -> bool:
    """Whether a request carries a state that claims to be ours; it never goes upstream."""
    state = governed.request.params.get("requestState")
    return governed.request.era is Era.MODERN and isinstance(state, str) and is_own_state(state)


def _now(governed: Governed) -> int:
    return governed.exchange.clock().micros // 1_000_000


def _noted(governed: Governed, record: ApprovalRecord, state: State) -> JsonObject:
    denial = told(record, state)
    return noted(governed.exchange, denial, approval=approval_meta(record, state))


def _text(governed: Governed, record: ApprovalRecord, state: State) -> HttpReply:
    meta = _noted(governed, record, state)
    return outbound.refusal(governed.request, told(record, state).reason, decision=meta)


def _invalid_state(governed: Governed) -> HttpReply:
    request = governed.request
    governed.exchange.outcome = "rejected"
    rejection = Rejection(
        status=status_for(Code.INVALID_PARAMS, request.era),
        code=Code.INVALID_PARAMS,
        message="Invalid or expired requestState",
        id=request.id,
    )
    return outbound.rejection(rejection)
