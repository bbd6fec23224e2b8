"""The executor: carries out what was approved, at most once, or says why not.

In this order, and why: the record (is it still approved, before its deadline), of a call whether
a person has stopped everything (then the approval stands, until its deadline), what its kind of
work depends on as it is now (of a call: credential, server, tool, policy), the limits, and last
the claim. Limits come before the claim because a refused limit leaves the approval
standing until its deadline, while a claim cannot be taken back; a claim that is lost gives the
reservation back. Nothing is sent without the claim, and after it everything that is not a clear
answer ends as UNKNOWN, for a person to find out.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from portcullis.approvals import life
from portcullis.approvals.kinds import RequestKind, kind_of
from portcullis.approvals.life import Refusal
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.errors import ApprovalStoreError, CounterStoreError, UnavailableError
from portcullis.gateway.approval_ports import MOST_LOOKS, ApprovalStore
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.ports import CounterStore, DecisionLog, KillSwitch, Refused, Reserved
from portcullis.gateway.stopping import stopped
from portcullis.gateway.work import Carried, NotReady, Prepared, Works
from portcullis.policy.decision import Outcome
from portcullis.policy.model import Instant

AGAIN_SECONDS = 15  # something did not answer: look again, as long as the approval stands
LONGEST_REST_SECONDS = 60
_ATTEMPTS_TO_TELL = 3
LIMITED = "its limits do not allow the amount"

_OUTCOMES: Mapping[State, Outcome] = {
    State.DONE: Outcome.ALLOWED,
    State.FAILED: Outcome.APPROVAL_FAILED,
    State.UNKNOWN: Outcome.APPROVAL_UNKNOWN,
    State.EXPIRED: Outcome.APPROVAL_EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPorts:
    """What the executor talks to, besides what each kind of work does."""

    store: ApprovalStore
    counters: CounterStore
    kill_switch: KillSwitch
    log: DecisionLog


class Executor:
    """Runs what was approved. `step` is safe to be invoked again and again, also at once."""

    def __init__(
        self,
        ports: ExecutionPorts,
        works: Works,
        *,
        clock: Callable[[], Instant],
        new_id: Callable[[], str],
    ) -> None:
        self._ports = ports
        self._works = works
        self._clock = clock
        self._new_id = new_id

    def step(self, approval_id: str) -> int:
        """Do what can be done for a request now; answer after how many seconds to look again.

        Raises:
            ApprovalStoreError: the record cannot be read or written; nothing was sent, unless
                the record says EXECUTING.
        """
        record = self._ports.store.read(approval_id)
        if record is None or record.state is not State.APPROVED:
            return 0
        exchange = self._exchange(record)
        try:
            return self._carry_out(record, exchange)
        except UnavailableError as error:
            exchange.outcome = Outcome.APPROVAL_UNAVAILABLE.value
            exchange.upstream_outcome = f"not sent: {error}"
            self._ports.log.record(exchange.to_record(200))
            return self._rest(record, AGAIN_SECONDS)

    def _carry_out(self, record: ApprovalRecord, exchange: Exchange) -> int:
        if life.is_over(record, now=self._now()):
            return self._end(record, life.expire(record, now=self._now()), exchange)
        kind = kind_of(record.binding)
        if kind is RequestKind.CALL and self._is_stopped(exchange):
            return self._rest(record, AGAIN_SECONDS)
        ready = self._works[kind].prepare(record, now=self._clock())
        if isinstance(ready, NotReady):
            return self._refuse(record, ready.reason, exchange)
        exchange.rule, exchange.revision = ready.rule, ready.revision
        reserved = self._ports.counters.reserve(
            ready.takes,
            server=record.binding.server,
            reservation_id=self._new_id(),
            now=self._clock(),
        )
        if isinstance(reserved, Refused):
            return self._limited(record, reserved, exchange)
        if self._is_stopped(exchange):
            self._give_back(reserved)
            return self._rest(record, AGAIN_SECONDS)
        return self._claimed(record, ready, reserved, exchange)

    def _limited(self, record: ApprovalRecord, refused: Refused, exchange: Exchange) -> int:
        """The approval stands until its deadline; an amount above a limit never fits."""
        if refused.retry_after_seconds is None:
            return self._refuse(record, LIMITED, exchange)
        exchange.outcome = Outcome.LIMIT_REACHED.value
        self._ports.log.record(exchange.to_record(200))
        return self._rest(record, refused.retry_after_seconds)

    def _is_stopped(self, exchange: Exchange) -> bool:
        """Whether a person has stopped the server, or that cannot be told: logged, tried again.

        Asked at first, since what is asked next may ask the server for its tools, and once more
        before the claim, because all of that takes time.
        """
        denial = stopped(self._ports.kill_switch, exchange.server, now=self._clock())
        if denial is None:
            return False
        exchange.outcome, exchange.upstream_outcome = denial.outcome.value, "not sent"
        self._ports.log.record(exchange.to_record(200))
        return True

    @staticmethod
    def _rest(record: ApprovalRecord, seconds: int) -> int:
        """Soon, and not so often that the workflow cannot look any more before the deadline."""
        longest_soon = min(seconds, LONGEST_REST_SECONDS)
        return max(longest_soon, record.terms.timeout_seconds // MOST_LOOKS)

    def _claimed(
        self, record: ApprovalRecord, ready: Prepared, reserved: Reserved, exchange: Exchange
    ) -> int:
        """Send what was claimed; whoever loses the claim has sent nothing and gives back."""
        claimed: ApprovalRecord | None = None
        try:
            changed = life.claim(record, now=self._now())
            if not isinstance(changed, Refusal):
                replaced = self._ports.store.replace(record, changed)
                claimed = None if replaced is None else replaced.record
        finally:
            if claimed is None:
                self._give_back(reserved)
        if claimed is None:
            return 0
        carried = ready.carry(claimed, exchange)
        if not carried.was_sent:
            self._give_back(reserved)
        return self._end_claimed(claimed, self._carried(claimed, carried), exchange)

    def _end_claimed(
        self, claimed: ApprovalRecord, changed: ApprovalRecord | Refusal, exchange: Exchange
    ) -> int:
        """Write how a sent call ended; where that fails, the workflow ends it as UNKNOWN."""
        for _ in range(_ATTEMPTS_TO_TELL):
            with suppress(ApprovalStoreError):
                return self._end(claimed, changed, exchange)
        exchange.outcome = Outcome.APPROVAL_UNKNOWN.value
        self._ports.log.record(exchange.to_record(200))
        return 0

    def _carried(self, claimed: ApprovalRecord, carried: Carried) -> ApprovalRecord | Refusal:
        now = self._now()
        if not carried.was_sent:
            return life.refuse(claimed, note=carried.note, now=now)
        if carried.parts is None:
            return life.lose(claimed, note=carried.note, now=now)
        return life.finish(claimed, parts=carried.parts, now=now)

    def _refuse(self, record: ApprovalRecord, reason: str, exchange: Exchange) -> int:
        return self._end(record, life.refuse(record, note=reason, now=self._now()), exchange)

    def _end(
        self, record: ApprovalRecord, changed: ApprovalRecord | Refusal, exchange: Exchange
    ) -> int:
        """Write how it ended; where somebody else was faster, the next look tells.

        Of a call that was sent the line is written all the same: who was faster than the one
        that claimed it is the workflow, which had given it up.
        """
        if isinstance(changed, Refusal):
            return 0
        if self._ports.store.replace(record, changed) is not None:
            exchange.outcome = _OUTCOMES[changed.state].value
            if changed.note:
                exchange.upstream_outcome = exchange.upstream_outcome or changed.note
        elif record.state is State.EXECUTING:
            exchange.outcome = Outcome.APPROVAL_UNKNOWN.value
        else:
            return 0
        self._ports.log.record(exchange.to_record(200))
        return 0

    def _give_back(self, reserved: Reserved) -> None:
        """What provably was not sent takes nothing; what cannot be given back stays taken."""
        try:
            self._ports.counters.release(reserved, now=self._clock())
        except CounterStoreError:
            return

    def _exchange(self, record: ApprovalRecord) -> Exchange:
        return Exchange(
            decision_id=self._new_id(),
            server=record.binding.server,
            principal=record.requester,
            started=self._clock(),
            clock=self._clock,
            method=self._works[kind_of(record.binding)].method,
            name=record.binding.tool,
            session=record.session,
            argument_digest=record.binding.arguments,
            approval=record.id,
        )

    def _now(self) -> int:
        return self._clock().micros // 1_000_000
