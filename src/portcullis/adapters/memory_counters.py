"""Counters in this process's memory: for tests and for one local process, never for Lambda.

Fills the same contract as the DynamoDB store, with one lock for its atomicity.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from portcullis.adapters.takes import RefusedTake, refusal, remainders, require_countable
from portcullis.gateway.ports import CounterStore, Refused, Reserved, Taken
from portcullis.policy.decision import Take
from portcullis.policy.model import Algorithm, Instant
from portcullis.policy.windows import (
    Admitted,
    FixedState,
    Full,
    SlidingState,
    admit,
    admit_fixed,
    is_over,
    release,
    release_fixed,
)

_REMEMBERED = 10_000
_Name = tuple[str, str, str, str]
_Admission = Admitted[SlidingState] | Admitted[FixedState]


class MemoryCounterStore(CounterStore):
    """Keeps every state in a dictionary; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sliding: dict[_Name, SlidingState] = {}
        self._fixed: dict[_Name, FixedState] = {}
        self._reserved: OrderedDict[str, Reserved | None] = OrderedDict()  # None: given back

    def reserve(
        self, takes: Sequence[Take], *, server: str, reservation_id: str, now: Instant
    ) -> Reserved | Refused:
        """Take every enforced take or none, as the port says."""
        if not takes:
            return Reserved(reservation_id=reservation_id, server=server)
        require_countable(takes, server=server)
        with self._lock:
            earlier = self._reserved.get(reservation_id)
            if earlier is not None:
                return earlier
            answers = [(take, self._look(take, server, now)) for take in takes]
            full: list[RefusedTake] = [
                (take, answer) for take, answer in answers if isinstance(answer, Full)
            ]
            refused = refusal(full)
            if refused is not None:
                return refused
            admitted = [(take, answer) for take, answer in answers if isinstance(answer, Admitted)]
            for take, admission in admitted:
                self._keep(_name(take, server), admission)
            reserved = Reserved(
                reservation_id=reservation_id,
                server=server,
                taken=tuple(Taken(take=take, tick=answer.tick) for take, answer in admitted),
                remaining=remainders((take, answer.remaining) for take, answer in admitted),
                shadow_refused=tuple(take for take, _ in full),
            )
            self._remember(reservation_id, reserved)
            return reserved

    def check(self, takes: Sequence[Take], *, server: str, now: Instant) -> Refused | None:
        """Answer what `reserve` would refuse now, as the port says."""
        require_countable(takes, server=server)
        with self._lock:
            answers = [(take, self._look(take, server, now)) for take in takes]
            return refusal([(take, full) for take, full in answers if isinstance(full, Full)])

    def release(self, reserved: Reserved, *, now: Instant) -> None:
        """Give back what `reserved` took, as the port says."""
        with self._lock:
            if self._reserved.get(reserved.reservation_id, reserved) is None:
                return
            self._remember(reserved.reservation_id, None)
            for taken in reserved.taken:
                if not is_over(taken.take.limit, tick=taken.tick, now=now):
                    self._give_back(taken, reserved.server)

    def _remember(self, reservation_id: str, reserved: Reserved | None) -> None:
        self._reserved[reservation_id] = reserved
        if len(self._reserved) > _REMEMBERED:
            self._reserved.popitem(last=False)

    def _look(self, take: Take, server: str, now: Instant) -> _Admission | Full:
        name = _name(take, server)
        if take.limit.algorithm is Algorithm.FIXED_WINDOW:
            fixed = self._fixed.get(name, FixedState())
            return admit_fixed(fixed, take.limit, amount=take.amount, now=now)
        sliding = self._sliding.get(name, SlidingState())
        return admit(sliding, take.limit, amount=take.amount, now=now)

    def _keep(self, name: _Name, admission: _Admission) -> None:
        if isinstance(admission.state, FixedState):
            self._fixed[name] = admission.state
        else:
            self._sliding[name] = admission.state

    def _give_back(self, taken: Taken, server: str) -> None:
        name, take = _name(taken.take, server), taken.take
        if name in self._fixed and take.limit.algorithm is Algorithm.FIXED_WINDOW:
            self._fixed[name] = release_fixed(
                self._fixed[name], take.limit, tick=taken.tick, amount=take.amount
            )
        elif name in self._sliding:
            self._sliding[name] = release(self._sliding[name], tick=taken.tick, amount=take.amount)


def _name(take: Take, server: str) -> _Name:
    return (server, take.limit.scope.value, take.counter, take.limit.identity)
