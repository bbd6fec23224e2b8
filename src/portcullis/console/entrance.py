"""Signing in and out, and what somebody who is not signed in gets instead of a page.

A person who follows a link from elsewhere comes without the session's cookie, which is sent
only on our own site (`SameSite=Strict`). They get a page that goes on to the same address; the
cookie is sent on that second step, if there is one.
"""

from collections.abc import Callable
from typing import Final

from portcullis.console import replies
from portcullis.console.audit import Audit
from portcullis.console.bodies import read_form
from portcullis.console.cookies import BEFORE_SIGN_IN, MAXIMUM_LENGTH, SESSION
from portcullis.console.pages import SIGN_OUT, Pages, path_of
from portcullis.console.ports import Grants
from portcullis.console.request import FORM, ConsoleRequest
from portcullis.console.routes import ID
from portcullis.console.sealed import Seals, Session
from portcullis.console.visitors import NoVisitor, Visitor, identify
from portcullis.console.wording import FOREIGN, NOT_FOR_AGENTS, UNKNOWN_CREDENTIAL, WRONG_MEDIA
from portcullis.policy.model import Principal
from portcullis.protocol.http import HttpReply

SIGN_IN: Final = "sign in"
WRONG_TOKEN: Final = "This token does not sign anybody in here."  # noqa: S105 - a sentence
OLD_FORM: Final = "This page was too old to sign in with. Try again."
SIGNED_OUT: Final = "You are signed out."
_FORM_SECONDS: Final = 3600


class Entrance:
    """Lets people in by their grants, and out again."""

    def __init__(
        self,
        grants: Grants,
        seals: Seals,
        pages: Pages,
        audit: Audit,
        *,
        new_id: Callable[[], str],
        session_seconds: int,
    ) -> None:
        self._grants = grants
        self._seals = seals
        self._pages = pages
        self._audit = audit
        self._new_id = new_id
        self._session_seconds = session_seconds

    def identify(self, request: ConsoleRequest, *, now: int) -> Visitor | NoVisitor:
        """Who is there (see `visitors.identify`)."""
        return identify(request, self._grants, self._seals, now_seconds=now)

    def turn_away(
        self, request: ConsoleRequest, nobody: NoVisitor, *, back_to: str = ""
    ) -> HttpReply:
        """What somebody gets who is not let in: a way to sign in, where there is one."""
        if nobody.is_known:
            return self._pages.fault(request, NOT_FOR_AGENTS)
        if request.is_api:
            return self._pages.fault(request, UNKNOWN_CREDENTIAL)
        if request.http.method == "GET" and request.comes_from_elsewhere:
            return self._pages.go_on(request, back_to=back_to, status=401)
        return self._form(request, back_to=back_to, status=401)

    def page(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """The sign-in page, or on to where somebody wants to who is signed in."""
        back_to = named_request(request.parameter("to"))
        if isinstance(self.identify(request, now=now), Visitor):
            return replies.see_other(path_of(request, back_to))
        return self._form(request, back_to=back_to, status=200)

    def sign_in(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """Sign in with the token of a grant."""
        if request.media != FORM:
            return self._pages.fault(request, WRONG_MEDIA)
        if not request.is_own_form:
            return self._pages.fault(request, FOREIGN)
        fields = read_form(
            request.http.body, required=frozenset({"token", "csrf"}), optional=frozenset({"to"})
        )
        back_to = named_request(fields.get("to") if fields else None)
        mark = BEFORE_SIGN_IN.read(request)
        if fields is None or mark is None or not self._is_form(fields["csrf"], mark):
            return self._form(request, back_to=back_to, status=403, message=OLD_FORM)
        holder = self._grants.find(fields["token"].strip(), now_seconds=now)
        if holder is None or holder.viewer is None:
            self._audit.not_signed_in()
            return self._form(request, back_to=back_to, status=401, message=WRONG_TOKEN)
        self._audit.signed_in(holder.viewer.principal)
        cookie = self._cookie(request, now=now, digest=holder.digest)
        return replies.see_other(path_of(request, back_to), cookies=[cookie])

    def sign_out(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """End the sign-in of this browser."""
        if not request.is_own_form:
            return self._pages.fault(request, FOREIGN)
        visitor = self.identify(request, now=now)
        session = visitor.session if isinstance(visitor, Visitor) else None
        fields = read_form(request.http.body, required=frozenset({"csrf"})) or {"csrf": ""}
        if session is not None and not self._seals.is_form_token(
            fields["csrf"], SIGN_OUT, holder=session.id
        ):
            return self._pages.fault(request, FOREIGN)
        return replies.see_other(
            f"{path_of(request, '')}/login", cookies=[SESSION.cleared(request)]
        )

    def session_cookie(self, request: ConsoleRequest, person: Principal, *, now: int) -> str | None:
        """The cookie of somebody whom the issuer vouched for; None where none can hold it."""
        cookie = self._cookie(request, now=now, person=person)
        return cookie if len(cookie) <= MAXIMUM_LENGTH else None

    def _cookie(
        self,
        request: ConsoleRequest,
        *,
        now: int,
        digest: str = "",
        person: Principal | None = None,
    ) -> str:
        session = Session(
            id=self._new_id(),
            expires_at=now + self._session_seconds,
            digest=digest,
            person=person,
        )
        sealed = self._seals.session(session)
        return SESSION.written(request, sealed, seconds=self._session_seconds)

    def _form(
        self, request: ConsoleRequest, *, back_to: str, status: int, message: str = ""
    ) -> HttpReply:
        mark = BEFORE_SIGN_IN.read(request)
        if mark is None or not ID.fullmatch(mark):
            mark = self._new_id()
        return self._pages.sign_in(
            request,
            token=self._seals.form_token(SIGN_IN, holder=mark),
            cookies=[BEFORE_SIGN_IN.written(request, mark, seconds=_FORM_SECONDS)],
            back_to=back_to,
            status=status,
            message=message,
        )

    def _is_form(self, token: str, mark: str) -> bool:
        return self._seals.is_form_token(token, SIGN_IN, holder=mark)


def named_request(text: str | None) -> str:
    """The id of the request to go back to, nothing where the text is no id."""
    return text if text is not None and ID.fullmatch(text) else ""
