"""What the solver calls impossible, no call does: of many calls, and of all of a small world.

An example that the solver gives was decided by `evaluate`, so it cannot be wrong; what it says
there is none of could be. That is what these laws are about.
"""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.policy.document import parse_document
from portcullis.policy.evaluate import evaluate
from portcullis.policy.model import Call, Instant, Kind, Policy, Principal
from portcullis.policy.policy_text import parse_policy
from portcullis.values import JsonObject
from portcullis_cli.reasoning.slots import NOON, Question
from portcullis_cli.reasoning.solve import ALLOW, ASK, DENY, Reasoner, word
from strategies import TOOLS, policies

pytestmark = pytest.mark.property

WORDS = (ALLOW, ASK, DENY)
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -5, Decimal("0.5"), 10**13, "", "eu-west-1", "prod", "10", "10.0.0.1"]
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.fixed_dictionaries({}, optional={"owner": SCALARS, "action": SCALARS}),
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "region": VALUES,
        "size": VALUES,
        "publicly_accessible": VALUES,
        "tags": VALUES,
        "amount": VALUES,
        "subnets": st.lists(SCALARS, max_size=2),
        "statements": st.lists(st.fixed_dictionaries({}, optional={"action": SCALARS}), max_size=2),
    },
)


def call_of(tool: str, arguments: dict[str, Any], principal: Principal | None = None) -> Call:
    return Call(
        server="server", kind=Kind.TOOL, name=tool, arguments=arguments,
        principal=principal or Principal(issuer="portcullis", subject="somebody"), session="s",
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(policies(), st.sampled_from(TOOLS), st.lists(ARGUMENTS, min_size=1, max_size=8))
def test_no_call_does_what_is_said_to_be_impossible(
    document: JsonObject, tool: str, calls: list[dict[str, Any]]
) -> None:
    policy = parse_document(document).policy
    reasoner = Reasoner([policy], Question(server="server", tool=tool))
    answers = {wanted: reasoner.decided(0, wanted) for wanted in WORDS}
    for wanted, answer in answers.items():
        if answer.example is not None:
            assert word(answer.example.decisions[0]) == wanted
    for arguments in calls:
        decided = word(evaluate(policy, call_of(tool, arguments), now=NOON))
        answer = answers[decided]
        assert answer.example is not None or not answer.is_certain, (arguments, decided)


DOMAIN: list[Any] = [
    "GONE", None, True, False, 0, 1, 2, 3, Decimal("1.5"), "", "a", "b", "ab", "ba", "abc",
    [], ["a"], ["a", "b"], ["a", 1], [1, 2], {}, {"x": 1}, {"x": 2}, {"x": "a"}, {"x": None},
    [{"x": 1}], [{"x": 1}, {"x": 2}], [{"x": 2}, {}],
]  # fmt: skip
CONDITIONS = [
    "{path: args.p, op: eq, value: 1}",
    "{path: args.p, op: neq, value: a}",
    "{path: args.p, op: in, value: [a, b, 2]}",
    "{path: args.p, op: not_in, value: [ab, 3]}",
    "{path: args.p, op: gt, value: 1}",
    "{not: {path: args.p, op: lte, value: 2}}",
    "{path: args.p, op: starts_with, value: a}",
    "{path: args.p, op: ends_with, value: b}",
    "{path: args.p, op: contains, value: a}",
    "{path: args.p, op: regex, value: 'a.*|b'}",
    "{path: args.p, op: matches_glob, value: '?b*'}",
    "{path: args.p, op: length, value: {min: 1, max: 2}}",
    "{path: args.p, op: exists, value: false}",
    "{path: args.p, op: exists}",
    "{path: args.p.x, op: eq, value: 1}",
    "{path: args.p.x, op: exists, value: false}",
    "{path: args.p.x, op: eq, value: null}",
    "{path: 'args.p[*].x', op: gt, value: 1, match: any}",
    "{path: 'args.p[*].x', op: gt, value: 1, match: all}",
    "{path: 'args.p[0]', op: eq, value: a}",
    "{path: 'args.p[*]', op: eq, value: a, match: all}",
]


def policy_of(text: str) -> Policy:
    return parse_policy(text).policy


PAIRS = [
    (one, CONDITIONS[(number + by) % len(CONDITIONS)])
    for number, one in enumerate(CONDITIONS)
    for by in (1, 4, 9)
]


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_of_a_small_world_every_answer_is_right(number: int) -> None:
    """Every call over a small domain: what some call does is found, what is certain is so."""
    first, second = PAIRS[number]
    policy = policy_of(
        'version: "1"\ndefault: deny\ntools:\n  t:\n    rules:\n'
        f"      - {{action: deny, when: [{first}]}}\n"
        "      - {action: require_approval, approval: {approvers: [x]}, "
        f"when: [{second.replace('args.p', 'args.q')}]}}\n"
        f"      - {{action: allow, when: [{{any: [{second}, {{not: {first}}}]}}]}}\n"
    )
    done: dict[str, Any] = {}
    for p, q in product(DOMAIN, repeat=2):
        arguments = {name: value for name, value in (("p", p), ("q", q)) if value != "GONE"}
        done[word(evaluate(policy, call_of("t", arguments), now=NOON))] = arguments
    reasoner = Reasoner([policy], Question(server="server", tool="t"))
    for wanted in WORDS:
        answer = reasoner.decided(0, wanted)
        if answer.example is None:
            assert answer.is_certain
            assert wanted not in done, (done[wanted], first, second)


def test_times_groups_and_identities_are_part_of_the_world() -> None:
    policy = policy_of(
        'version: "1"\ndefault: deny\ntools:\n  t:\n    rules:\n'
        "      - {action: deny, when: [{path: time.hour, op: lt, value: 9}]}\n"
        "      - {action: deny, when: [{path: time.weekday, op: in, value: [sat, sun]}]}\n"
        "      - {action: deny, when: [{path: principal.groups, op: contains, value: guests}]}\n"
        "      - {action: deny, when: [{path: principal.subject, op: neq, value: alice}]}\n"
        "      - {action: deny, when: [{path: principal.tags.team, op: neq, value: pay}]}\n"
        "      - {action: allow}\n"
    )
    answer = Reasoner([policy], Question(server="s", tool="t")).decided(0, ALLOW)
    assert answer.example is not None
    call = answer.example.call
    assert call.principal.subject == "alice"
    assert call.principal.tags == {"team": "pay"}
    assert call.principal.groups is not None
    assert "guests" not in call.principal.groups
    guest = Principal(issuer="i", subject="alice", groups=("guests",), tags={"team": "pay"})
    never = Reasoner([policy], Question(server="s", tool="t", caller=guest)).decided(0, ALLOW)
    assert never.example is None
    assert never.is_certain
    assert isinstance(answer.example.now, Instant)
