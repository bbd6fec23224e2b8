"""Probes of what may be called: denied, hidden, unnamed, conditional tools and odd requests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from portcullis_cli.verifying.scene import Scene
from portcullis_cli.verifying.spellings import PLAIN, SPELLINGS
from portcullis_cli.verifying.wire import (
    LEGACY,
    LEGACY_REVISIONS,
    MODERN,
    Reply,
    headers_of,
    request_message,
    require_sound,
)

ERAS: Final = (MODERN, LEGACY)
_NO_SUCH_TOOL: Final = "canary_nosuch"
_HIDDEN: Final = "canary_hide"
_LONGEST_LIST_MS: Final = 300_000  # PolicyRefreshSeconds is 300 at most


def denied(scene: Scene) -> None:
    """A tool that a rule denies, in both eras."""
    _never_called(scene, "canary_deny", "a denied tool")


def unnamed(scene: Scene) -> None:
    """A tool that the server has and the policy does not name, and one that nobody has."""
    _never_called(scene, "canary_undeclared", "a tool that the policy does not name")
    _never_called(scene, _NO_SUCH_TOOL, "a tool that the server does not have")


def _never_called(scene: Scene, tool: str, what: str) -> None:
    tried = {}
    for era in ERAS:
        nonce = scene.nonce()
        tried[nonce] = f"{what}, {era}"
        scene.expect_refused(scene.call(tool, nonce, era=era), tried[nonce])
    scene.expect_never(tried)


def spellings(scene: Scene) -> None:
    """Every row of `spellings`: refused, and never arrived."""
    session = scene.session()
    for row in PLAIN:
        reply = scene.post(row.body(scene.mark(scene.nonce())), row.all_headers(session))
        scene.require_received(reply, f"{row.what}, {row.era}")
    tried = {}
    for row in SPELLINGS:
        nonce = scene.nonce()
        tried[nonce] = row.what
        reply = scene.post(row.body(scene.mark(nonce)), row.all_headers(session))
        if row.case == "B03" and reply.status == 202:
            continue  # a notification has no answer: whether it arrived is what counts
        scene.expect_refused(reply, row.what)
    scene.expect_never(tried)


def hidden(scene: Scene) -> None:
    """Left out of every list, and answered like a tool that does not exist."""
    tried: dict[str, str] = {}
    for era in ERAS:
        listed = _names(scene.ask("tools/list", era=era))
        scene.expect("canary_allow" in listed, f"tools/list, {era}: an allowed tool is missing")
        scene.expect(_HIDDEN not in listed, f"tools/list, {era}: the hidden tool is shown")
        first, second = scene.nonce(), scene.nonce()
        tried |= dict.fromkeys((first, second), f"a hidden tool, {era}")
        of_hidden = _alike(scene.call(_HIDDEN, first, era=era), _HIDDEN)
        of_none = _alike(scene.call(_NO_SUCH_TOOL, second, era=era), _NO_SUCH_TOOL)
        scene.expect(
            of_hidden == of_none, f"a call, {era}: it is not answered like a tool that is not there"
        )
    scene.expect_never(tried)


def _names(reply: Reply) -> set[str]:
    tools = reply.result.get("tools")
    listed = tools if isinstance(tools, list) else []
    return {str(one.get("name")) for one in listed if isinstance(one, dict)}


def _alike(reply: Reply, tool: str) -> tuple[int, str]:
    """A reply without what differs between any two calls: the tool's name, and the clock."""
    return reply.status, json.dumps(reply.message, sort_keys=True).replace(tool, "<tool>")


def conditions(scene: Scene) -> None:
    """Only `public: false` is allowed; what is left out has the server's default, true."""
    tried: dict[str, str] = {}
    rows: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("the value that the rule denies", {"public": True}),
        ("the argument left out", {}),
        ("a text in place of false", {"public": "false"}),
        ("a number in place of false", {"public": 0}),
        ("null in place of false", {"public": None}),
        ("a list with false in it", {"public": [False]}),
        ("another case of the argument's name", {"Public": False}),
    )
    for what, arguments in rows:
        nonce = scene.nonce()
        tried[nonce] = f"a condition, {what}"
        reply = scene.call("canary_condition", nonce, arguments=arguments)
        scene.expect_refused(reply, tried[nonce])
    nonce = scene.nonce()
    reply = scene.call("canary_condition", nonce, arguments={"public": False})
    scene.expect(reply.was_received, f"a call that fulfils the condition: {reply.shown()}")
    scene.expect_never(tried)


def eras(scene: Scene) -> None:
    """Each revision is served, and arrives once."""
    sent = {}
    for revision in (*LEGACY_REVISIONS, MODERN):
        nonce = scene.nonce()
        sent[nonce] = revision
        reply = scene.call("canary_allow", nonce, era=revision)
        scene.expect(reply.was_received, f"an allowed call, {revision}: {reply.shown()}")
    calls, _ = scene.receipts()
    for nonce, revision in sent.items():
        found = calls.get(nonce, 0)
        scene.expect(found == 1, f"an allowed call, {revision}: it arrived {found} times")


def methods(scene: Scene) -> None:
    """Methods that no revision has, or that are written almost right, go nowhere."""
    for era in ERAS:
        scene.require_received(_sent(scene, "tools/call", scene.nonce(), era), f"a call, {era}")
    tried: dict[str, str] = {}
    for method in ("tools/Call", "tools/call ", "tools//call", "admin/run", "canary_allow"):
        for era in ERAS:
            tried |= _method(scene, method, era)
    for method in ("notifications/canary", "notifications/tools/call"):
        nonce = scene.nonce()
        tried[nonce] = f"an unknown notification, {LEGACY}"
        message = {**_message(scene, method, nonce, LEGACY)}
        del message["id"]
        headers = headers_of(message, era=LEGACY, session=scene.session())
        require_sound(scene.post(json.dumps(message).encode(), headers), tried[nonce])
    scene.expect_never(tried)


def _method(scene: Scene, method: str, era: str) -> dict[str, str]:
    nonce = scene.nonce()
    what = f"method `{method}`, {era}"
    scene.expect_refused(_sent(scene, method, nonce, era), what)
    return {nonce: what}


def _sent(scene: Scene, method: str, nonce: str, era: str) -> Reply:
    message = _message(scene, method, nonce, era)
    session = "" if era == MODERN else scene.session()
    return scene.post(json.dumps(message).encode(), headers_of(message, era=era, session=session))


def _message(scene: Scene, method: str, nonce: str, era: str) -> dict[str, Any]:
    params = {"name": "canary_allow", "arguments": {"nonce": scene.mark(nonce)}}
    return request_message(method, params, era=era)


def other_ways(scene: Scene) -> None:
    """Prompts, resources and completions have rules of their own; without one they are denied."""
    tried: dict[str, str] = {}
    for era in ERAS:
        for method, params in _other_ways(era):
            nonce = scene.nonce()
            tried[nonce] = f"{method}, {era}"
            text = json.dumps(params).replace("@", scene.mark(nonce))
            scene.expect_refused(scene.ask(method, json.loads(text), era=era), tried[nonce])
    scene.expect_never(tried)


def _other_ways(era: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "resources/read", {"uri": "canary://@"}
    yield "prompts/get", {"name": "canary_allow", "arguments": {"nonce": "@"}}
    reference = {"type": "ref/prompt", "name": "canary_allow"}
    yield "completion/complete", {"ref": reference, "argument": {"name": "x", "value": "@"}}
    if era == LEGACY:
        yield "resources/subscribe", {"uri": "canary://@"}


def own_word(scene: Scene) -> None:
    """The canary claims that the gate denied each call; no client may read that."""
    for era in ERAS:
        reply = scene.call("canary_allow", scene.nonce(), era=era)
        scene.require_received(reply, f"an allowed call, {era}")
        scene.expect(not reply.decision, f"an allowed call, {era}: the server speaks as the gate")
        meta = reply.result.get("_meta") or {}
        foreign = "canary/own" in meta if isinstance(meta, dict) else False
        scene.expect(foreign, f"an allowed call, {era}: what the server says of itself is lost")


def private_lists(scene: Scene) -> None:
    """The canary calls its list public for an hour: the gateway must say it is not."""
    result = scene.ask("tools/list").result
    scene.expect(result.get("cacheScope") == "private", "tools/list: it may be shared by a cache")
    longest = result.get("ttlMs")
    scene.expect(
        isinstance(longest, int) and longest <= _LONGEST_LIST_MS,
        "tools/list: it may be kept for longer than a policy takes to change",
    )
