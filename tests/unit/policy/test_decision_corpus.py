"""Every row of the decision corpus, and that the corpus says every outcome of the core."""

import pytest

from decision_cases import DecisionCase, decision_cases, summary, with_arguments
from portcullis.policy.arguments import ArgumentFault, normalise
from portcullis.policy.decision import Outcome
from portcullis.policy.explain import explain

CASES = decision_cases()
ASKED = [case for case in CASES if case.expected["outcome"] != Outcome.INVALID_ARGUMENTS.value]

# What only the gateway can come to: it knows the stores, the tool list, the upstream
# and the requests for approval.
GATEWAY_OUTCOMES = {
    Outcome.LIMIT_REACHED,
    Outcome.APPROVAL_RUNNING,
    Outcome.APPROVAL_DENIED,
    Outcome.APPROVAL_EXPIRED,
    Outcome.APPROVAL_CANCELLED,
    Outcome.APPROVAL_FAILED,
    Outcome.APPROVAL_UNKNOWN,
    Outcome.APPROVAL_DELIVERED,
    Outcome.APPROVAL_LIMIT,
    Outcome.APPROVAL_UNSUPPORTED,
    Outcome.APPROVAL_UNAVAILABLE,
    Outcome.POLICY_UNAVAILABLE,
    Outcome.SNAPSHOT_UNAVAILABLE,
    Outcome.STORE_UNAVAILABLE,
    Outcome.STOPPED,
    Outcome.UPSTREAM_UNAVAILABLE,
    Outcome.TOOL_CHANGED,  # needs the tool as its server shows it: test_drift
    Outcome.TOOL_ADDED,
    Outcome.INTERNAL_ERROR,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_decision_is_what_the_corpus_says(case: DecisionCase) -> None:
    decision = case.decide()
    said = summary(decision)
    if "reason" in case.expected:
        said["reason"] = getattr(decision, "reason", None)
    assert said == case.expected


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_the_explanation_gives_the_same_decision(case: DecisionCase) -> None:
    arguments = dict(case.call.arguments)
    checked = arguments if case.schema is None else normalise(case.schema, arguments)
    assert not isinstance(checked, ArgumentFault)
    explanation = explain(case.policy, with_arguments(case.call, checked), now=case.now)
    assert explanation.decision == case.decide()


def test_no_two_rows_share_a_name() -> None:
    names = [case.name.partition(":")[0] for case in CASES]
    assert len(set(names)) == len(names)


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 120


def test_every_outcome_of_the_core_occurs() -> None:
    said = {case.expected["outcome"] for case in CASES}
    assert said == {outcome.value for outcome in set(Outcome) - GATEWAY_OUTCOMES}


@pytest.mark.parametrize("letter, last", [("C", 13), ("H", 12), ("I", 22), ("J", 13)])
def test_every_threat_case_the_core_can_decide_has_a_row(letter: str, last: int) -> None:
    elsewhere = {
        "C08",  # names of other types: refused by the protocol's parser
        "H09",  # floats do not exist after parsing
        "H11",  # concurrency: the counter stores' contract
        "I14",  # aliases: advice of the policy loader
        "I18",  # a huge list: test_paths
        "I19",  # a long path: test_paths
        "J08",  # bad patterns: test_operators
    }
    said = {case.name.partition(":")[0].partition("-")[0] for case in CASES}
    wanted = {f"{letter}{number:02}" for number in range(1, last + 1)}
    assert wanted - said <= elsewhere
