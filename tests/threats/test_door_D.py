"""Threat cases D, continued: Host, Origin, and every HTTP verb.

This gate is configured with the hosts and the origins it serves.
"""

from collections.abc import Iterator, Mapping

import pytest

from threats.fixtures import F1, TOOLS, Client, call_text, in_each_era
from threats.front_gate import TEMPLATE
from threats.gate import LEGACY, Gate, standing_gate
from threats.verdicts import assert_denied, assert_executed_once, assert_rejected

Headers = Mapping[str, str | list[str]]
GOOD = call_text("get_info")
HOST, ORIGIN = "gate.example", "https://good.example"
AT_HOME: dict[str, str | list[str]] = {"Host": HOST, "Mcp-Name": "get_info"}


@pytest.fixture(scope="module")
def warm() -> Iterator[Gate]:
    settings = {"PORTCULLIS_ALLOWED_HOSTS": HOST, "PORTCULLIS_ALLOWED_ORIGINS": ORIGIN}
    with standing_gate(TOOLS, {"f1": F1}, **settings) as gate:
        Client().send(gate, "f1", GOOD, headers=AT_HOME)  # the tool list is read
        yield gate


@pytest.fixture
def gate(warm: Gate) -> Gate:
    warm.clear()
    return warm


@in_each_era("D18-good origin, good host")
def test_a_known_host_and_origin_come_through(gate: Gate, client: Client) -> None:
    answer = client.send(gate, "f1", GOOD, headers={**AT_HOME, "Origin": ORIGIN})
    assert_executed_once(gate, answer, "get_info", {})
    gate.clear()
    answer = client.send(gate, "f1", "<c0>", headers={"Host": HOST, "Origin": ORIGIN})
    assert_denied(gate, answer)


FOREIGN = [
    ("D17-foreign host", {"Host": "evil.example"}),
    ("D17-localhost", {"Host": "localhost"}),
    ("D17-another port", {"Host": f"{HOST}:8443"}),
    ("D17-longer host", {"Host": f"{HOST}.evil.example"}),
    ("D17-two hosts", {"Host": [HOST, "evil.example"]}),
    ("D17-good forwarded host", {"Host": "evil.example", "X-Forwarded-Host": HOST}),
    ("D17-good Forwarded", {"Host": "evil.example", "Forwarded": f"host={HOST}"}),
    ("D17-empty host", {"Host": ""}),
    ("D17-no host", {"Host": []}),
    ("D18-foreign origin", {"Origin": "https://evil.example"}),
    ("D18-null", {"Origin": "null"}),
    ("D18-longer origin", {"Origin": "https://good.example.evil.com"}),
    ("D18-without TLS", {"Origin": "http://good.example"}),
    ("D18-another port", {"Origin": "https://good.example:8443"}),
    ("D18-capitals", {"Origin": "HTTPS://GOOD.EXAMPLE"}),
    ("D18-path after", {"Origin": "https://good.example/"}),
    ("D18-empty", {"Origin": ""}),
    ("D18-two origins", {"Origin": [ORIGIN, "https://evil.example"]}),
    ("D18-two in a line", {"Origin": f"{ORIGIN}, https://evil.example"}),
    ("D18-good origin, foreign host", {"Origin": ORIGIN, "Host": "evil.example"}),
    ("D18-foreign origin, good host", {"Origin": "https://evil.example", "Host": HOST}),
]
VERBS = ("POST", "DELETE", "GET", "OPTIONS")


@pytest.mark.parametrize("verb", VERBS)
@in_each_era()
@pytest.mark.parametrize("headers", [pytest.param(headers, id=case) for case, headers in FOREIGN])
def test_a_foreign_host_or_origin_is_forbidden(
    gate: Gate, client: Client, verb: str, headers: Headers
) -> None:
    everything = {**client.headers(), **AT_HOME, **headers}
    answer = gate.send("f1", client.text(GOOD), headers=everything, method=verb)
    assert_rejected(gate, answer, status=403)
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(verb, id=f"D22-{verb}")
        for verb in ("GET", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "post", "QUERY")
    ],
)
def test_other_verbs_are_not_allowed(gate: Gate, verb: str) -> None:
    for client in (Client(), Client(era=LEGACY)):
        for row in (GOOD, "<c0>", ""):
            gate.clear()
            headers = {**client.headers(), "Host": HOST, "X-HTTP-Method-Override": "POST"}
            answer = gate.send("f1", client.text(row), headers=headers, method=verb)
            assert_rejected(gate, answer, status=405)
            assert "POST" in answer.headers["allow"][0]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"MCP-Protocol-Version": "2026-07-28"}, id="D22-DELETE, stateless"),
        pytest.param({}, id="D22-DELETE, no session"),
        pytest.param(
            {"MCP-Protocol-Version": "2026-07-28", "Mcp-Session-Id": "x"},
            id="D22-DELETE, stateless with a session",
        ),
    ],
)
def test_delete_without_a_session_is_not_allowed(gate: Gate, headers: Headers) -> None:
    answer = gate.send("f1", "", headers={**headers, "Host": HOST}, method="DELETE")
    assert_rejected(gate, answer, status=405)


@pytest.mark.parametrize("verb", [pytest.param("OPTIONS", id="D23-preflight")])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", ORIGIN])
def test_a_preflight_gets_no_permission(gate: Gate, verb: str, origin: str) -> None:
    """Not from a known origin either: browsers that need one are not served yet."""
    headers = {
        "Host": HOST,
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = gate.send("f1", "", headers=headers, method=verb)
    assert_rejected(gate, answer, status=405 if origin == ORIGIN else 403)
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("word", [pytest.param("access-control", id="D23-template")])
def test_no_answer_of_api_gateway_itself_opens_cross_origin(word: str) -> None:
    text = TEMPLATE.read_text("utf-8").lower()
    assert word not in text
    assert "cors:" not in text
