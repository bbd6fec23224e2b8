"""The word for a tool agrees with what calls of it are decided, whatever their arguments."""

import pytest

from portcullis.policy.decision import Allow, Decision, Deny, Outcome, RequireApproval
from portcullis.policy.drift import decide
from portcullis.policy.lock_file import LockedTool, LockFile
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject
from portcullis_cli.servers.tool_words import word_of

ENTRIES = """
  plain: {action: allow}
  never: {action: deny}
  ask: {action: require_approval, approval: {approvers: ["group:x"]}}
  limited: {rate_limit: {max: 3, window: 1m}}
  spent: {spend_limit: {path: args.amount, max: 10, window: 2h, per: principal}}
  shadowed: {rules: [{action: allow}, {name: s, action: deny, mode: shadow}]}
  sometimes: {action: allow, when: [{path: args.a, op: eq, value: 1}]}
  mostly:
    rules:
      - {name: yes it is, action: allow}
      - {name: not one, action: deny, when: [{path: args.a, op: eq, value: 1}]}
  mostly asked:
    rules:
      - {name: asks, action: require_approval, approval: {approvers: ["group:x"]}}
      - {name: not one, action: deny, when: [{path: args.a, op: eq, value: 1}]}
  asked for one:
    rules:
      - {name: yes it is, action: allow}
      - name: one
        action: require_approval
        approval: {approvers: ["group:x"]}
        when: [{path: args.a, op: eq, value: 1}]
  limited for one:
    rules:
      - {action: allow}
      - {name: few, rate_limit: {max: 3, window: 1m}, when: [{path: args.a, op: eq, value: 1}]}
  asked twice:
    rules:
      - {action: require_approval, approval: {approvers: ["group:x"]}}
      - name: one
        action: require_approval
        approval: {approvers: ["group:x"], min_approvals: 2}
        when: [{path: args.a, op: eq, value: 1}]
  allowed twice:
    rules:
      - {action: allow}
      - {action: allow, when: [{path: args.a, op: eq, value: 1}]}
"""
for _words in ("mostly asked", "asked for one", "limited for one", "asked twice", "allowed twice"):
    ENTRIES = ENTRIES.replace(_words, _words.replace(" ", "_"))
TOOLS = [
    "plain", "never", "ask", "limited", "spent", "shadowed", "sometimes", "mostly", "mostly_asked",
    "asked_for_one", "limited_for_one", "asked_twice", "allowed_twice", "other", "secret",
]  # fmt: skip
WORDS = {
    "allowed": {"allow"},
    "denied": {"deny"},
    "approval": {"ask"},
    "hidden": {"hidden"},
}
DEFINITION: JsonObject = {"name": "any"}


def policy(default: str, *, lock: JsonObject | None = None, drift: str = "") -> Policy:
    text = f'version: "1"\ndefault: {default}\nhide: [secret]\n{drift}tools:{ENTRIES}'
    return parse_policy(text, lock=lock).policy


def decided(made: Policy, tool: str) -> set[str]:
    """What calls come to: one of which the conditions above speak, one that says nothing of it."""
    found = set()
    for a in ({"a": 1}, {"a": 2}, {}):
        call = Call(
            server="s",
            kind=Kind.TOOL,
            name=tool,
            arguments={**a, "amount": 1},
            principal=Principal(issuer="i", subject="s"),
            session="slot-0",
        )
        # The gateway answers for a hidden tool before it looks at the lock.
        definition = None if made.hidden(tool) else DEFINITION
        found.add(short(decide(made, call, definition, now=Instant(micros=0))))
    return found


def short(decision: Decision) -> str:
    if isinstance(decision, Deny):
        return "hidden" if decision.outcome is Outcome.HIDDEN else "deny"
    assert isinstance(decision, Allow | RequireApproval)
    return "allow" if isinstance(decision, Allow) else "ask"


@pytest.mark.parametrize("default", ["deny", "allow"])
@pytest.mark.parametrize("drift", ["", "approval", "deny"])
def test_a_word_is_what_calls_are_decided(default: str, drift: str) -> None:
    lock, line = None, ""
    if drift:
        lock = LockFile(
            server="s", tools={"plain": LockedTool(category="read", definition=DEFINITION)}
        ).document()
        asks = 'require_approval, approval: {approvers: ["group:x"]}'
        line = f"drift: {{added: {asks if drift == 'approval' else 'deny'}}}\n"
    made = policy(default, lock=lock, drift=line)
    for tool in TOOLS:
        word = word_of(made, "s", tool, DEFINITION).word
        came_to = decided(made, tool)
        if word == "it depends":
            assert len(came_to) > 1, tool
        else:
            assert came_to == WORDS[word], tool


def test_a_word_says_why_and_up_to_what() -> None:
    made = policy("deny")
    told = {tool: word_of(made, "s", tool, DEFINITION) for tool in TOOLS}
    assert told["limited"].limits == ("3 in 1 min per session",)
    assert told["spent"].limits == ("10 of args.amount in 2 h per principal",)
    assert told["mostly"].why == "allowed by mostly/yes it is, unless mostly/not one denies"
    assert (
        told["mostly_asked"].why
        == "approval by mostly_asked/asks, unless mostly_asked/not one denies"
    )
    assert told["asked_for_one"].why.endswith("unless asked_for_one/one asks people")
    assert (
        told["limited_for_one"].why
        == "allowed by limited_for_one/1, unless limited_for_one/few cannot be evaluated"
    )
    assert told["asked_twice"].why.endswith("unless asked_twice/one cannot be evaluated")
    assert told["allowed_twice"].word == "allowed"
    assert told["other"].why == "no rule permits it"
    assert word_of(None, "s", "plain", DEFINITION).why == "no policy is in force"
    assert word_of(made, "s", "no name", DEFINITION).word == "denied"
