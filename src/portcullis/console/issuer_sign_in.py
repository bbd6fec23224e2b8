"""Signing in at an OpenID Connect issuer: there and back, bound to one browser.

Authorization code flow with PKCE (RFC 7636, S256), `state` and `nonce`. What ties the two ends
together is in a sealed cookie that lives for minutes, and is dropped when the issuer has said
anything about the code. Source: OpenID Connect Core 1.0, section 3.1; RFC 9700, section 2.1.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from portcullis.console import replies
from portcullis.console.audit import Audit
from portcullis.console.cookies import AT_ISSUER
from portcullis.console.entrance import Entrance, named_request
from portcullis.console.pages import Pages
from portcullis.console.ports import Issuer
from portcullis.console.request import ConsoleRequest
from portcullis.console.sealed import Seals, SignIn
from portcullis.console.wording import NO_SIGN_IN, NO_SUCH_PAGE
from portcullis.errors import SignInError
from portcullis.protocol.http import HttpReply

SECONDS: Final = 600
_MAXIMUM_CODE: Final = 4096


class IssuerSignIn:
    """Sends browsers to the issuer, and lets in whom it vouches for."""

    def __init__(
        self,
        entrance: Entrance,
        seals: Seals,
        pages: Pages,
        audit: Audit,
        *,
        issuer: Issuer | None,
        new_id: Callable[[], str],
    ) -> None:
        self._issuer = issuer
        self._entrance = entrance
        self._seals = seals
        self._pages = pages
        self._audit = audit
        self._new_id = new_id

    def start(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """Go to the issuer."""
        if self._issuer is None:
            return self._pages.fault(request, NO_SUCH_PAGE)
        sign_in = SignIn(
            state=self._new_id(),
            nonce=self._new_id(),
            verifier=self._new_id() + self._new_id(),
            back_to=named_request(request.parameter("to")),
            expires_at=now + SECONDS,
        )
        url = self._issuer.authorization_url(
            redirect_uri=_redirect_uri(request),
            state=sign_in.state,
            nonce=sign_in.nonce,
            challenge=_challenge(sign_in.verifier),
        )
        cookie = AT_ISSUER.written(request, self._seals.sign_in(sign_in), seconds=SECONDS)
        return replies.see_other(url, cookies=[cookie])

    def come_back(self, request: ConsoleRequest, *, now: int) -> HttpReply:
        """Come back from the issuer, with a code or without."""
        if self._issuer is None:
            return self._pages.fault(request, NO_SUCH_PAGE)
        reply = self._let_in(request, self._issuer, now=now)
        if reply is None:
            self._audit.not_signed_in()
            reply = self._pages.fault(request, NO_SIGN_IN)
        return replies.with_header(reply, "set-cookie", AT_ISSUER.cleared(request))

    def _let_in(self, request: ConsoleRequest, issuer: Issuer, *, now: int) -> HttpReply | None:
        value = AT_ISSUER.read(request)
        sign_in = self._seals.open_sign_in(value, now_seconds=now) if value else None
        code = request.parameter("code")
        if sign_in is None or not _is_answer(request, sign_in) or not code:
            return None
        try:
            person = issuer.redeem(
                code=code[:_MAXIMUM_CODE],
                redirect_uri=_redirect_uri(request),
                verifier=sign_in.verifier,
                nonce=sign_in.nonce,
            )
        except SignInError:
            return None
        cookie = self._entrance.session_cookie(request, person, now=now)
        if cookie is None:
            return None
        self._audit.signed_in(person)
        # The browser still comes from the issuer's site, so the session's cookie is sent only
        # on the next step.
        return self._pages.go_on(request, back_to=sign_in.back_to, status=200, cookies=[cookie])


def _is_answer(request: ConsoleRequest, sign_in: SignIn) -> bool:
    """Whether the issuer answers this browser's own request."""
    state = request.parameter("state") or ""
    return hmac.compare_digest(state.encode(), sign_in.state.encode())


def _redirect_uri(request: ConsoleRequest) -> str:
    return f"{request.base_url}/approvals/oidc/callback"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
