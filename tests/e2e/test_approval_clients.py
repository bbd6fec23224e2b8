"""A call that needs an approval, seen by the MCP clients people use: each by its own way.

The tool writes a policy of a user in the emulated account, so what was executed can be seen.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest

from conformance.stack import local_stack
from e2e.agents import AGENTS, Agent, Call, PythonAgent, Result
from e2e.running_stack import RunningStack, until
from support.approval_clients import (
    LEGACY_USER_CLIENTS,
    MODERN_USER_CLIENTS,
    Approver,
    Link,
    UserClient,
    Word,
    ask,
    call_as_task,
)

SERVER: Final = "aws-iam"
USER: Final = "approved-user"
DECISION: Final = "portcullis/decision"
RESULT_SECONDS: Final = 60.0
LATER_SECONDS: Final = 2.0

POLICY: Final = """\
version: "1"
default: deny
tools:
  put_user_policy:
    action: require_approval
    approval: {approvers: ["group:approvers"], timeout: 10m}
    reason: A person looks at inline policies.
"""

with_node = [pytest.mark.node, pytest.mark.usefixtures("node_packages")]
each_agent = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
# Where all agents read the same text, one of each revision shows it.
two_agents = pytest.mark.parametrize("agent", AGENTS[:2], ids=lambda agent: agent.name)
each_modern_user = pytest.mark.parametrize("client", MODERN_USER_CLIENTS, ids=lambda one: one.name)
each_legacy_user = pytest.mark.parametrize("client", LEGACY_USER_CLIENTS, ids=lambda one: one.name)

pytestmark = with_node
numbers = itertools.count(1)


def prepared(stack: RunningStack) -> RunningStack:
    """The stack with the policy in force and the user whose policies are written."""
    stack.put_in_force(SERVER, POLICY)
    stack.aws("iam").create_user(UserName=USER)
    return stack


@pytest.fixture(scope="module")
def gate(stack: RunningStack) -> RunningStack:
    """The stack of all end-to-end tests."""
    return prepared(stack)


@pytest.fixture(scope="module")
def linking_gate() -> Iterator[RunningStack]:
    """A stack that answers handshake clients with -32042 where they can show a link."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARAMETERS", json.dumps({"LegacyUrlElicitation": "true"}))
        with local_stack({}) as ready:
            yield prepared(RunningStack(ready))


class Case:
    """One call that needs an approval, and what became of it."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.endpoint = stack.endpoint(SERVER)
        self.name = f"approved-{next(numbers)}"
        self.approver = Approver(stack.ready["console_url"], stack.ready["approver_token"])
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "mq:ListBrokers", "Resource": "*"}],
        }
        arguments = {
            "user_name": USER,
            "policy_name": self.name,
            "policy_document": json.dumps(document),
            "confirmed": True,
        }
        self.call = Call("put_user_policy", arguments)

    @property
    def is_executed(self) -> bool:
        """Whether the account holds what the call writes."""
        policies = self.stack.aws("iam").list_user_policies(UserName=USER)
        return self.name in policies["PolicyNames"]

    def assert_executed(self, result: Result) -> None:
        """The call was made, and the client has the server's own result."""
        assert not result.is_error, result
        assert self.is_executed
        assert USER in result.text
        assert DECISION not in result.meta

    def assert_refused(self, result: Result, start: str) -> None:
        """The call was not made, and the client was told so in words that begin like this."""
        assert result.is_error, result
        assert result.error is None
        assert result.text.startswith(start)
        assert not self.is_executed

    def approve_later(self, link: Link) -> Word:
        """A user who opens the page; the approver decides while the client comes again."""
        assert not self.is_executed
        timer = threading.Timer(LATER_SECONDS, self.approver.approve, (link.approval,))
        timer.daemon = True
        timer.start()
        return "accept"


@pytest.fixture
def case(gate: RunningStack) -> Case:
    return Case(gate)


def asked(result: Result) -> dict[str, Any]:
    """What machines are told of the approval that is waited for."""
    told: dict[str, Any] = result.meta[DECISION]
    assert told["outcome"] == "approval_required", told
    approval: dict[str, Any] = told["approval"]
    return approval


# ---------------------------------------------------------------- tasks


def test_a_client_with_tasks_gets_the_result_of_the_approved_call(case: Case) -> None:
    def decide(task_id: str) -> None:
        assert not case.is_executed
        case.approver.approve(task_id)

    case.assert_executed(call_as_task(case.endpoint, case.call, decide))


def test_a_client_with_tasks_learns_why_its_call_was_denied(case: Case) -> None:
    def decide(task_id: str) -> None:
        case.approver.deny(task_id, comment="Not on a Friday.")

    result = call_as_task(case.endpoint, case.call, decide)
    case.assert_refused(result, "APPROVAL DENIED")
    assert "Not on a Friday." in result.text


def created(case: Case) -> dict[str, Any]:
    """The task that a call is answered with."""
    params = {"name": case.call.name, "arguments": case.call.arguments}
    status, reply = ask(case.endpoint, "tools/call", params, named=case.call.name)
    assert (status, reply["result"]["resultType"]) == (200, "task"), reply
    task: dict[str, Any] = reply["result"]
    return task


def of_task(case: Case, method: str, task_id: str, **more: Any) -> dict[str, Any]:
    """The result of a request about a task."""
    status, reply = ask(case.endpoint, method, {"taskId": task_id, **more}, named=task_id)
    assert status == 200, reply
    result: dict[str, Any] = reply["result"]
    return result


def test_a_cancelled_task_can_not_be_approved_any_more(case: Case) -> None:
    task_id = created(case)["taskId"]
    assert of_task(case, "tasks/get", task_id)["status"] == "working"
    assert of_task(case, "tasks/cancel", task_id)["resultType"] == "complete"
    assert of_task(case, "tasks/get", task_id)["status"] == "cancelled"
    assert case.approver.decide(task_id, "approve").status_code == 409
    assert not case.is_executed


def test_N38_nothing_a_client_says_of_its_task_approves_the_call(case: Case) -> None:
    task_id = created(case)["taskId"]
    said = {"approval": {"action": "accept"}}
    assert of_task(case, "tasks/update", task_id, inputResponses=said)["resultType"] == "complete"
    assert of_task(case, "tasks/get", task_id)["status"] == "working"
    assert not case.is_executed
    of_task(case, "tasks/cancel", task_id)


def test_K04_another_callers_task_is_unknown(case: Case) -> None:
    task_id = created(case)["taskId"]
    other = case.stack.endpoint(SERVER, second_agent=True)
    for method in ("tasks/get", "tasks/cancel"):
        status, reply = ask(other, method, {"taskId": task_id}, named=task_id)
        assert (status, reply["error"]["code"]) == (400, -32602)
        assert reply["error"] == ask(other, method, {"taskId": "none"}, named="none")[1]["error"]
    assert of_task(case, "tasks/get", task_id)["status"] == "working"
    of_task(case, "tasks/cancel", task_id)


# ---------------------------------------------------------------- links, 2026-07-28


@each_modern_user
def test_a_client_that_shows_links_gets_the_result_of_the_approved_call(
    client: UserClient, case: Case
) -> None:
    links: list[Link] = []

    def decide(link: Link) -> Word:
        links.append(link)
        assert not case.is_executed
        case.approver.approve(link.approval)
        return "accept"

    case.assert_executed(client.run(case.endpoint, case.call, decide))
    assert [link.url for link in links] == [
        f"{case.stack.ready['console_url']}/{links[0].approval}"
    ]


@each_modern_user
def test_N38_a_client_that_opened_the_page_waits_until_a_person_decides(
    client: UserClient, case: Case
) -> None:
    case.assert_executed(client.run(case.endpoint, case.call, case.approve_later))


@each_modern_user
def test_a_client_that_shows_links_learns_why_its_call_was_denied(
    client: UserClient, case: Case
) -> None:
    def decide(link: Link) -> Word:
        case.approver.deny(link.approval, comment="Ask Bob first.")
        return "accept"

    result = client.run(case.endpoint, case.call, decide)
    case.assert_refused(result, "APPROVAL DENIED")
    assert "Ask Bob first." in result.text


@each_modern_user
@pytest.mark.parametrize("word", ["decline", "cancel"])
def test_a_user_who_declines_takes_the_request_back(
    client: UserClient, word: Word, case: Case
) -> None:
    links: list[Link] = []

    def decline(link: Link) -> Word:
        links.append(link)
        return word

    case.assert_refused(client.run(case.endpoint, case.call, decline), "APPROVAL CANCELLED")
    assert case.approver.decide(links[0].approval, "approve").status_code == 409
    assert not case.is_executed


# ---------------------------------------------------------------- the same call again


@each_agent
def test_a_client_with_neither_calls_again_and_gets_the_one_result(
    agent: Agent, case: Case
) -> None:
    (first,) = agent.run(case.endpoint, [case.call]).results
    approval = asked(first)
    case.assert_refused(first, "APPROVAL REQUIRED")
    assert approval["id"] in first.text
    assert approval["url"] == f"{case.stack.ready['console_url']}/{approval['id']}"

    case.approver.approve(approval["id"])

    def picked_up() -> Result | None:
        (result,) = agent.run(case.endpoint, [case.call]).results
        return None if "approval_running" in str(result.meta) else result

    case.assert_executed(until(picked_up, within=RESULT_SECONDS, what="result"))
    (third,) = agent.run(case.endpoint, [case.call]).results
    assert third.is_error
    assert third.meta[DECISION]["outcome"] in {"approval_delivered", "approval_required"}


@two_agents
def test_a_client_with_neither_learns_why_its_call_was_denied(agent: Agent, case: Case) -> None:
    (first,) = agent.run(case.endpoint, [case.call]).results
    case.approver.deny(asked(first)["id"], comment="No, sorry.")
    (again,) = agent.run(case.endpoint, [case.call]).results
    case.assert_refused(again, "APPROVAL DENIED")
    assert "No, sorry." in again.text


def test_a_client_that_changes_its_way_speaks_of_the_same_request(case: Case) -> None:
    task_id = created(case)["taskId"]
    plain = PythonAgent("python sdk, legacy", "2025-11-25", "legacy")
    (text,) = plain.run(case.endpoint, [case.call]).results
    assert asked(text)["id"] == task_id
    links: list[Link] = []

    def decide(link: Link) -> Word:
        links.append(link)
        case.approver.approve(link.approval)
        return "accept"

    result = MODERN_USER_CLIENTS[0].run(case.endpoint, case.call, decide)
    case.assert_executed(result)
    assert [link.approval for link in links] == [task_id]
    assert of_task(case, "tasks/get", task_id)["status"] == "completed"


# ---------------------------------------------------------------- links, 2025-11-25


@each_legacy_user
def test_D6_a_handshake_client_that_shows_links_is_sent_to_the_page(
    client: UserClient, linking_gate: RunningStack
) -> None:
    case = Case(linking_gate)
    links: list[Link] = []

    def decide(link: Link) -> Word:
        links.append(link)
        assert not case.is_executed
        case.approver.approve(link.approval)
        return "accept"

    case.assert_executed(client.run(case.endpoint, case.call, decide))
    assert [link.url for link in links] == [
        f"{linking_gate.ready['console_url']}/{links[0].approval}"
    ]


@two_agents
def test_D6_a_client_that_does_not_say_it_shows_links_is_told_in_text(
    agent: Agent, linking_gate: RunningStack
) -> None:
    case = Case(linking_gate)
    (first,) = agent.run(case.endpoint, [case.call]).results
    case.assert_refused(first, "APPROVAL REQUIRED")
    case.approver.deny(asked(first)["id"])


@each_legacy_user
def test_D6_no_handshake_client_is_sent_anywhere_unless_the_deployment_wants_it(
    client: UserClient, case: Case
) -> None:
    links: list[Link] = []

    def note(link: Link) -> Word:
        links.append(link)
        return "accept"

    result = client.run(case.endpoint, case.call, note)
    case.assert_refused(result, "APPROVAL REQUIRED")
    assert links == []
    case.approver.deny(asked(result)["id"])
