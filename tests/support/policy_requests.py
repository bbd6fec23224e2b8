"""A policy that waits for people, in the console's world."""

from typing import Any

from portcullis.approvals.kinds import ACTIVATE_POLICY, POLICY_SERVER
from portcullis.approvals.policy_change import Change, PolicyChange, policy_terms
from portcullis.approvals.record import ApprovalRecord
from portcullis.policy.model import Principal
from support.approval_records import make_binding
from support.console_fakes import ConsoleWorld

POLICY = (
    'version: "1"\ndefault: deny\ntools:\n'
    "  token: {action: allow}   # looks like a secret, and is none\n"
)
BUCKET = Principal(
    issuer="aws-s3", subject="123456789012/policies/incoming/policies/amazon-mq.yaml"
)


def ask_for_policy(world: ConsoleWorld, text: str = POLICY, **changes: Any) -> ApprovalRecord:
    """A request to put a policy in force; members of `platform` may decide, two of them."""
    change = PolicyChange(
        server="amazon-mq",
        version_id="3HL4kqtJlcpXroDTDmJ",
        digest="a" * 64,
        revision="sha256:" + "b" * 64,
        replaces="sha256:" + "c" * 64,
        changes=(
            Change(text="tool `token` is added: allow", widens=True),
            Change(text="`purge` becomes hidden", widens=False),
        ),
        text=text,
    )
    return world.ask(
        change.arguments(),
        terms=policy_terms(("group:platform", "carol@example.com"), needed=2, seconds=1800),
        **{
            "binding": make_binding(
                server=POLICY_SERVER,
                tool=ACTIVATE_POLICY,
                rule="PolicyApprovers",
                revision=change.revision,
            ),
            "requester": BUCKET,
            "scope": "amazon-mq",
            "reason": "A policy is approved before it is in force.",
            **changes,
        },
    )
