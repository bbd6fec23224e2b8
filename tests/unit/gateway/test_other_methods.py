"""Every method but tools/call: lists, reads, prompts, completions, discovery."""

from typing import Any

import pytest

from portcullis.errors import UpstreamNotSentError
from support.gateway_in_memory import LEGACY, MODERN, World, body_of

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])


@ERAS
@pytest.mark.parametrize(
    ("method", "params", "allowed"),
    [
        ("resources/read", {"uri": "doc://a"}, True),
        ("resources/read", {"uri": "file:///etc/passwd"}, False),
        ("prompts/get", {"name": "greet"}, True),
        ("prompts/get", {"name": "shout"}, False),
        ("prompts/get", {"name": "unnamed"}, False),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/prompt", "name": "greet"},
                "argument": {"name": "a", "value": "b"},
            },
            True,
        ),
        (
            "completion/complete",
            {
                "ref": {"type": "ref/resource", "uri": "file:///x"},
                "argument": {"name": "a", "value": "b"},
            },
            False,
        ),
    ],
)
def test_K05_resources_prompts_and_completions_are_governed(
    method: str, params: dict[str, Any], allowed: bool, era: str
) -> None:
    world = World()
    reply = world.ask(method, params, era=era)
    assert (len(world.upstream.sent) == 1) is allowed
    if not allowed:
        error = body_of(reply)["error"]
        assert error["code"] == 40301
        assert error["data"]["portcullis/decision"]["outcome"] in {
            "denied_by_default",
            "denied_by_rule",
        }


def test_a_governed_method_without_an_upstream_answer_is_an_error() -> None:
    world = World()
    world.upstream.fault = UpstreamNotSentError("refused")
    error = body_of(world.ask("prompts/get", {"name": "greet"}))["error"]
    assert error["data"]["portcullis/decision"]["outcome"] == "upstream_unavailable"


@ERAS
def test_lists_show_what_the_policy_lets_be_seen(era: str) -> None:
    world = World()
    world.upstream.result = {"tools": list(TOOLS_LISTED), "ttlMs": 9_999_999}
    listed = body_of(world.ask("tools/list", era=era))["result"]
    assert [tool["name"] for tool in listed["tools"]] == ["get_info", "create_broker"]
    if era == MODERN:
        assert (listed["cacheScope"], listed["ttlMs"]) == ("private", 30_000)
    world.upstream.result = {"prompts": [{"name": "greet"}, {"name": "secret"}]}
    shown = body_of(world.ask("prompts/list", era=era))["result"]["prompts"]
    assert [prompt["name"] for prompt in shown] == ["greet"]
    world.upstream.result = {"resources": [{"uri": "doc://a"}, {"uri": "x://b"}]}
    shown = body_of(world.ask("resources/list", era=era))["result"]["resources"]
    assert [resource["uri"] for resource in shown] == ["doc://a"]


TOOLS_LISTED = [{"name": name} for name in ("get_info", "create_broker", "delete_broker")]


@pytest.mark.parametrize(("default", "seen"), [("allow", ["greet"]), ("deny", [])])
def test_a_policy_without_entries_shows_what_its_default_says(
    default: str, seen: list[str]
) -> None:
    world = World(f'version: "1"\ndefault: {default}\n')
    world.upstream.result = {"prompts": [{"name": "greet"}]}
    shown = body_of(world.ask("prompts/list"))["result"]["prompts"]
    assert [prompt["name"] for prompt in shown] == seen


def test_a_list_needs_a_policy_and_a_list() -> None:
    world = World()
    world.upstream.result = {"tools": "none"}
    assert "error" in body_of(world.ask("tools/list"))
    assert world.log.records[-1].outcome == "upstream_unavailable"
    world.policies.policy = None
    assert "error" in body_of(world.ask("tools/list"))
    assert "error" in body_of(world.ask("prompts/get", {"name": "greet"}))


def test_discover_is_honest_and_private() -> None:
    world = World()
    world.upstream.result = {
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {"listChanged": True}},
        "ttlMs": 1,
    }
    told = body_of(world.ask("server/discover"))["result"]
    tasks: dict[str, object] = {"io.modelcontextprotocol/tasks": {}}
    assert told["capabilities"] == {"tools": {}, "extensions": tasks}
    assert told["cacheScope"] == "private"


def test_a_ping_is_answered_here_and_a_log_level_is_passed_on() -> None:
    world = World()
    assert body_of(world.ask("ping", era=LEGACY))["result"] == {}
    assert world.upstream.sent == []
    world.ask("logging/setLevel", {"level": "info"}, era=LEGACY)
    assert world.upstream.messages[0]["params"] == {"level": "info"}


def test_K10_what_was_read_may_not_be_kept_for_anyone_else() -> None:
    world = World()
    world.upstream.result = {"contents": [], "ttlMs": 9_999_999, "cacheScope": "public"}
    read = body_of(world.ask("resources/read", {"uri": "doc://a"}))["result"]
    assert (read["cacheScope"], read["ttlMs"]) == ("private", 30_000)
    assert body_of(world.ask("resources/read", {"uri": "doc://a"}, era=LEGACY))["result"] == {
        "contents": [],
        "ttlMs": 9_999_999,
        "cacheScope": "public",
    }


@ERAS
@pytest.mark.parametrize("method", ["resources/read", "resources/subscribe"])
@pytest.mark.parametrize(
    "twin",
    [
        "DOC://secret",
        "doc://secret/../secret",
        "doc://public/../../secret",
        "doc://public/%2e%2e/secret",
        "doc://public/..%2Fsecret",
        "doc://secre%74",
        " doc://secret",
        "doc://@secret",
        "doc://secret:",
    ],
)
@pytest.mark.parametrize("default", ["allow", "deny"])
def test_K06_no_other_spelling_of_a_uri_passes_its_rule(
    default: str, twin: str, method: str, era: str
) -> None:
    allowed = 'resources: {"doc://secret": {action: deny}, "doc://public/*": {action: allow}}'
    world = World(f'version: "1"\ndefault: {default}\n{allowed}\n')
    world.ask(method, {"uri": twin}, era=era)
    assert world.upstream.sent == []
    assert world.log.records[-1].outcome == "rejected"


@ERAS
@pytest.mark.parametrize("where", ["argument", "context"])
def test_K07_what_a_completion_says_of_arguments_is_judged(where: str, era: str) -> None:
    world = World("""\
version: "1"
default: deny
prompts:
  greet:
    rules:
      - {action: deny, when: {path: args.env, op: exists, value: true}}
      - {action: allow}
""")
    other = {"name": "a", "value": "b"}
    said = {"argument": {"name": "env", "value": "p"}}
    if where == "context":
        said = {"argument": other, "context": {"arguments": {"env": "p"}}}  # type: ignore[dict-item]
    reference = {"ref": {"type": "ref/prompt", "name": "greet"}}
    world.ask("completion/complete", {**reference, **said}, era=era)
    assert world.upstream.sent == []
    world.ask("completion/complete", {**reference, "argument": {**other, "x": "y"}}, era=era)
    assert world.upstream.messages[-1]["params"]["argument"] == other
