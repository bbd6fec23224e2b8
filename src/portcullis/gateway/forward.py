"""The one place where a request becomes an upstream call.

What goes out is our own serialisation of what was evaluated; what comes back is read
strictly, and what cannot be read is not passed on.
"""

from dataclasses import dataclass

from portcullis.errors import UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.ports import KillSwitch, UpstreamReply, UpstreamRequest
from portcullis.gateway.sessions import Session
from portcullis.gateway.stopping import stopped
from portcullis.policy.decision import Deny
from portcullis.protocol.http import HttpReply
from portcullis.protocol.messages import Request
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.reply import Dropped, Rewrite, read_reply
from portcullis.protocol.reply_messages import DropReason
from portcullis.protocol.upstream_request import to_upstream
from portcullis.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What became of one upstream call.

    `executed` False: provably no byte reached the server. `reply` None: nothing usable came
    back; `session_lost` says that the upstream no longer knows the session. `headers` are
    the upstream's own, for the session it may have opened. `denial`: why it was not sent.
    """

    executed: bool
    denial: Deny | None = None
    reply: HttpReply | None = None
    session_lost: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class Forwarder:
    """Sends checked requests to the server of their exchange."""

    def __init__(self, kill_switch: KillSwitch) -> None:
        self._kill_switch = kill_switch

    def call(
        self,
        request: Request,
        exchange: Exchange,
        session: Session,
        *,
        params: JsonObject,
        input_schema: JsonObject | None = None,
        rewrite: Rewrite | None = None,
    ) -> Forwarded:
        """Send one request and read its reply; upstream failures become values."""
        headers, body = to_upstream(
            request,
            params=params,
            upstream_session=session.upstream,
            upstream_version=_stated_version(request),
            input_schema=input_schema,
        )
        sent = self.send("POST", exchange, session, headers=headers, body=body)
        if isinstance(sent, Forwarded):
            return sent
        read = read_reply(sent.status, sent.headers, sent.body, request=request, rewrite=rewrite)
        if isinstance(read, Dropped):
            exchange.upstream_outcome = f"dropped: {read.reason.value}"
            lost = read.reason is DropReason.SESSION_LOST
            return Forwarded(executed=True, session_lost=lost)
        return Forwarded(executed=True, reply=read, headers=sent.headers)

    def send(
        self,
        method: str,
        exchange: Exchange,
        session: Session,
        *,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
    ) -> UpstreamReply | Forwarded:
        """Send bytes of ours once; a failure is a `Forwarded` without a reply.

        Whether it is stopped was asked before; what came in between may have taken its time.
        """
        target = exchange.target
        request = UpstreamRequest(method=method, headers=headers, body=body, scope=session.scope)
        began = exchange.clock()
        denial = stopped(self._kill_switch, exchange.server, now=began)
        if denial is not None:
            return Forwarded(executed=False, denial=denial)
        try:
            sent = target.upstream.send(request, timeout_seconds=target.timeout_seconds)
        except UpstreamNotSentError as error:
            exchange.upstream_outcome = f"not sent: {error}"
            return Forwarded(executed=False)
        except UpstreamUncertainError as error:
            exchange.upstream_outcome = f"uncertain: {error}"
            return Forwarded(executed=True)
        finally:
            exchange.timed("upstream", began)
        exchange.upstream_status, exchange.upstream_outcome = sent.status, "answered"
        return sent


def _stated_version(request: Request) -> str | None:
    """A handshake states its revision in the body alone; every later request in a header."""
    return None if request.method.kind is MethodKind.HANDSHAKE else request.version
