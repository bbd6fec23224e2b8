"""What the decision point answers. A denial is a value, never an exception."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from portcullis.policy.model import Approval, Limit


class Outcome(Enum):
    """Why a decision came out as it did; one word per cause, used in replies and logs."""

    ALLOWED = "allowed"
    DENIED_BY_RULE = "denied_by_rule"
    DENIED_BY_DEFAULT = "denied_by_default"
    HIDDEN = "hidden"
    INDETERMINATE = "indeterminate"
    INVALID_ARGUMENTS = "invalid_arguments"
    INVALID_AMOUNT = "invalid_amount"
    LIMIT_REACHED = "limit_reached"
    APPROVAL_REQUIRED = "approval_required"
    APPROVAL_RUNNING = "approval_running"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_CANCELLED = "approval_cancelled"
    APPROVAL_FAILED = "approval_failed"
    APPROVAL_UNKNOWN = "approval_unknown"
    APPROVAL_DELIVERED = "approval_delivered"
    APPROVAL_LIMIT = "approval_limit"
    APPROVAL_UNSUPPORTED = "approval_unsupported"
    APPROVAL_UNAVAILABLE = "approval_unavailable"
    UNKNOWN_TOOL = "unknown_tool"
    TOOL_CHANGED = "tool_changed"
    TOOL_ADDED = "tool_added"
    POLICY_UNAVAILABLE = "policy_unavailable"
    SNAPSHOT_UNAVAILABLE = "snapshot_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    STOPPED = "stopped"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """An obligation: take `amount` units of `limit` from the counter before forwarding.

    `counter` is the scope's value ("" for server, the tool name, the principal key, the
    principal key and session); with `limit.identity` it names the counter. One decision
    never holds two takes on one counter.
    """

    counter: str
    limit: Limit
    amount: Decimal
    rule: str
    shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Forward, once every obligation is met."""

    rule: str  # label of the determining rule, "default" where the default permitted
    obligations: tuple[Take, ...] = ()
    shadowed: tuple["Deny | RequireApproval", ...] = ()  # what shadow rules would have said


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Do not forward. `reason` is text for the agent; it never holds argument values."""

    outcome: Outcome
    rule: str | None
    reason: str
    shadowed: tuple["Deny | RequireApproval", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireApproval:
    """Forward only after a person approved; the obligations are met at execution."""

    rule: str
    reason: str | None
    approval: Approval
    obligations: tuple[Take, ...] = ()
    shadowed: tuple["Deny | RequireApproval", ...] = field(default=())


Decision: TypeAlias = Allow | Deny | RequireApproval
