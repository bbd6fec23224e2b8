"""How long the executor lets a workflow rest, which cannot look at a request without end."""

from portcullis.gateway.approval_ports import MOST_LOOKS
from portcullis.policy.nodes import MAXIMUM_SECONDS
from support.approval_gate import ApprovalGate, policy

LONG = policy(
    f"action: require_approval\napproval: {{approvers: [group:ops], timeout: {MAXIMUM_SECONDS}}}\n"
    "rate_limit: {max: 1, window: 1d, per: principal}"
)


def test_what_may_wait_for_a_month_is_looked_at_rarely() -> None:
    gate = ApprovalGate(LONG)
    first, second = gate.asked({"name": "a"}), gate.asked({"name": "b"})
    gate.run(gate.decide(first))
    second = gate.decide(second)
    limited = gate.executor().step(second.id)
    gate.policies.policy = None
    unavailable = gate.executor().step(second.id)
    assert limited == unavailable
    assert MAXIMUM_SECONDS // limited <= MOST_LOOKS
