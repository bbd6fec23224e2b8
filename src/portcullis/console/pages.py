"""The pages, made of values: which template, and what it is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from portcullis.approvals.identity import person_of
from portcullis.approvals.kinds import kind_of
from portcullis.approvals.life import seen_state
from portcullis.approvals.record import ApprovalRecord, Vote
from portcullis.approvals.states import State
from portcullis.console import replies, times
from portcullis.console.kind_words import WORDS, KindWords
from portcullis.console.request import ConsoleRequest
from portcullis.console.sealed import Seals
from portcullis.console.templating import render
from portcullis.console.views import has_approved, notes, presented
from portcullis.console.visitors import Visitor
from portcullis.console.wording import REFUSALS, Fault
from portcullis.gateway.deciding import MAXIMUM_LISTED, Shown
from portcullis.protocol.http import HttpReply

SIGN_OUT = "sign out"
DECIDE = "decide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An instant in the words of a page."""

    iso: str
    spoken: str
    relative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One person's word in the words of a page."""

    by: str
    at: Moment
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A request in the words of a page."""

    record: ApprovalRecord
    state: State
    title: str
    meaning: str
    words: KindWords
    thing: str
    place: str
    asked: Moment
    until: Moment
    requester: str


class Pages:
    """Makes the pages of the console."""

    def __init__(self, seals: Seals, *, has_issuer: bool) -> None:
        self._seals = seals
        self._has_issuer = has_issuer

    def requests(
        self,
        request: ConsoleRequest,
        visitor: Visitor,
        waiting: Sequence[ApprovalRecord],
        ended: Sequence[ApprovalRecord],
        *,
        now: int,
    ) -> HttpReply:
        """All requests that a person may see."""
        html = render(
            "requests",
            **self._frame(request, visitor),
            waiting=[_summary(record, now=now) for record in waiting],
            ended=[_summary(record, now=now) for record in ended],
            maximum=MAXIMUM_LISTED,
        )
        return replies.page(html)

    def one(
        self,
        request: ConsoleRequest,
        visitor: Visitor,
        shown: Shown,
        *,
        now: int,
        fault: Fault | None = None,
    ) -> HttpReply:
        """One request in full; `fault`: why what the person just sent did not happen."""
        record, viewer = shown.record, visitor.viewer
        holder = f"{_session_id(visitor)} {record.id}"
        presentation = presented(shown)
        html = render(
            "request",
            **self._frame(request, visitor),
            one=_summary(record, now=now),
            presentation=presentation,
            notes=notes(shown, presentation),
            given=[_said(vote, now=now) for vote in record.approvals],
            denial=None if record.denial is None else _said(record.denial, now=now),
            refusal=None if shown.refusal is None else REFUSALS[shown.refusal].message,
            has_approved=has_approved(record, viewer),
            token=self._seals.form_token(DECIDE, holder=holder, version=record.version),
            fault=None if fault is None else fault.message,
        )
        return replies.page(html, status=200 if fault is None else fault.status)

    def is_decision_token(self, token: str, visitor: Visitor, record: ApprovalRecord) -> bool:
        """Whether a form was made for this sign-in, this request, as it is now."""
        holder = f"{_session_id(visitor)} {record.id}"
        return self._seals.is_form_token(token, DECIDE, holder=holder, version=record.version)

    def sign_in(
        self,
        request: ConsoleRequest,
        *,
        token: str,
        cookies: Sequence[str],
        back_to: str,
        status: int,
        message: str = "",
    ) -> HttpReply:
        """The sign-in page; `back_to` is the request to show afterwards."""
        html = render(
            "sign_in",
            **self._frame(request, None),
            token=token,
            back_to=back_to,
            here=path_of(request, back_to),
            has_issuer=self._has_issuer,
            message=message,
        )
        return replies.page(html, status=status, cookies=cookies)

    def go_on(
        self, request: ConsoleRequest, *, back_to: str, status: int, cookies: Sequence[str] = ()
    ) -> HttpReply:
        """A page that goes on by itself: from here on the browser is on our own site."""
        html = render("go_on", **self._frame(request, None), here=path_of(request, back_to))
        return replies.page(html, status=status, cookies=cookies)

    def message(self, request: ConsoleRequest, text: str, *, status: int) -> HttpReply:
        """A page that says one thing."""
        html = render("message", **self._frame(request, None), status=status, text=text)
        return replies.page(html, status=status)

    def fault(
        self, request: ConsoleRequest, fault: Fault, *, state: State | None = None
    ) -> HttpReply:
        """A fault, in HTML or JSON; `state`: of the request it is about."""
        if not request.is_api:
            return self.message(request, fault.message, status=fault.status)
        named = None if state is None else state.value
        return replies.fault(fault.code, fault.message, status=fault.status, state=named)

    def _frame(self, request: ConsoleRequest, visitor: Visitor | None) -> dict[str, object]:
        """What every page shows around its own content."""
        session = None if visitor is None else visitor.session
        name = "" if visitor is None else person_of(visitor.viewer.principal)
        out = "" if session is None else self._seals.form_token(SIGN_OUT, holder=session.id)
        return {"base": request.base_path, "person": name, "sign_out": out}


def path_of(request: ConsoleRequest, approval_id: str) -> str:
    """The path of a request's page, or of the list where no request is named."""
    return f"{request.base_path}/approvals" + (f"/{approval_id}" if approval_id else "")


def _session_id(visitor: Visitor) -> str:
    return "" if visitor.session is None else visitor.session.id


def _summary(record: ApprovalRecord, *, now: int) -> Summary:
    state, words = seen_state(record, now=now), WORDS[kind_of(record.binding)]
    subject, person = record.requester.subject, person_of(record.requester)
    return Summary(
        record=record,
        state=state,
        title=words.states[state].title,
        meaning=words.states[state].meaning,
        words=words,
        thing=words.thing(record),
        place=words.place(record),
        asked=_moment(record.asked_at, now=now),
        until=_moment(record.expires_at, now=now),
        requester=subject if subject == person else f"{subject} (for {person})",
    )


def _said(vote: Vote, *, now: int) -> Said:
    return Said(by=vote.person, at=_moment(vote.at, now=now), comment=vote.comment)


def _moment(seconds: int, *, now: int) -> Moment:
    return Moment(
        iso=times.iso(seconds),
        spoken=times.spoken(seconds),
        relative=times.relative(seconds, now=now),
    )
