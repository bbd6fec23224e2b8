"""Probes of who calls and from where: credentials, sessions, origins, sizes, transport."""

import json
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import httpx2

from portcullis_cli.verifying.model import NoAnswerError, UndecidedError
from portcullis_cli.verifying.scene import Registrar, Scene
from portcullis_cli.verifying.wire import (
    LEGACY,
    MODERN,
    Headers,
    Reply,
    call_message,
    headers_of,
    require_sound,
)

# RFC 7519 with `alg: none`, and claims that would open everything.
_UNSIGNED: Final = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290IiwiZXhwIjo5OTk5OTk5OTk5fQ."
_FOREIGN: Final = "https://canary.invalid"
_NEVER_PASSED_ON: Final = (
    "cookie",
    "proxy-authorization",
    "x-amz-security-token",
    "x-api-key",
    "x-canary-foreign",
)
_BIG: Final = 5 << 20
# Who says nothing may listen all the same, and a proxy speaks for itself.
_SOMEBODY: Final = (httpx2.ReadTimeout, httpx2.ProxyError)


def no_token(scene: Scene) -> None:
    """No credential, or one of nobody: 401, with the challenge that says how to get one."""
    tried: dict[str, str] = {}
    rows: tuple[tuple[str, Headers], ...] = (
        ("no credential", ()),
        ("a token that nobody has", (("authorization", "Bearer pcl_" + "x" * 43),)),
        ("an unsigned token", (("authorization", f"Bearer {_UNSIGNED}"),)),
        ("a name and a password", (("authorization", "Basic cm9vdDpyb290"),)),
        ("a word without a token", (("authorization", "Bearer"),)),
    )
    for what, more in rows:
        _unauthenticated(scene, tried, what, token="", more=more)
    scene.forbidden.update(tried)  # where there is no witness, the replies have to do


def ended_token(scene: Scene) -> None:
    """A grant that has expired, and one that is revoked after it was used."""
    registrar = _registrar(scene)
    tried: dict[str, str] = {}
    server = scene.place.server
    expired = registrar.make("expired", server=server, seconds=-3600)
    _unauthenticated(scene, tried, "an expired token", token=expired)
    ending = registrar.make("revoked", server=server, seconds=600)
    before = scene.call("canary_allow", scene.nonce(), token=ending)
    if not before.was_received:
        raise UndecidedError(f"a new grant does not open the canary: {before.shown()}")
    registrar.revoke(ending)
    _unauthenticated(scene, tried, "a token that was revoked a moment ago", token=ending)
    scene.expect_never(tried)


def other_server(scene: Scene) -> None:
    """A grant of another server opens nothing here."""
    token = _registrar(scene).make("elsewhere", server="canary-elsewhere", seconds=600)
    nonce = scene.nonce()
    reply = _call(scene, nonce, token=token)
    what = "a token of another server"
    scene.expect(reply.status in {401, 403}, f"{what}: {reply.shown()}")
    scene.expect_never({nonce: what})


def _registrar(scene: Scene) -> Registrar:
    if scene.people.registrar is None:  # the runner has seen to it
        raise UndecidedError("no grant can be made")
    return scene.people.registrar


def _call(scene: Scene, nonce: str, *, token: str | None = None, more: Headers = ()) -> Reply:
    message = call_message("canary_allow", {"nonce": scene.mark(nonce)})
    headers = [*headers_of(message), *more]
    return require_sound(scene.post(json.dumps(message).encode(), headers, token=token), "a call")


def _unauthenticated(
    scene: Scene, tried: dict[str, str], what: str, *, token: str, more: Headers = ()
) -> None:
    nonce = scene.nonce()
    tried[nonce] = what
    reply = _call(scene, nonce, token=token, more=more)
    scene.expect(reply.status == 401, f"{what}: {reply.shown()}, not 401")
    challenge = (reply.header("www-authenticate") or "").lower()
    scene.expect("bearer" in challenge, f"{what}: 401 without a challenge")


def sessions(scene: Scene) -> None:
    """One agent's session is nothing to another, and an invented one to nobody."""
    held = scene.session(token=scene.people.first)
    tampered = held[:-1] + ("A" if held[-1] != "A" else "B")
    own = _in_session(scene, scene.nonce(), held, scene.people.first)
    scene.require_received(own, "a call in one's own session")
    tried: dict[str, str] = {}
    rows = (
        ("another agent's session", held, scene.people.second),
        ("a session that was changed", tampered, scene.people.first),
        ("an invented session", "canary", scene.people.first),
    )
    for what, session, token in rows:
        nonce = scene.nonce()
        tried[nonce] = what
        scene.expect_refused(_in_session(scene, nonce, session, token), what)
    scene.expect_never(tried)


def _in_session(scene: Scene, nonce: str, session: str, token: str) -> Reply:
    message = call_message("canary_allow", {"nonce": scene.mark(nonce)}, era=LEGACY)
    headers = headers_of(message, era=LEGACY, session=session)
    return scene.post(json.dumps(message).encode(), headers, token=token)


def credentials(scene: Scene) -> None:
    """What a client shows the gate, the server never sees, under whatever name."""
    nonce, shown = scene.nonce(), scene.nonce()
    sent = [(name, scene.mark(shown)) for name in _NEVER_PASSED_ON]
    reply = _call(scene, nonce, more=sent)
    calls, names = scene.receipts()
    if not (reply.was_received and calls.get(nonce)):
        raise UndecidedError(f"a call with headers of a client did not arrive: {reply.shown()}")
    for name in ("authorization", *_NEVER_PASSED_ON):
        scene.expect(name not in names, f"header `{name}`: it reached the server")
    scene.expect_never({shown: "the value of a client's header"})


def origins(scene: Scene) -> None:
    """A page of another site in somebody's browser, and a name that was bound to another place."""
    tried: dict[str, str] = {}
    rows: tuple[tuple[str, Headers], ...] = (
        ("a foreign origin", (("origin", _FOREIGN),)),
        ("the origin `null`", (("origin", "null"),)),
        ("a foreign host", (("host", "canary.invalid"),)),
    )
    for what, more in rows:
        nonce = scene.nonce()
        tried[nonce] = what
        scene.expect_refused(_call(scene, nonce, more=more), what)
    scene.expect_never(tried)


def verbs(scene: Scene) -> None:
    """Only POST carries a call."""
    tried: dict[str, str] = {}
    for method in ("GET", "PUT", "PATCH"):
        nonce = scene.nonce()
        tried[nonce] = f"by {method}"
        message = call_message("canary_allow", {"nonce": scene.mark(nonce)})
        reply = scene.post(json.dumps(message).encode(), headers_of(message), method=method)
        scene.expect_refused(reply, tried[nonce])
    scene.expect_never(tried)


def sizes(scene: Scene) -> None:
    """What is larger or deeper than any call is not looked at."""
    bodies: dict[str, Callable[[str], bytes]] = {
        "five megabytes": lambda mark: _padded(mark, "x" * _BIG),
        "a thousand lists in one another": lambda mark: _padded(mark, "[" * 1000 + "]" * 1000),
    }
    tried: dict[str, str] = {}
    headers = headers_of(call_message("canary_allow", {}), era=MODERN)
    for padding in ("x" * 1000, "[" * 5 + "]" * 5):
        small = scene.post(_padded(scene.mark(scene.nonce()), padding), headers)
        scene.require_received(small, "a call that is neither large nor deep")
    for what, body in bodies.items():
        nonce = scene.nonce()
        tried[nonce] = what
        scene.expect_refused(scene.post(body(scene.mark(nonce)), headers), what)
    scene.expect_never(tried)


def _padded(mark: str, padding: str) -> bytes:
    """A call with something large in its arguments; a JSON list as it stands, text quoted."""
    message = call_message("canary_allow", {"nonce": mark, "x": "@"})
    value = padding if padding.startswith("[") else f'"{padding}"'
    return json.dumps(message).replace('"@"', value).encode()


def transport(scene: Scene) -> None:
    """Nobody can be led to plain http."""
    parts = urlsplit(scene.place.url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    plain = f"http://{host}{parts.path}"
    message = call_message("canary_allow", {"nonce": scene.mark(scene.nonce())})
    try:  # without a token: whoever listens there would read it
        reply = scene.exchange("POST", plain, json.dumps(message).encode(), headers_of(message))
    except NoAnswerError as error:
        if isinstance(error.__cause__, _SOMEBODY):
            raise
        scene.checks += 1  # nobody listens there
        return
    if 300 <= reply.status < 400:
        scene.checks += 1  # led away
        return
    is_refused = 400 <= require_sound(reply, "plain http").status < 500 and reply.status != 401
    scene.expect(is_refused, f"plain http: {reply.shown()}")
