"""The approval workflow's definition: whole, sound, and at one with the code and its role.

Sources: Step Functions guide, "Handling errors in Step Functions workflows", "Quotas",
"Logging using CloudWatch Logs in Step Functions"; SAM policy template
`StepFunctionsCallbackPolicy` (a machine's ARN scopes SendTaskSuccess).
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_stack.template import substituted
from portcullis.adapters import approval_items as items
from portcullis.adapters.stepfunctions_workflow import _input
from portcullis.approvals.states import TERMINAL, State
from portcullis.gateway.approval_ports import MOST_LOOKS
from portcullis.policy.nodes import MAXIMUM_SECONDS
from support.approval_records import TERMS, make_record
from support.deployment import RESOURCES, ROOT, permissions, run, target

PROPERTIES: Mapping[str, Any] = RESOURCES["ApprovalStateMachine"]["Properties"]
TEXT = (ROOT / PROPERTIES["DefinitionUri"]).read_text("utf-8")
SUBSTITUTIONS: Mapping[str, Any] = PROPERTIES["DefinitionSubstitutions"]
DEFINITION: dict[str, Any] = json.loads(TEXT)
STATES: Mapping[str, Any] = DEFINITION["States"]
STATE = "$.item.Item.state.S"
ACTIONS = {
    "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken": "dynamodb:UpdateItem",
    "arn:aws:states:::dynamodb:getItem": "dynamodb:GetItem",
    "arn:aws:states:::dynamodb:updateItem": "dynamodb:UpdateItem",
    "arn:aws:states:::events:putEvents": "events:PutEvents",
    "arn:aws:states:::lambda:invoke": "lambda:InvokeFunction",
    "arn:aws:states:::sns:publish": "sns:Publish",
}
MOST_EVENTS = 25_000


def every_state(states: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in states.items():
        yield name, one
        for branch in one.get("Branches", ()):
            yield from every_state(branch["States"])


ALL = dict(every_state(STATES))
TASKS = {name: one for name, one in ALL.items() if one["Type"] == "Task"}


def ways(state: str) -> dict[str, str]:
    """Where a choice leads for each state of the record it names, whatever the time is."""
    found: dict[str, str] = {}
    for rule in STATES[state]["Choices"]:
        if "And" not in rule:
            for one in rule.get("Or", [rule]):
                if one["Variable"] == STATE and "StringEquals" in one:
                    found[one["StringEquals"]] = rule["Next"]
    return found


def test_every_state_says_what_it_is_for() -> None:
    assert [name for name, one in ALL.items() if not one.get("Comment", "").endswith(".")] == []
    assert DEFINITION["Comment"]


def test_every_substitution_is_made_and_none_is_left_over() -> None:
    assert set(re.findall(r"\$\{(\w+)\}", TEXT)) == set(SUBSTITUTIONS)


def test_every_state_of_a_record_has_a_way_and_a_state_that_is_none_has_one_too() -> None:
    assert ways("Choose") == {
        "PENDING": "AwaitDecision",
        "APPROVED": "Execute",
        "EXECUTING": "AllowToFinish",
        **{state.value: "TellEnd" for state in TERMINAL},
    }
    assert set(ways("Choose")) == {state.value for state in State}
    assert STATES["Choose"]["Choices"][0] == {
        "Variable": STATE,
        "IsPresent": False,
        "Next": "RecordGone",
    }
    assert STATES["NoSuchState"]["Type"] == STATES["RecordGone"]["Type"] == "Fail"
    assert STATES["Choose"]["Default"] == "NoSuchState"


def test_every_final_state_has_an_end_of_its_own_and_only_an_unknown_outcome_fails() -> None:
    ends = ways("Ended")
    assert set(ends) == {state.value for state in TERMINAL - {State.UNKNOWN}}
    assert len(set(ends.values())) == len(ends)
    assert {STATES[end]["Type"] for end in ends.values()} == {"Succeed"}
    assert STATES["Ended"]["Default"] == "AskAPerson"
    assert STATES["AskAPerson"]["Next"] == "OutcomeUnknown"
    assert STATES["OutcomeUnknown"]["Error"] == "Portcullis.OutcomeUnknown"


def test_N35_no_task_that_fails_ends_an_execution_or_approves_anything() -> None:
    for name, one in TASKS.items():
        assert one["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert all(catch["ResultPath"] is None for catch in one["Catch"]), name
        for catch in one["Catch"]:
            following = catch["Next"]
            assert following in {"Look", "RestFromTrouble", "Ended", "OutcomeUnknown"} or (
                ALL[following]["Type"] == "Pass" and ALL[following]["End"]
            ), name


def test_N26_only_an_invocation_that_did_not_start_is_repeated() -> None:
    (retry,) = STATES["Execute"]["Retry"]
    assert retry["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert STATES["Execute"]["Parameters"]["Payload"] == {"approval.$": "$.approval"}


def test_N19_the_token_is_in_one_write_and_what_comes_back_by_it_is_dropped() -> None:
    assert TEXT.count("$$.Task.Token") == 1
    waiting = STATES["AwaitDecision"]
    assert waiting["Parameters"]["ExpressionAttributeValues"][":token"] == {"S.$": "$$.Task.Token"}
    assert waiting["ResultPath"] is None
    assert PROPERTIES["Logging"]["IncludeExecutionData"] is False
    assert PROPERTIES["Tracing"]["Enabled"] is False


def test_every_task_reads_and_writes_the_record_the_store_keeps() -> None:
    key = {
        name: {"S": value["S"].replace("x", "{}")} for name, value in items.record_key("x").items()
    }
    for name, one in TASKS.items():
        if "dynamodb" in one["Resource"]:
            assert one["Parameters"]["Key"] == {
                "pk": {"S.$": f"States.Format('{key['pk']['S']}', $.approval)"},
                "sk": key["sk"],
            }, name


def test_the_role_allows_what_the_tasks_do_where_they_do_it_and_nothing_else() -> None:
    allowed = permissions("ApprovalStateMachineRole")
    delivery = [one for one in allowed if one["Sid"] == "DeliverLogs"]
    assert {action.partition(":")[0] for one in delivery for action in one["Action"]} == {"logs"}
    granted = {
        action: one["Resource"]
        for one in allowed
        if one not in delivery and one["Sid"] != "ThroughServices"  # the customer's own key
        for action in one["Action"]
    }
    assert set(granted) == {ACTIONS[one["Resource"]] for one in TASKS.values()}
    assert {
        action: target(found) for action, found in granted.items() if "events" not in action
    } == {
        "dynamodb:GetItem": "StateTable",
        "dynamodb:UpdateItem": "StateTable",
        "lambda:InvokeFunction": target(SUBSTITUTIONS["ExecutorFunction"]),
        "sns:Publish": target(SUBSTITUTIONS["ApprovalTopic"]),
    }
    bus = granted["events:PutEvents"]["Fn::Sub"]
    assert bus.endswith(f":event-bus/{SUBSTITUTIONS['EventBus']}")


def test_only_who_asks_starts_and_only_who_asks_or_decides_wakes() -> None:
    allowed = {
        (name, action)
        for name, one in RESOURCES.items()
        if one["Type"] == "AWS::IAM::Role"
        for statement in permissions(name)
        for action in statement["Action"]
        if statement["Effect"] == "Allow" and action.startswith("states:")
    }
    assert allowed == {
        ("ActivatorRole", "states:StartExecution"),
        ("ActivatorRole", "states:SendTaskSuccess"),
        ("GatewayRole", "states:StartExecution"),
        ("GatewayRole", "states:SendTaskSuccess"),
        ("ConsoleRole", "states:SendTaskSuccess"),
    }


def test_an_executor_is_allowed_to_finish_before_its_outcome_is_called_unknown() -> None:
    timeout = int(RESOURCES["ExecutorFunction"]["Properties"]["Timeout"])
    assert int(SUBSTITUTIONS["FinishSeconds"]) > timeout
    config = RESOURCES["ExecutorFunction"]["Properties"]["EventInvokeConfig"]
    assert config == {"MaximumRetryAttempts": 0}


@pytest.mark.parametrize("timeout", [1, 60, 3600, 86_400, MAXIMUM_SECONDS])
def test_the_longest_wait_has_events_enough(timeout: int) -> None:
    told = re.search(r"at most (\d+) events", DEFINITION["Comment"])
    assert told is not None
    assert int(told[1]) * (MOST_LOOKS + 50) < MOST_EVENTS
    record = make_record(terms=replace(TERMS, timeout_seconds=timeout))
    given = json.loads(_input(record))
    assert given["wait"] >= 1
    assert timeout // given["wait"] <= MOST_LOOKS


def dangling(definition: Mapping[str, Any]) -> set[str]:
    """The states that something leads to and that are not there, or that nothing leads to."""
    found: set[str] = set()
    states = definition["States"]
    led_to = {definition["StartAt"]}
    for one in states.values():
        led_to |= {one[key] for key in ("Next", "Default") if key in one}
        led_to |= {rule["Next"] for key in ("Choices", "Catch") for rule in one.get(key, ())}
        for branch in one.get("Branches", ()):
            found |= dangling(branch)
    return found | (led_to ^ set(states))


def with_state(name: str, **changes: Any) -> dict[str, Any]:
    """The definition with one of its states changed."""
    return {**DEFINITION, "States": {**STATES, name: {**STATES[name], **changes}}}


def test_every_state_is_there_and_is_led_to() -> None:
    assert dangling(DEFINITION) == set()


@pytest.mark.parametrize(
    ("definition", "state"),
    [
        pytest.param(with_state("Rest", Next="Nowhere"), "Nowhere", id="next"),
        pytest.param(with_state("Ended", Default="Nowhere"), "Nowhere", id="default"),
        pytest.param(with_state("Look", Catch=[{"Next": "Nowhere"}]), "Nowhere", id="catch"),
        pytest.param(with_state("Choose", Choices=[]), "Execute", id="not-led-to"),
        pytest.param(
            with_state("Announce", Branches=[{"StartAt": "Nowhere", "States": {}}]),
            "Nowhere",
            id="branch",
        ),
    ],
)
def test_a_state_that_is_missing_or_not_led_to_is_found(
    definition: Mapping[str, Any], state: str
) -> None:
    """cfn-lint 1.58 looks at where a definition starts, and not at where its states lead."""
    assert state in dangling(definition)


def lint(folder: Path, definition: Mapping[str, Any]) -> str:
    """What cfn-lint says of a definition; empty where it has nothing to say."""
    values = {name: str(value) for name, value in SUBSTITUTIONS.items()}
    values |= {
        "ApprovalTopic": "arn:aws:sns:us-east-1:123456789012:topic",
        "ExecutorFunction": "arn:aws:lambda:us-east-1:123456789012:function:executor",
        "StateTable": "state",
    }
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/any",
            "Definition": json.loads(substituted(json.dumps(definition), values)),
        },
    }
    path = folder / "machine.json"
    path.write_text(json.dumps({"Resources": {"Machine": machine}}), "utf-8")
    outcome = run(str(Path(sys.executable).parent / "cfn-lint"), str(path))
    assert (outcome.returncode == 0) == (not outcome.stdout.strip()), outcome.stderr
    return outcome.stdout


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_the_definition(tmp_path: Path) -> None:
    assert lint(tmp_path, DEFINITION) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "definition",
    [
        pytest.param({**DEFINITION, "StartAt": "Nowhere"}, id="start"),
        pytest.param(with_state("Look", Retry=[{"MaxAttempts": 1}]), id="retry-of-nothing"),
        pytest.param(with_state("Rest", Type="Sleep"), id="type"),
        pytest.param(with_state("Ended", Choices=[{"Variable": "$.x"}]), id="choice"),
    ],
)
def test_cfn_lint_finds_what_is_wrong_in_a_definition(
    tmp_path: Path, definition: Mapping[str, Any]
) -> None:
    assert "E3601" in lint(tmp_path, definition)
