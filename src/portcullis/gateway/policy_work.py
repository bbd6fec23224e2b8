"""An approved policy: judged and put in force by the activator alone.

No policy, tool list, credential or limit speaks of it. What has to hold (that the upload is the
newest and the very one that was approved, that it is still sound, that what it replaces is
still in force, that enough people stand behind it) only the activator can tell, so it is asked
once, after the claim. It writes on a condition, so what it says it did is true.
"""

from functools import partial
from typing import Protocol

from portcullis.approvals.kinds import ACTIVATE_POLICY
from portcullis.approvals.policy_change import governed_server
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.work import Carried, NotReady, Prepared, Work
from portcullis.policy.model import Instant

NO_SUCH_WORK = "there is nothing of this name that can be done"
NOT_REACHED = "the activator could not be reached"
NOT_TOLD = "the activator did not say whether the policy is in force"


class Activator(Protocol):
    """Puts an approved policy in force."""

    def put_in_force(self, approval_id: str, server: str) -> str | None:
        """Put the upload that a claimed request is bound to in force; answer None once it is.

        Answers why not where it provably was not.

        Raises:
            UpstreamNotSentError: provably nobody was asked.
            UpstreamUncertainError: it may be in force.
        """
        ...


class PolicyWork(Work):
    """Uploaded policies."""

    method = "policies/activate"

    def __init__(self, activator: Activator) -> None:
        self._activator = activator

    def prepare(self, record: ApprovalRecord, *, now: Instant) -> Prepared | NotReady:  # noqa: ARG002 - the port's
        """See `Work.prepare`."""
        if record.binding.tool != ACTIVATE_POLICY:
            return NotReady(reason=NO_SUCH_WORK)
        return Prepared(
            takes=(),
            rule=record.binding.rule,
            revision=record.binding.revision,
            carry=partial(_carry, self._activator),
        )


def _carry(activator: Activator, record: ApprovalRecord, exchange: Exchange) -> Carried:
    began = exchange.clock()
    try:
        refused = activator.put_in_force(record.id, governed_server(record))
    except UpstreamNotSentError as error:
        exchange.upstream_outcome = f"not sent: {error}"
        return Carried(was_sent=False, note=NOT_REACHED)
    except UpstreamUncertainError as error:
        exchange.upstream_outcome = f"uncertain: {error}"
        return Carried(was_sent=True, note=NOT_TOLD)
    finally:
        exchange.timed("upstream", began)
    if refused is not None:
        exchange.upstream_outcome = "refused"
        return Carried(was_sent=False, note=refused)
    exchange.upstream_outcome = "answered"
    return Carried(was_sent=True, parts=0)
