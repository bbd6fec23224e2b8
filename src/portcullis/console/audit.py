"""The console's lines in the decision log: who signed in, who decided what, what was refused.

A line never holds a comment, an argument or a token.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from portcullis.approvals.record import ApprovalRecord
from portcullis.console.visitors import Visitor
from portcullis.gateway.deciding import Word
from portcullis.gateway.ports import DecisionLog, DecisionRecord
from portcullis.policy.model import Principal

METHOD: Final = "approvals/decide"
SIGN_IN: Final = "approvals/sign-in"
NO_SERVER: Final = "console"  # stands where no request was found that would name one

GIVEN: Final = "approval_given"
DENIED: Final = "approval_denied"
REFUSED: Final = "approval_refused"
SIGNED_IN: Final = "signed_in"
SIGN_IN_REFUSED: Final = "sign_in_refused"
UNAVAILABLE: Final = "store_unavailable"
BROKEN: Final = "internal_error"


class Audit:
    """Writes one line a decision or refusal."""

    def __init__(self, log: DecisionLog, *, new_id: Callable[[], str]) -> None:
        self._log = log
        self._new_id = new_id

    def decided(self, record: ApprovalRecord, visitor: Visitor, word: Word) -> None:
        """Somebody's word counted."""
        outcome = GIVEN if word is Word.APPROVE else DENIED
        self._write(outcome, record.id, record, visitor, status=200)

    def refused(
        self,
        approval_id: str,
        record: ApprovalRecord | None,
        visitor: Visitor | None,
        *,
        status: int,
    ) -> None:
        """Somebody's word did not count."""
        self._write(REFUSED, approval_id, record, visitor, status=status)

    def signed_in(self, principal: Principal) -> None:
        """Somebody signed in."""
        self._sign_in(SIGNED_IN, principal, status=200)

    def not_signed_in(self) -> None:
        """Somebody tried to sign in, and could not."""
        self._sign_in(SIGN_IN_REFUSED, None, status=401)

    def failed(self, method: str, outcome: str, *, status: int) -> None:
        """Something broke. Never raises: it may be the log that broke."""
        with suppress(Exception):
            self._log.record(
                DecisionRecord(
                    decision_id=self._new_id(),
                    server=NO_SERVER,
                    method=method,
                    outcome=outcome,
                    status=status,
                )
            )

    def _sign_in(self, outcome: str, principal: Principal | None, *, status: int) -> None:
        self._log.record(
            DecisionRecord(
                decision_id=self._new_id(),
                server=NO_SERVER,
                method=SIGN_IN,
                outcome=outcome,
                principal=None if principal is None else principal.key,
                status=status,
            )
        )

    def _write(
        self,
        outcome: str,
        approval_id: str,
        record: ApprovalRecord | None,
        visitor: Visitor | None,
        *,
        status: int,
    ) -> None:
        binding = None if record is None else record.binding
        self._log.record(
            DecisionRecord(
                decision_id=self._new_id(),
                server=NO_SERVER if binding is None else binding.server,
                method=METHOD,
                outcome=outcome,
                name=None if binding is None else binding.tool,
                principal=None if visitor is None else visitor.viewer.principal.key,
                rule=None if binding is None else binding.rule,
                revision=None if binding is None else binding.revision,
                argument_digest=None if binding is None else binding.arguments,
                approval=approval_id,
                status=status,
            )
        )
