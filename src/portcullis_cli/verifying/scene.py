"""What probes work with: requests to one gateway, and what the canary says of them.

Bounded in requests and in time. A reply that says nothing about the gate (no answer, 5xx, 429)
ends the probe as undecided, wherever it comes.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx2

from portcullis_cli.verifying.model import BrokenError, NoAnswerError, UndecidedError
from portcullis_cli.verifying.wire import (
    LEGACY,
    MODERN,
    Headers,
    Reply,
    call_message,
    headers_of,
    request_message,
    require_sound,
)

MAXIMUM_REQUESTS: Final = 500
LONGEST_SECONDS: Final = 600.0
MAXIMUM_REPLY_BYTES: Final = 4 << 20
RECEIPTS_TOOL: Final = "canary_receipts"


class Registrar(Protocol):
    """Makes and ends grants of the deployment."""

    def make(self, name: str, *, server: str, seconds: int) -> str:
        """Answer the token of a new agent; with `seconds` below 0 it has expired already.

        Raises:
            CommandError: the table does not answer.
        """

    def revoke(self, token: str) -> None:
        """End a grant.

        Raises:
            CommandError: the table does not answer.
        """


class LogSearch(Protocol):
    """The decision log of the gateway."""

    def holds(self, text: str) -> bool:
        """Whether a line of this run has this text in it.

        Raises:
            CommandError: the log does not answer.
        """


class Switch(Protocol):
    """Stops all forwarding to the canary, and to nothing else."""

    def stop(self) -> None:
        """Stop it.

        Raises:
            CommandError: something is stopped already, or the bucket does not answer.
        """

    def go_on(self) -> None:
        """Take that back.

        Raises:
            CommandError: the bucket does not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What can be reached besides the gate."""

    log: LogSearch | None = None
    switch: Switch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Whose tokens there are; empty: nobody's."""

    first: str = field(repr=False)
    second: str = field(default="", repr=False)
    approver: str = field(default="", repr=False)
    registrar: Registrar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the canary is behind the gate, where people decide, and the server's name."""

    url: str
    console_url: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The clock, in seconds, and how to wait."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]


class Scene:
    """One run against one gateway."""

    def __init__(
        self,
        place: Place,
        http: httpx2.Client,
        people: People,
        times: Times,
        *,
        run: str,
        reach: Reach | None = None,
    ) -> None:
        self.reach = reach or Reach()
        self.place = place
        self.people = people
        self.times = times
        self.checks = 0
        self.forbidden: dict[str, str] = {}  # nonces that must never have arrived, and why
        self._http = http
        self._run = run
        self._nonces = 0
        self._requests = 0
        self._ends = times.clock() + LONGEST_SECONDS
        self._sessions: dict[tuple[str, str], str] = {}

    def expect(self, is_so: object, seen: str) -> None:
        """Look at one thing.

        Raises:
            BrokenError: it is not so; `seen` says what was seen instead.
        """
        self.checks += 1
        if not is_so:
            raise BrokenError(seen)

    def nonce(self) -> str:
        """A name for one call of this run."""
        self._nonces += 1
        return f"n{self._nonces}"

    def mark(self, nonce: str) -> str:
        """How the canary recognises it, wherever it stands."""
        return f"canary-{self._run}-{nonce}"

    def post(
        self, body: bytes, headers: Headers, *, token: str | None = None, method: str = "POST"
    ) -> Reply:
        """Send bytes as they are; `token` None: the first agent's, empty: none at all."""
        token = self.people.first if token is None else token
        given = [*headers, ("authorization", f"Bearer {token}")] if token else [*headers]
        return self.exchange(method, self.place.url, body, given)

    def exchange(self, method: str, url: str, body: bytes, headers: Headers) -> Reply:
        """One request.

        Raises:
            UndecidedError: there is no answer, or this run has used up its time or its requests.
        """
        self._requests += 1
        if self._requests > MAXIMUM_REQUESTS or self.times.clock() > self._ends:
            raise UndecidedError("the run has used up its time or its requests")
        try:
            with self._http.stream(method, url, content=body, headers=[*headers]) as response:
                content = self._bounded(response.iter_bytes())
                pairs = tuple((k.lower(), v) for k, v in response.headers.multi_items())
                return Reply(status=response.status_code, headers=pairs, body=content)
        except (UnicodeEncodeError, httpx2.InvalidURL) as error:  # the name of a session, say
            raise UndecidedError("a request cannot be written: it repeats an odd answer") from error
        except httpx2.HTTPError as error:
            raise NoAnswerError(f"no answer: {type(error).__name__}") from error

    def _bounded(self, chunks: Iterable[bytes]) -> bytes:
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > MAXIMUM_REPLY_BYTES:
                raise UndecidedError("an answer is too long to be the gateway's")
            if self.times.clock() > self._ends:
                raise UndecidedError("an answer does not come to its end")
        return bytes(content)

    def ask(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        era: str = MODERN,
        token: str | None = None,
        session: str = "",
    ) -> Reply:
        """A well-formed request of either era, soundly answered."""
        message = request_message(method, params, era=era)
        if era != MODERN:
            session = session or self.session(era=era, token=token)
        headers = headers_of(message, era=era, session=session)
        reply = self.post(json.dumps(message).encode(), headers, token=token)
        return require_sound(reply, method)

    def call(self, tool: str, nonce: str, **more: Any) -> Reply:
        """Call a tool of the canary; `arguments` are added to the mark."""
        arguments = {**more.pop("arguments", {}), "nonce": self.mark(nonce)}
        params = call_message(tool, arguments, era=LEGACY)["params"]
        return self.ask("tools/call", params, **more)

    def at_once(self, calls: Sequence[Callable[[], Reply]]) -> list[Reply]:
        """Make calls in parallel; the first that says nothing about the gate is raised."""
        with ThreadPoolExecutor(max_workers=len(calls)) as pool:
            return [done.result() for done in [pool.submit(one) for one in calls]]

    def session(self, *, era: str = LEGACY, token: str | None = None) -> str:
        """The id of a session of the handshake era, one an era and an agent."""
        token = self.people.first if token is None else token
        if (era, token) not in self._sessions:
            self._sessions[era, token] = self.open_session(era=era, token=token)
        return self._sessions[era, token]

    def open_session(self, *, era: str = LEGACY, token: str | None = None) -> str:
        """Shake hands; answer the new session's id.

        Raises:
            UndecidedError: the gateway opens none.
        """
        about = {"protocolVersion": era, "capabilities": {}}
        params = {**about, "clientInfo": {"name": "portcullis verify", "version": "1"}}
        message = request_message("initialize", params, era=era)
        body = json.dumps(message).encode()
        reply = require_sound(
            self.post(body, headers_of(message, era=era), token=token), "initialize"
        )
        session = reply.header("mcp-session-id")
        if not session:
            raise UndecidedError(f"no session of {era} was opened: {reply.shown()}")
        return session

    def receipts(self) -> tuple[Mapping[str, int], Sequence[str]]:
        """How often each nonce of this run reached the canary, and the header names it got.

        Raises:
            UndecidedError: the receipts cannot be read.
        """
        reply = self.ask("tools/call", call_message(RECEIPTS_TOOL, {"run": self._run})["params"])
        try:
            tree = json.loads(reply.text)
            return {str(k): int(v) for k, v in tree["calls"].items()}, [*map(str, tree["headers"])]
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise UndecidedError(f"the canary's receipts: {reply.shown()}") from error

    def expect_never(self, tried: Mapping[str, str]) -> None:
        """None of these nonces, with what was tried, ever reached the canary.

        Raises:
            BrokenError: one did.
        """
        self.forbidden.update(tried)
        calls, _ = self.receipts()
        for nonce, what in tried.items():
            self.expect(nonce not in calls, f"{what}: it reached the server")

    def require_received(self, reply: Reply, what: str) -> None:
        """A call of the same shape that is right went through: else refusals would say nothing.

        Raises:
            UndecidedError: it did not.
        """
        if not require_sound(reply, what).was_received:
            raise UndecidedError(f"{what}, which is right, is not executed: {reply.shown()}")

    def expect_refused(self, reply: Reply, what: str) -> None:
        """It was answered with a no.

        Raises:
            BrokenError: it was not.
        """
        self.expect(require_sound(reply, what).is_refusal, f"{what}: {reply.shown()}")
