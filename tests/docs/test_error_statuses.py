"""The statuses and codes of protocol errors that the reference promises, tried line by line."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from portcullis.gateway.ports import UpstreamReply
from portcullis.protocol.http import HttpReply
from support.gateway_in_memory import ALICE, BOB, LEGACY, MODERN, World, body_of, header

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "wire-replies.md").read_text()
LINE = re.compile(r"^\| (.+?) \| `(-?\d+)` \| (\d*) ?\| (\d*) ?\|$", re.MULTILINE)
META = "io.modelcontextprotocol/protocolVersion"

Trial: TypeAlias = Callable[[World, str], HttpReply]


def sent(body: bytes) -> Trial:
    return lambda world, era: world.send(body, headers={"mcp-protocol-version": era})


def asked(method: str, params: dict[str, Any] | None = None, **headers: str) -> Trial:
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda world, era: world.ask(method, params, era=era, extra=extra)


def twice(world: World, era: str) -> HttpReply:
    """Header names are told apart by letter case in the dictionary, and nowhere else."""
    return world.call("get_info", era=era, extra={"Content-Type": "application/json"})


def contradiction(world: World, era: str) -> HttpReply:
    if era == MODERN:
        arguments = {"publicly_accessible": False, "name": "a"}
        return world.call("create_broker", arguments, extra={"mcp-param-broker": "b"})
    params = {"name": "get_info", "_meta": {META: "2025-06-18"}}
    return world.ask("tools/call", params, era=era)


def unstated(world: World, _era: str) -> HttpReply:
    return world.send({"jsonrpc": "2.0", "id": 7, "method": "tools/list"})


def unserved(revision: str) -> Trial:
    def ask(world: World, era: str) -> HttpReply:
        message = {
            "jsonrpc": "2.0",
            "id": 7,
            "method": "tools/list",
            "params": {"_meta": {META: revision, "io.modelcontextprotocol/clientCapabilities": {}}},
        }
        if era == LEGACY:
            message.pop("params")
        headers = {"mcp-protocol-version": revision, "mcp-method": "tools/list"}
        return world.send(message, headers=headers)

    return ask


def foreign_session(world: World, era: str) -> HttpReply:
    token = header(world.initialize(principal=BOB), "mcp-session-id")
    return world.call("get_info", era=era, token=token, principal=ALICE)


def own_fault(world: World, era: str) -> HttpReply:
    vars(world.policies)["policy"] = "no policy"
    return world.call("get_info", era=era)


def server_error(world: World, era: str) -> HttpReply:
    world.upstream.reply = UpstreamReply(
        status=200,
        headers=(("content-type", "application/json"),),
        body=b'{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"m"}}',
    )
    return world.call("get_info", era=era)


TRIALS: Mapping[str, Trial] = {
    "a body that is not strict JSON": sent(b'{"jsonrpc":"2.0","jsonrpc":"2.0"}'),
    "a body that is not one JSON-RPC request or notification": sent(b"[]"),
    "a header that must not appear twice and does": twice,
    "`params` of a wrong shape, or a name that nothing can have": asked(
        "tools/call", {"name": "get info"}
    ),
    "a header that contradicts the body": contradiction,
    "neither a revision nor a session is stated": unstated,
    "a handshake revision that is not served": unserved("2024-11-05"),
    "another revision that is not served": unserved("2199-01-01"),
    "a method that is not offered": asked("tasks/list"),
    "`tasks/*` by a request that does not declare the extension": asked(
        "tasks/get", {"taskId": "t"}
    ),
    "a prompt, resource or completion that is refused": asked("prompts/get", {"name": "shout"}),
    "a session that is not the caller's, or no longer live": foreign_session,
    "our own fault, or sessions that cannot be read": own_fault,
    "the server answered with an error of its own": server_error,
}


def promises() -> list[tuple[str, str, int, int]]:
    """What is wrong, the era, and the code and status that the page has for it."""
    table = PAGE.split("### Statuses\n", 1)[1].split("\n#", 1)[0]
    return [
        (what, era, int(code), int(status))
        for what, code, *statuses in LINE.findall(table)
        for era, status in zip((LEGACY, MODERN), statuses, strict=True)
        if status
    ]


@pytest.mark.parametrize(("what", "era", "code", "status"), promises())
def test_what_is_wrong_is_answered_as_promised(what: str, era: str, code: int, status: int) -> None:
    reply = TRIALS[what](World(), era)
    assert (body_of(reply)["error"]["code"], reply.status) == (code, status)


def test_every_trial_is_a_line_of_the_page() -> None:
    assert set(TRIALS) == {what for what, *_ in promises()}
