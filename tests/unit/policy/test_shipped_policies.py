"""The policies under policies/ load without a warning and decide what their comments say."""

import json
from pathlib import Path
from typing import Any

import pytest

from portcullis.policy.arguments import normalise
from portcullis.policy.cases import failures, run_cases
from portcullis.policy.decision import Allow, Decision, Deny, Outcome, RequireApproval
from portcullis.policy.document import Loaded
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject

ROOT = Path(__file__).parents[3]
FILES = sorted(path for path in (ROOT / "policies").rglob("*") if path.is_file())
AGENT = Principal(issuer="https://id.example", subject="agent-7", groups=("messaging",))
MONDAY_NOON = Instant(micros=1_795_435_200_000_000)
MONDAY_NIGHT = Instant(micros=1_795_435_200_000_000 + 11 * 3600 * 1_000_000)


def tools_of(server: str) -> dict[str, JsonObject]:
    """The real tools of a server: names and input schemas."""
    listed = json.loads((ROOT / "tests" / "data" / f"{server}-tools.json").read_text())
    return {tool["name"]: tool["inputSchema"] for tool in listed}


def load(name: str) -> Loaded:
    """One shipped policy, checked against the tools of its server where it has one."""
    path = ROOT / "policies" / name
    known = None if path.parent.name == "examples" else tools_of(path.stem)
    return parse_policy(path.read_bytes(), known_tools=known)


def decide(
    policy: str,
    tool: str,
    arguments: JsonObject | None = None,
    *,
    principal: Principal = AGENT,
    now: Instant = MONDAY_NOON,
) -> Decision:
    """What a shipped policy says to a call; arguments are normalised where a schema is known."""
    given: Any = arguments or {}
    if not policy.startswith("examples/"):
        given = normalise(tools_of(policy.removesuffix(".yaml"))[tool], given)
        assert isinstance(given, dict), given
    call = Call(
        server="server",
        kind=Kind.TOOL,
        name=tool,
        arguments=given,
        principal=principal,
        session="1",
    )
    return evaluate(load(policy).policy, call, now=now)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_policy_loads_without_a_warning(path: Path) -> None:
    loaded = load(str(path.relative_to(ROOT / "policies")))
    assert loaded.warnings == ()
    assert loaded.rules > 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_O03_every_shipped_policy_is_sealed(path: Path) -> None:
    source = load(str(path.relative_to(ROOT / "policies"))).source
    assert source is not None
    assert source.sealed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("is_known", [True, False], ids=["tools known", "tools not known yet"])
def test_a_shipped_policy_passes_its_own_tests(path: Path, *, is_known: bool) -> None:
    loaded = load(str(path.relative_to(ROOT / "policies")))
    tools: dict[str, JsonObject] = {}
    if is_known and path.parent.name != "examples":
        tools = {name: {"inputSchema": one} for name, one in tools_of(path.stem).items()}
    results = run_cases(loaded.policy, loaded.cases, tools, server="server")
    assert failures(results) == []
    assert all(
        result.is_checked
        for result in results
        if result.decided != "hide" and result.case.call.name in tools
    )
    if path.parent.name == "policies":
        assert len(results) > 5


def test_the_amazon_mq_policy_names_every_tool_of_the_server() -> None:
    policy = load("amazon-mq.yaml").policy
    exact = policy.sections[Kind.TOOL].exact
    hidden = {name for name in tools_of("amazon-mq") if policy.hidden(name)}
    assert set(exact) | hidden == set(tools_of("amazon-mq"))
    assert hidden == {"rabbitmq_broker_get_broker_definition"}


def test_the_aws_iam_policy_decides_on_every_tool_of_the_server() -> None:
    tools = load("aws-iam.yaml").policy.sections[Kind.TOOL]
    patterns = [test for pattern, test, _ in tools.patterns if pattern != "*"]
    undecided = {
        name
        for name in tools_of("aws-iam")
        if name not in tools.exact and not any(test(name) for test in patterns)
    }
    assert undecided == set()


BROKER: JsonObject = {
    "region": "eu-west-1",
    "broker_name": "b",
    "engine_type": "RABBITMQ",
    "deployment_mode": "SINGLE_INSTANCE",
    "username": "u",
    "password": "p",
}
REGION: JsonObject = {"region": "eu-west-1"}


@pytest.mark.parametrize(
    "arguments,rule",
    [
        ({}, "create_broker/private only"),
        ({"publicly_accessible": True}, "create_broker/private only"),
        (
            {"publicly_accessible": False, "host_instance_type": "mq.m7g.16xlarge"},
            "create_broker/small only",
        ),
    ],
)
def test_I12_the_amazon_mq_policy_denies_public_and_large_brokers(
    arguments: JsonObject, rule: str
) -> None:
    decision = decide("amazon-mq.yaml", "create_broker", {**BROKER, **arguments})
    assert isinstance(decision, Deny)
    assert decision.rule == rule
    assert decision.outcome is Outcome.DENIED_BY_RULE


def test_the_amazon_mq_policy_allows_five_private_brokers_a_day() -> None:
    arguments: JsonObject = {**BROKER, "publicly_accessible": False}
    decision = decide("amazon-mq.yaml", "create_broker", arguments)
    assert isinstance(decision, Allow)
    limits = {(int(take.limit.maximum), take.limit.window_seconds) for take in decision.obligations}
    assert limits == {(5, 86_400), (1000, 3600)}


@pytest.mark.parametrize(
    "tool",
    [name for name in tools_of("amazon-mq") if "delete" in name or "purge" in name]
    + ["update_broker", "reboot_broker", "promote"],
)
def test_the_amazon_mq_policy_denies_deletions_and_changes_with_a_reason(tool: str) -> None:
    rules = load("amazon-mq.yaml").policy.sections[Kind.TOOL].exact[tool]
    assert [rule.effect and rule.effect.value for rule in rules] == ["deny"]
    assert rules[0].reason


def test_the_amazon_mq_policy_allows_looking_and_hides_the_definition() -> None:
    assert isinstance(decide("amazon-mq.yaml", "list_brokers", REGION), Allow)
    hidden = decide("amazon-mq.yaml", "rabbitmq_broker_get_broker_definition")
    assert isinstance(hidden, Deny)
    assert hidden.outcome is Outcome.HIDDEN


def test_the_aws_iam_policy_allows_ten_user_policies_a_minute_for_each_session() -> None:
    arguments: JsonObject = {"user_name": "u", "policy_name": "p", "policy_document": "{}"}
    decision = decide("aws-iam.yaml", "put_user_policy", arguments)
    assert isinstance(decision, Allow)
    first = next(take for take in decision.obligations if take.rule == "put_user_policy")
    assert (int(first.limit.maximum), first.limit.window_seconds) == (10, 60)
    assert first.limit.scope.value == "session"


@pytest.mark.parametrize(
    "boundary,allowed",
    [
        (None, False),
        ("", False),
        ("boundary", False),
        ("arn:aws:iam::123456789012:policy/boundary", True),
        ("arn:aws-us-gov:iam::123456789012:policy/team/boundary", True),
    ],
)
def test_the_aws_iam_policy_creates_bounded_users_only(
    boundary: str | None, *, allowed: bool
) -> None:
    call = Call(
        server="aws-iam",
        kind=Kind.TOOL,
        name="create_user",
        arguments={"user_name": "u", "permissions_boundary": boundary},
        principal=AGENT,
        session="1",
    )
    decision = evaluate(load("aws-iam.yaml").policy, call, now=MONDAY_NOON)
    assert isinstance(decision, Allow) is allowed


@pytest.mark.parametrize(
    "tool", ["delete_user", "attach_user_policy", "detach_group_policy", "create_access_key"]
)
def test_the_aws_iam_policy_denies_what_reaches_further(tool: str) -> None:
    call = Call(
        server="aws-iam", kind=Kind.TOOL, name=tool, arguments={}, principal=AGENT, session="1"
    )
    decision = evaluate(load("aws-iam.yaml").policy, call, now=MONDAY_NOON)
    assert isinstance(decision, Deny)
    assert decision.outcome is Outcome.DENIED_BY_RULE


BROKER_OF_OURS: JsonObject = {"region": "eu-west-1", "broker_name": "team-dev-1"}
EXAMPLES: list[tuple[str, str, JsonObject, Instant, type[Decision], str | None]] = [
    ("catalogue", "list_brokers", {}, MONDAY_NOON, Allow, "list_brokers"),
    ("catalogue", "delete_broker", {}, MONDAY_NOON, Deny, "delete_broker"),
    ("catalogue", "unnamed", {}, MONDAY_NOON, Deny, None),
    (
        "catalogue",
        "create_broker",
        {"publicly_accessible": False},
        MONDAY_NOON,
        RequireApproval,
        "create_broker/a person looks at it",
    ),
    ("rate-limits", "list_brokers", {}, MONDAY_NOON, Allow, "list_brokers"),
    ("rate-limits", "unnamed", {}, MONDAY_NOON, Deny, None),
    (
        "spend-limits",
        "create_charge",
        {"amount": 501, "currency": "EUR"},
        MONDAY_NOON,
        Deny,
        "create_charge/not too much at once",
    ),
    (
        "spend-limits",
        "create_charge",
        {"amount": 500, "currency": "EUR"},
        MONDAY_NOON,
        Allow,
        "create_charge/the day's budget",
    ),
    ("hide-and-patterns", "describe_broker", {}, MONDAY_NOON, Allow, "describe_*"),
    ("hide-and-patterns", "list_users", {}, MONDAY_NOON, Deny, "list_users"),
    ("hide-and-patterns", "create_access_key", {}, MONDAY_NOON, Deny, None),
    (
        "conditions",
        "create_broker",
        BROKER_OF_OURS,
        MONDAY_NOON,
        Allow,
        "create_broker/the messaging team, in working hours",
    ),
    ("conditions", "create_broker", BROKER_OF_OURS, MONDAY_NIGHT, Deny, None),
    (
        "conditions",
        "create_broker",
        {"region": "ap-south-1", "broker_name": "team-dev-1"},
        MONDAY_NOON,
        Deny,
        "create_broker/our regions",
    ),
    (
        "conditions",
        "simulate_principal_policy",
        {"action_names": ["s3:GetObject", "iam:PassRole"]},
        MONDAY_NOON,
        Deny,
        "simulate_principal_policy/2",
    ),
    ("approvals", "delete_broker", {}, MONDAY_NOON, RequireApproval, "delete_broker"),
    ("approvals", "reboot_broker", {}, MONDAY_NOON, Allow, "reboot_broker/1"),
    ("approvals", "reboot_broker", {}, MONDAY_NIGHT, RequireApproval, "reboot_broker/at night"),
    (
        "shadow",
        "put_user_policy",
        {"policy_name": "Administrators"},
        MONDAY_NOON,
        Allow,
        "put_user_policy/1",
    ),
]


@pytest.mark.parametrize("example,tool,arguments,now,answer,rule", EXAMPLES)
def test_an_example_decides_what_its_comments_say(
    example: str,
    tool: str,
    arguments: JsonObject,
    now: Instant,
    answer: type[Decision],
    rule: str | None,
) -> None:
    decision = decide(f"examples/{example}.yaml", tool, arguments, now=now)
    assert isinstance(decision, answer)
    assert rule is None or decision.rule == rule


def test_every_example_in_yaml_has_a_decision_here() -> None:
    examples = {path.stem for path in FILES if path.parent.name == "examples"}
    assert examples - {"policy"} == {example for example, *_ in EXAMPLES}
