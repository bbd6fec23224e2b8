"""Threat cases C: names that are almost a tool's, in calls, in policies and in upstream lists.

"Unknown name" must not mean "allowed": each row is refused under a closed policy and under
one that allows by default.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from portcullis.protocol.header_codec import encode
from threats.fixtures import F0, F1, TARGET, TOOLS, Client, call_text, in_each_era
from threats.gate import Gate, standing_gate
from threats.verdicts import (
    assert_denied,
    assert_executed_once,
    assert_refused,
    assert_rejected,
    assert_unknown_tool,
)

COUNTED = """\
version: "1"
default: allow
tools:
  "*": {rate_limit: {max: 2, window: 60}}
"""
DOTS = """\
version: "1"
default: deny
tools:
  a.b: {action: allow}
  a_b: {action: deny}
"""
# A second server with the tools of the first, and the opposite word on them.
OTHER = f"""\
version: "1"
default: deny
tools:
  {TARGET}: {{action: allow}}
  get_info: {{action: deny}}
"""
ODD_TOOLS: list[dict[str, Any]] = [
    *TOOLS,
    *(
        {"name": name, "inputSchema": {"type": "object"}, "description": f"odd {name!r}"}
        for name in (
            *("*", "**", "get_*", "_global", "a.b", "a_b", "caf\u00e9_delete", "Case", "case"),
            *("blank ", "twice", "twice", "", "x" * 129, "__proto__"),
        )
    ),
]
SERVERS = {"f0": F0, "f1": F1, "counted": COUNTED, "dots": DOTS, "other": OTHER}
MAGIC = ("*", "**", "get_*", "_global", "_default", "$default", "__proto__", "constructor")


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    with standing_gate(ODD_TOOLS, SERVERS) as gate:
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


NAMES = [
    ("C01-title case", "Delete_Broker"),
    ("C01-capitals", "DELETE_BROKER"),
    ("C01-one capital", "delete_brokeR"),
    ("C02-blank after", "delete_broker "),
    ("C02-blank before", " delete_broker"),
    ("C02-tab", "delete_broker\t"),
    ("C02-line break", "delete_broker\n"),
    ("C02-line break before", "\ndelete_broker"),
    ("C02-no-break space", "delete_broker\u00a0"),
    ("C02-zero width space", "delete_broker\u200b"),
    ("C02-byte order mark", "\ufeffdelete_broker"),
    ("C02-word joiner", "delete\u2060_broker"),
    ("C03-NUL", "delete_broker\0"),
    ("C03-NUL before", "\0delete_broker"),
    ("C04-Cyrillic letter", "d\u0435lete_broker"),
    ("C04-full width", "\uff44elete_broker"),
    ("C04-mathematical", "\U0001d555elete_broker"),
    ("C04-full width line", "delete\uff3fbroker"),
    ("C05-composed", "caf\u00e9_delete"),
    ("C05-decomposed", "cafe\u0301_delete"),
    ("C06-soft hyphen", "delete_bro\u00adker"),
    ("C06-right to left", "\u202edelete_broker"),
    ("C06-tag letters", "delete_broker\U000e0064"),
    ("C06-variation selector", "delete_broker\ufe0f"),
    ("C07-slash after", "delete_broker/"),
    ("C07-parent", "../delete_broker"),
    ("C07-here", "./delete_broker"),
    ("C07-query", "delete_broker?x=1"),
    ("C07-fragment", "delete_broker#x"),
    ("C07-percent", "delete%5Fbroker"),
    ("C07-server and slash", "f1/delete_broker"),
    ("C07-server and lines", "f1__delete_broker"),
    ("C07-server and point", "f1.delete_broker"),
    ("C07-server and colon", "f1:delete_broker"),
    ("C07-backslash", "delete\\_broker"),
    ("C09-empty", ""),
    ("C09-129 characters", "d" * 129),
    ("C09-1 MB", "delete_broker" + "r" * 1_000_000),
]
WITHOUT_A_NAME = [
    ("C08-number", "1"),
    ("C08-list", f'["{TARGET}"]'),
    ("C08-object", f'{{"name":"{TARGET}"}}'),
    ("C08-true", "true"),
    ("C08-null", "null"),
]


def named(name: str) -> str:
    """A call of this name, as JSON with the characters as they are."""
    return call_text("%").replace('"%"', json.dumps(name, ensure_ascii=False))


def header_for(name: str) -> dict[str, str | list[str]]:
    """The routing header that agrees with the body, as a careful attacker sends it."""

    return {"Mcp-Name": encode(name)}


@in_each_era()
@pytest.mark.parametrize("server", ["f0", "f1"])
@pytest.mark.parametrize("name", [pytest.param(name, id=case) for case, name in NAMES])
def test_a_name_that_is_almost_a_tools_is_refused(
    gate: Gate, client: Client, server: str, name: str
) -> None:
    assert_refused(gate, client.send(gate, server, named(name), headers=header_for(name)))


@in_each_era()
@pytest.mark.parametrize("server", ["f0", "f1"])
@pytest.mark.parametrize("written", [pytest.param(w, id=case) for case, w in WITHOUT_A_NAME])
def test_a_name_that_is_no_text_is_rejected(
    gate: Gate, client: Client, server: str, written: str
) -> None:
    row = call_text("%").replace('"%"', written)
    assert_rejected(gate, client.send(gate, server, row), status=400)


@in_each_era("C01-the name itself")
def test_the_name_itself_is_known(gate: Gate, client: Client) -> None:
    """Without this, the rows above might be refused for a reason they do not mean."""
    assert_denied(gate, client.send(gate, "f1", "<c0>"))


# ---------------------------------------------------------------- names that mean something


@in_each_era()
@pytest.mark.parametrize("server", ["f0", "f1", "counted"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=f"C10-{name}")
        for name in (*MAGIC, "__class__")
        if name not in {"_global", "__proto__"}
    ],
)
def test_a_magic_word_is_an_unknown_name(
    gate: Gate, client: Client, server: str, name: str
) -> None:
    assert_refused(gate, client.send(gate, server, named(name), headers=header_for(name)))


@pytest.mark.parametrize("tool", [pytest.param("get_info", id="C10-no counter is shared")])
def test_called_magic_words_take_nothing_from_a_wildcards_limit(gate: Gate, tool: str) -> None:
    for name in MAGIC:
        for client in (Client(name=name), Client(era="2025-11-25")):
            if name not in {"_global", "__proto__"}:  # which the upstream here really offers
                assert not client.send(gate, "counted", named(name)).is_success
    answers = [gate.call("counted", tool) for _ in range(3)]
    assert [answer.is_success for answer in answers] == [True, True, False]


@in_each_era()
@pytest.mark.parametrize("server", [pytest.param(name, id=f"C11-{name}") for name in ("f0", "f1")])
def test_a_list_names_only_what_can_be_called(gate: Gate, client: Client, server: str) -> None:
    """`_global` and `__proto__` are ordinary names in this policy language: the entry of that
    name governs such a tool, else the default does. Only signs of patterns are no name.
    """
    tools = gate.ask(server, "tools/list", era=client.era).json["result"]["tools"]
    names = {tool["name"] for tool in tools}
    expected = {"get_info", "describe_broker", "transfer", "_global", "__proto__", "a.b", "a_b"}
    assert names == expected | ({TARGET} if server == "f1" else set())
    assert len(tools) == len(names)


@in_each_era()
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("*", id="C11-star"),
        pytest.param("get_*", id="C11-pattern"),
        pytest.param("twice", id="C11-named twice"),
        pytest.param("Case", id="C11-two cases, one"),
        pytest.param("case", id="C11-two cases, other"),
        pytest.param("blank ", id="C11-blank"),
    ],
)
def test_what_the_list_leaves_out_cannot_be_called(gate: Gate, client: Client, name: str) -> None:
    assert_refused(gate, client.send(gate, "f1", named(name), headers=header_for(name)))


@pytest.mark.parametrize("name", ["_global", "__proto__"])
@in_each_era("C11-ordinary")
def test_a_tool_with_a_magic_name_is_governed_like_any_other(
    gate: Gate, client: Client, name: str
) -> None:
    closed = client.send(gate, "f0", named(name), headers=header_for(name))
    assert_denied(gate, closed, "denied_by_default")


# ---------------------------------------------------------------- two servers, two names


@in_each_era("C12-two servers")
def test_a_rule_for_one_server_never_applies_to_another(gate: Gate, client: Client) -> None:
    assert_denied(gate, client.send(gate, "f1", "<c0>"))
    gate.clear()
    allowed = client.send(gate, "other", "<c0>")
    sent = assert_executed_once(gate, allowed, TARGET, {})
    assert sent.path == "/other/mcp"
    gate.clear()
    headers = {"Mcp-Name": "get_info"}
    row = call_text("get_info")
    assert_denied(gate, client.send(gate, "other", row, headers=headers))
    gate.clear()
    sent = assert_executed_once(gate, client.send(gate, "f1", row, headers=headers), "get_info", {})
    assert sent.path == "/f1/mcp"


@in_each_era("C13-a point and a line")
def test_names_that_sanitise_alike_stay_distinct(gate: Gate, client: Client) -> None:
    """The gateway rewrites no name, so there is nothing to collide."""
    point = client.send(gate, "dots", named("a.b"), headers=header_for("a.b"))
    sent = assert_executed_once(gate, point, "a.b", {})
    assert json.loads(sent.body)["params"]["name"] == "a.b"
    gate.clear()
    assert_denied(gate, client.send(gate, "dots", named("a_b"), headers=header_for("a_b")))


# ---------------------------------------------------------------- names in a policy


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("caf\u00e9_delete", id="C05-composed in a policy"),
        pytest.param("cafe\u0301_delete", id="C05-decomposed in a policy"),
        pytest.param("delete_broker ", id="C02-blank in a policy"),
        pytest.param("d\u0435lete_broker", id="C04-Cyrillic letter in a policy"),
        pytest.param("delete_bro\u00adker", id="C06-soft hyphen in a policy"),
        pytest.param("mq/delete_broker", id="C07-slash in a policy"),
        pytest.param("", id="C09-empty in a policy"),
        pytest.param("d" * 129, id="C09-129 characters in a policy"),
    ],
)
def test_a_policy_that_names_no_possible_tool_is_not_activated(gate: Gate, key: str) -> None:
    text = 'version: "1"\ndefault: allow\ntools:\n  ' + json.dumps(key) + ": {action: deny}\n"
    status = gate.activate("f1", text)
    assert status["state"] == "rejected", status
    assert_denied(gate, gate.call("f1", TARGET))


@in_each_era("C10-unknown to every server")
def test_an_unknown_name_is_answered_as_unknown(gate: Gate, client: Client) -> None:
    answer = client.send(gate, "f1", named("__class__"), headers=header_for("__class__"))
    assert_unknown_tool(gate, answer)
