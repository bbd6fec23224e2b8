"""Looking at requests and deciding them: a person's word, and every reason why it may not count.

The order of the checks of a decision: who is there, what was sent, that the request is theirs
to see, that it can be decided, that the form is ours and up to date, that all of it was shown.
"""

from dataclasses import dataclass, replace

from portcullis.approvals.life import Refusal, seen_state
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.states import State
from portcullis.console import replies, views
from portcullis.console.audit import Audit
from portcullis.console.bodies import Decision, form_decision, read_decision, read_form
from portcullis.console.entrance import Entrance
from portcullis.console.pages import Pages, path_of
from portcullis.console.request import FORM, JSON, ConsoleRequest
from portcullis.console.visitors import NoVisitor, Visitor
from portcullis.console.wording import (
    FOREIGN,
    MALFORMED,
    MALFORMED_FORM,
    NOT_FOUND,
    NOT_SHOWN,
    OUTDATED,
    REFUSALS,
    WRONG_MEDIA,
    Fault,
)
from portcullis.gateway.deciding import Desk, Shown, Word
from portcullis.protocol.http import HttpReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants to happen; `token` is what their form carried, if it was one."""

    decision: Decision
    token: str = ""


class Requests:
    """The requests that wait, as approvers see and decide them."""

    def __init__(self, desk: Desk, entrance: Entrance, pages: Pages, audit: Audit) -> None:
        self._desk = desk
        self._entrance = entrance
        self._pages = pages
        self._audit = audit

    def listed(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """The requests that a person may see, those that wait first."""
        visitor = self._entrance.identify(request, now=now)
        if isinstance(visitor, NoVisitor):
            return self._entrance.turn_away(request, visitor)
        waiting = self._desk.listed(visitor.viewer, is_open=True)
        ended = self._desk.listed(visitor.viewer, is_open=False)
        if visitor.session is not None:
            return self._pages.requests(request, visitor, waiting, ended, now=now)
        found = [views.summary(record, now=now) for record in (*waiting, *ended)]
        return replies.document({"approvals": [*found]})

    def show(self, request: ConsoleRequest, approval_id: str, *, now: int) -> HttpReply:
        """One request."""
        visitor = self._entrance.identify(request, now=now)
        if isinstance(visitor, NoVisitor):
            return self._entrance.turn_away(request, visitor, back_to=approval_id)
        shown = self._desk.show(approval_id, visitor.viewer)
        if shown is None:
            return self._pages.fault(request, NOT_FOUND)
        if visitor.session is not None:
            return self._pages.one(request, visitor, shown, now=now)
        return replies.document(views.in_full(shown, now=now))

    def decide(self, request: ConsoleRequest, approval_id: str, *, now: int) -> HttpReply:
        """Carry out a person's word."""
        visitor = self._entrance.identify(request, now=now)
        if isinstance(visitor, NoVisitor):
            reply = self._entrance.turn_away(request, visitor, back_to=approval_id)
            self._audit.refused(approval_id, None, None, status=reply.status)
            return reply
        wish = _api_wish(request) if visitor.session is None else _form_wish(request)
        if isinstance(wish, Fault):
            return self._refuse(request, approval_id, visitor, wish)
        shown = self._desk.show(approval_id, visitor.viewer)
        if shown is None:
            return self._refuse(request, approval_id, visitor, NOT_FOUND)
        fault = self._objection(shown, wish, visitor)
        if fault is not None:
            return self._refuse(request, approval_id, visitor, fault, shown=shown, now=now)
        return self._carry_out(request, visitor, shown, wish.decision, now=now)

    def _objection(self, shown: Shown, wish: Wish, visitor: Visitor) -> Fault | None:
        if shown.refusal is not None:
            return REFUSALS[shown.refusal]
        if visitor.session is not None and not self._pages.is_decision_token(
            wish.token, visitor, shown.record
        ):
            return OUTDATED
        is_yes = wish.decision.word is Word.APPROVE
        return NOT_SHOWN if is_yes and not views.presented(shown).is_complete else None

    def _carry_out(
        self,
        request: ConsoleRequest,
        visitor: Visitor,
        shown: Shown,
        decision: Decision,
        *,
        now: int,
    ) -> HttpReply:
        approval_id = shown.record.id
        outcome = self._desk.decide(
            approval_id, visitor.viewer, decision.word, comment=decision.comment
        )
        if outcome is None:
            return self._refuse(request, approval_id, visitor, NOT_FOUND)
        if isinstance(outcome, Refusal):
            again = self._desk.show(approval_id, visitor.viewer) or shown
            fault = REFUSALS[outcome]
            return self._refuse(request, approval_id, visitor, fault, shown=again, now=now)
        self._audit.decided(outcome, visitor, decision.word)
        if visitor.session is not None:
            return replies.see_other(path_of(request, approval_id))
        return replies.document(views.in_full(_after(shown, outcome), now=now))

    def _refuse(
        self,
        request: ConsoleRequest,
        approval_id: str,
        visitor: Visitor,
        fault: Fault,
        *,
        shown: Shown | None = None,
        now: int = 0,
    ) -> HttpReply:
        record = None if shown is None else shown.record
        self._audit.refused(approval_id, record, visitor, status=fault.status)
        if shown is None:
            return self._pages.fault(request, fault)
        if visitor.session is not None:
            return self._pages.one(request, visitor, shown, now=now, fault=fault)
        state = seen_state(shown.record, now=now)
        return self._pages.fault(request, fault, state=state)


def _after(shown: Shown, record: ApprovalRecord) -> Shown:
    """What was shown, as it is after this person's word counted."""
    refusal = None if record.state is State.PENDING else Refusal.NOT_NOW
    return replace(shown, record=record, refusal=refusal)


def _api_wish(request: ConsoleRequest) -> Wish | Fault:
    if request.media != JSON:
        return WRONG_MEDIA
    decision = read_decision(request.http.body)
    return MALFORMED if decision is None else Wish(decision=decision)


def _form_wish(request: ConsoleRequest) -> Wish | Fault:
    if request.media != FORM:
        return WRONG_MEDIA
    if not request.is_own_form:
        return FOREIGN
    fields = read_form(
        request.http.body, required=frozenset({"word", "csrf"}), optional=frozenset({"comment"})
    )
    decision = None if fields is None else form_decision(fields)
    if fields is None or decision is None:
        return MALFORMED_FORM
    return Wish(decision=decision, token=fields["csrf"])
