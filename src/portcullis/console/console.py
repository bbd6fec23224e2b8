"""The console: every request passes `Console.handle`, which never raises.

Whatever breaks, nothing is decided by it: a decision is one write of the store, made by the
desk, and no fault here makes one.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from portcullis.console import audit, replies
from portcullis.console.audit import Audit
from portcullis.console.entrance import Entrance
from portcullis.console.issuer_sign_in import IssuerSignIn
from portcullis.console.pages import Pages
from portcullis.console.ports import Grants, Issuer
from portcullis.console.request import ConsoleRequest
from portcullis.console.requests import Requests
from portcullis.console.routes import Action, find_route
from portcullis.console.sealed import Seals
from portcullis.console.wording import BROKEN, FOREIGN, NO_SUCH_PAGE, NOT_ALLOWED, UNAVAILABLE
from portcullis.errors import UnavailableError
from portcullis.gateway.deciding import Desk
from portcullis.gateway.front_door import stopped_at_the_door
from portcullis.gateway.ports import DecisionLog
from portcullis.policy.model import Instant
from portcullis.protocol.http import HttpReply

_Answer: TypeAlias = Callable[[ConsoleRequest, str, int], HttpReply]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePorts:
    """What the console talks to. `issuer` None: people sign in with grants only."""

    desk: Desk
    grants: Grants
    log: DecisionLog
    issuer: Issuer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleTerms:
    """What the operator settled. `allowed_hosts` empty: whoever routes here does so by host."""

    session_seconds: int
    allowed_hosts: tuple[str, ...] = ()


class Console:
    """The approvers' console of one execution environment."""

    def __init__(
        self,
        ports: ConsolePorts,
        terms: ConsoleTerms,
        *,
        keys: Callable[[], Sequence[bytes]],
        clock: Callable[[], Instant],
        new_id: Callable[[], str],
    ) -> None:
        seals = Seals(keys)
        self._pages = pages = Pages(seals, has_issuer=ports.issuer is not None)
        self._audit = Audit(ports.log, new_id=new_id)
        self._terms = terms
        self._clock = clock
        entrance = Entrance(
            ports.grants,
            seals,
            pages,
            self._audit,
            new_id=new_id,
            session_seconds=terms.session_seconds,
        )
        requests = Requests(ports.desk, entrance, pages, self._audit)
        issuer = IssuerSignIn(
            entrance, seals, pages, self._audit, issuer=ports.issuer, new_id=new_id
        )
        self.answers: Mapping[Action, _Answer] = {
            Action.LIST: lambda request, _id, now: requests.listed(request, now=now),
            Action.SHOW: lambda request, name, now: requests.show(request, name, now=now),
            Action.DECIDE: lambda request, name, now: requests.decide(request, name, now=now),
            Action.SIGN_IN_PAGE: lambda request, _id, now: entrance.page(request, now=now),
            Action.SIGN_IN: lambda request, _id, now: entrance.sign_in(request, now=now),
            Action.SIGN_OUT: lambda request, _id, now: entrance.sign_out(request, now=now),
            Action.GO_TO_ISSUER: lambda request, _id, now: issuer.start(request, now=now),
            Action.COME_BACK: lambda request, _id, now: issuer.come_back(request, now=now),
        }

    def handle(self, request: ConsoleRequest) -> HttpReply:
        """Answer one request. Never raises."""
        reply = self._safely(request)
        if request.is_https:
            reply = replies.with_header(reply, *replies.TRANSPORT)
        return replies.without_body(reply) if request.http.method == "HEAD" else reply

    def _safely(self, request: ConsoleRequest) -> HttpReply:
        method = f"approvals/{request.http.method.lower()}"
        try:
            return self._answer(request)
        except UnavailableError:
            self._audit.failed(method, audit.UNAVAILABLE, status=UNAVAILABLE.status)
            return self._pages.fault(request, UNAVAILABLE)
        except Exception:  # noqa: BLE001 - the last line: whatever broke decides nothing
            self._audit.failed(method, audit.BROKEN, status=BROKEN.status)
        with suppress(Exception):  # it may be the page that broke
            return self._pages.fault(request, BROKEN)
        return replies.fault(BROKEN.code, BROKEN.message, status=BROKEN.status)

    def _answer(self, request: ConsoleRequest) -> HttpReply:
        # Our pages' forms come with `Origin: null`; where they are from is checked with them.
        origins = (request.origin, "null")
        if stopped_at_the_door(request.http, origins=origins, hosts=self._terms.allowed_hosts):
            return self._pages.fault(request, FOREIGN)
        found = find_route(request.http.path)
        if found is None:
            return self._pages.fault(request, NO_SUCH_PAGE)
        action = found.route.methods.get(request.http.method)
        if action is None:
            allowed = ", ".join(found.route.methods)
            return replies.with_header(self._pages.fault(request, NOT_ALLOWED), "allow", allowed)
        now = self._clock().micros // 1_000_000
        return self.answers[action](request, found.approval_id, now)
