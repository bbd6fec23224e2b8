"""Whether a call that needs an approval is one that was asked for already.

The same principal calling the same tool with the same arguments speaks of the same request,
as long as that has something to say: while it is open, while its outcome waits to be picked
up, and a while after a denial or a delivery. What differs in anything the approval is bound
to is another request.
"""

from hashlib import sha256

from portcullis.approvals.life import RESULT_SECONDS, is_over
from portcullis.approvals.record import ApprovalRecord, Binding
from portcullis.approvals.states import State
from portcullis.policy.model import Principal
from portcullis.strictjson import canonical

# A client that sends a call again because its connection broke, or fifty times at once, must
# not start the next request when the first answer was just handed over.
DELIVERED_SECONDS = 10

_OUTCOMES = frozenset((State.DONE, State.FAILED, State.UNKNOWN))
_RUNNING = frozenset((State.APPROVED, State.EXECUTING))


def ask_key(requester: Principal, binding: Binding) -> str:
    """What finds the request of a call again: who calls, what, with which arguments."""
    content = canonical(
        {
            "principal": requester.key,
            "server": binding.server,
            "tool": binding.tool,
            "arguments": binding.arguments,
        }
    )
    return sha256(content).hexdigest()


def still_speaks(
    record: ApprovalRecord, binding: Binding, *, now: int, cooldown_seconds: int
) -> bool:
    """Whether a call is answered from a request that exists, instead of a new one."""
    if is_over(record, now=now):
        return False
    if record.state is State.PENDING:
        return record.binding == binding
    if record.state in _RUNNING:
        return True  # whether it still may run is the executor's question
    ended = record.ended_at or 0
    if record.state is State.DENIED:
        return now < ended + cooldown_seconds
    if record.state not in _OUTCOMES:
        return False
    if record.delivered_at is None:
        return now < ended + RESULT_SECONDS
    return now < record.delivered_at + DELIVERED_SECONDS
