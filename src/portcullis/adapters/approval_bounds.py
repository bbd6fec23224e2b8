"""What every approval store refuses before it writes or answers.

What may live here: checks of what a store is given. An item of DynamoDB holds 400 KB, so
sealed content has bounds well below that.

Source: Amazon DynamoDB Developer Guide, "Quotas", "Item size".
"""

import re
from collections.abc import Sequence

from portcullis.approvals.life import RESULT_SECONDS
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import ApprovalStoreError
from portcullis.gateway.approval_ports import Question
from portcullis.policy.model import Instant

MAXIMUM_ARGUMENT_BYTES = 380_000
MAXIMUM_PART_BYTES = 350_000
MAXIMUM_PARTS = 64

_ID = re.compile(r"[0-9A-Za-z_-]{1,80}")  # what can name an execution of the workflow


def is_id(approval_id: str) -> bool:
    """Whether a text can be the id of a request; any other text is that of none."""
    return _ID.fullmatch(approval_id) is not None


def require_storable(question: Question) -> None:
    """Refuse a request that cannot be stored whole.

    Raises:
        ApprovalStoreError: its id is none, or its sealed arguments are too long.
    """
    if not is_id(question.record.id):
        raise ApprovalStoreError("the id cannot name a request")
    if not 0 < len(question.sealed_arguments) <= MAXIMUM_ARGUMENT_BYTES:
        raise ApprovalStoreError("the sealed arguments are empty or too long")


def require_newer(record: ApprovalRecord, changed: ApprovalRecord) -> None:
    """Refuse a change that another one of the same version could not be told from.

    Raises:
        ApprovalStoreError: `changed` is not a later version of `record`.
    """
    if changed.id != record.id or changed.version <= record.version:
        raise ApprovalStoreError("a changed approval has no later version")


def require_parts(parts: Sequence[bytes]) -> None:
    """Refuse a result that cannot be stored whole.

    Raises:
        ApprovalStoreError: it has no pieces or too many, or one is empty or too long.
    """
    if not 0 < len(parts) <= MAXIMUM_PARTS:
        raise ApprovalStoreError("a result has no pieces or too many")
    if not all(0 < len(part) <= MAXIMUM_PART_BYTES for part in parts):
        raise ApprovalStoreError("a piece of a result is empty or too long")


def require_kept(record: ApprovalRecord, now: Instant) -> None:
    """Refuse a result that there is none of, or that is over, though it may still be stored.

    Raises:
        ApprovalStoreError: it is not to be handed over.
    """
    if record.ended_at is None or not 0 < record.result_parts <= MAXIMUM_PARTS:
        raise ApprovalStoreError("the approval has no result")
    if now.micros >= (record.ended_at + RESULT_SECONDS) * 1_000_000:
        raise ApprovalStoreError("the result is over")
