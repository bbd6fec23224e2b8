"""Policies that people approve, through the whole gateway: what agents may do changes with it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.asking_stack import SERVER, TOOL, AskingStack, asking_stack, at_once, some_arguments
from e2e.running_stack import STATUS_SECONDS
from e2e.test_policy_push import command

OPEN = f'version: "1"\ndefault: deny\ntools:\n  {TOOL}: {{action: allow}}\n'


@pytest.fixture(scope="module")
def stack() -> Iterator[AskingStack]:
    with asking_stack(PolicyApprovers="group:platform") as stack:
        yield stack


def status(stack: AskingStack, version: str, state: str) -> Any:
    def look() -> Any:
        told = stack.running.status(SERVER)
        is_it = told is not None and (told["source_version"], told["state"]) == (version, state)
        return told if is_it else None

    return at_once(look, within=STATUS_SECONDS, what=f"status {state}")


def test_a_policy_is_in_force_once_two_people_have_approved_it(stack: AskingStack) -> None:
    # The policies of the start are in force: the people of the stack approved them.
    started = stack.running.status(SERVER)
    assert started is not None
    assert started["state"] == "active"
    version = stack.running.upload(SERVER, OPEN)
    approval = status(stack, version, "waiting")["waiting"]["approval"]
    view = stack.view(approval)
    assert (view["kind"], view["arguments"]["policy"]) == ("policy", OPEN)
    assert any(f"`{TOOL}` changes" in one["text"] for one in view["arguments"]["changes"])
    stack.approver.approve(approval)
    # One person is not enough: the old policy still asks for every call.
    asked = stack.asked(some_arguments())
    assert asked
    assert stack.view(approval)["state"] == "PENDING"
    stack.second_approver.approve(approval)
    stack.ended(approval, "DONE")
    in_force = status(stack, version, "active")["in_force"]
    assert in_force["source_version"] == version
    at_once(lambda: stack.execution(approval) == "SUCCEEDED", what="end of the workflow")
    arguments = some_arguments()
    at_once(lambda: not stack.call(arguments).get("isError"), what="allowed call")
    assert stack.executed(arguments) == 1


def test_the_same_person_is_not_two_and_a_denial_leaves_what_is_in_force(
    stack: AskingStack,
) -> None:
    before = stack.running.status(SERVER)
    version = stack.running.upload(SERVER, OPEN + "hide: [other]\n")
    approval = status(stack, version, "waiting")["waiting"]["approval"]
    stack.approver.approve(approval)
    assert stack.approver.decide(approval, "approve").status_code == 409
    stack.second_approver.deny(approval, comment="not now")
    told = status(stack, version, "rejected")
    assert told["faults"][0]["message"] == "an approver denied it: `not now`"
    assert before is not None
    assert told["in_force"]["revision"] == before["in_force"]["revision"]


def test_a_rollback_waits_for_two_people_and_history_names_them(stack: AskingStack) -> None:
    before = stack.running.status(SERVER)
    assert before is not None
    in_force = before["in_force"]["revision"]
    first = before["in_force"]["source_version"]
    version = stack.running.upload(SERVER, OPEN + "hide: [another]\n")
    approve_both(stack, status(stack, version, "waiting")["waiting"]["approval"])
    status(stack, version, "active")
    ran = command(stack.running, "rollback", SERVER, "--yes", "--json")
    assert ran.returncode == 7, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert (told["to"]["version"], told["to"]["revision"]) == (first, in_force)
    assert told["status"]["state"] == "waiting"
    approve_both(stack, told["status"]["waiting"]["approval"])
    status(stack, told["version"], "active")
    ran = command(stack.running, "history", SERVER, "--limit", "2", "--json")
    (now,) = json.loads(ran.stdout)["uploads"][0]["activations"]
    assert (now["revision"], now["until"]) == (in_force, None)
    assert len(now["release"]["approved_by"]) == 2


def approve_both(stack: AskingStack, approval: str) -> None:
    stack.approver.approve(approval)
    stack.second_approver.approve(approval)
    stack.ended(approval, "DONE")
