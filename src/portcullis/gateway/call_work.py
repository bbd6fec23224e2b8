"""An approved call: judged by the policy in force, made by one upstream call."""

from functools import partial

from portcullis.approvals.record import ApprovalRecord
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.outcome import Carrier
from portcullis.gateway.readiness import Readiness, Ready
from portcullis.gateway.work import Carried, NotReady, Prepared, Work
from portcullis.policy.model import Instant


class CallWork(Work):
    """Calls of tools."""

    method = "tools/call"

    def __init__(self, readiness: Readiness, carrier: Carrier) -> None:
        self._readiness = readiness
        self._carrier = carrier

    def prepare(self, record: ApprovalRecord, *, now: Instant) -> Prepared | NotReady:
        """See `Work.prepare`."""
        ready = self._readiness.of(record, now=now)
        if isinstance(ready, NotReady):
            return ready
        return Prepared(
            takes=ready.takes,
            rule=ready.rule,
            revision=ready.revision,
            carry=partial(self._carry, ready),
        )

    def _carry(self, ready: Ready, record: ApprovalRecord, exchange: Exchange) -> Carried:
        return self._carrier.carry(record, ready, exchange)
