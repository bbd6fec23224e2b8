"""The MCP clients people use, through the gateway, to the real servers and a changed account."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest

from e2e.agents import AGENTS, Agent, Call, Result, Session
from e2e.running_stack import REGION, RunningStack

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("node_packages")]

PERMISSIVE: Final = """\
version: "1"
default: allow
tools:
  reboot_broker:
    action: deny
    reason: Brokers are rebooted by the platform team.
"""
USER_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "mq:ListBrokers", "Resource": "*"}],
}
BROKER_TOOLS: Final = {"list_brokers", "create_broker", "describe_broker", "delete_broker"}

each_agent = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)


@pytest.fixture(scope="module", autouse=True)
def permissive_policies(stack: RunningStack) -> None:
    """Allow everything but one tool on both hosted servers."""
    stack.put_in_force("amazon-mq", PERMISSIVE)
    stack.put_in_force("aws-iam", 'version: "1"\ndefault: allow\n')


def broker_call(name: str, **arguments: Any) -> Call:
    return Call(name, {"region": REGION, **arguments})


def creation(broker_name: str) -> Call:
    return broker_call(
        "create_broker",
        broker_name=broker_name,
        engine_type="RABBITMQ",
        deployment_mode="SINGLE_INSTANCE",
        username="operator",
        password="not-a-real-password",
        publicly_accessible=False,
    )


def broker_names(stack: RunningStack) -> set[str]:
    return {one["BrokerName"] for one in stack.aws("mq").list_brokers()["BrokerSummaries"]}


def succeeded(session: Session) -> list[Result]:
    assert [result.text for result in session.results if result.is_error] == []
    return list(session.results)


def run(agent: Agent, stack: RunningStack, server: str, calls: Sequence[Call]) -> Session:
    session = agent.run(stack.endpoint(server), calls)
    assert session.protocol == agent.protocol
    return session


def slug(agent: Agent) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in agent.name)


@each_agent
def test_a_client_manages_a_broker(agent: Agent, stack: RunningStack) -> None:
    name = f"client-{slug(agent)}"
    made = run(agent, stack, "amazon-mq", [broker_call("list_brokers"), creation(name)])
    assert set(made.tools) >= BROKER_TOOLS
    broker_id = json.loads(succeeded(made)[1].text)["BrokerId"]
    assert name in broker_names(stack)

    calls = [
        broker_call("describe_broker", BrokerId=broker_id),
        broker_call("delete_broker", BrokerId=broker_id),
    ]
    described, _ = succeeded(run(agent, stack, "amazon-mq", calls))
    assert json.loads(described.text)["BrokerName"] == name
    assert name not in broker_names(stack)


@each_agent
def test_a_client_writes_a_user_policy(agent: Agent, stack: RunningStack) -> None:
    iam = stack.aws("iam")
    user = f"client-{slug(agent)}"
    iam.create_user(UserName=user)
    put = Call(
        "put_user_policy",
        {
            "user_name": user,
            "policy_name": "inline",
            "policy_document": json.dumps(USER_POLICY),
            "confirmed": True,
        },
    )
    session = run(agent, stack, "aws-iam", [put])
    assert "put_user_policy" in session.tools
    succeeded(session)
    stored = iam.get_user_policy(UserName=user, PolicyName="inline")
    assert stored["PolicyDocument"] == USER_POLICY


@each_agent
def test_a_client_gets_a_denial_as_a_result_it_can_read(agent: Agent, stack: RunningStack) -> None:
    call = broker_call("reboot_broker", BrokerId="b-no-such-broker")
    (refused,) = run(agent, stack, "amazon-mq", [call]).results
    assert refused.is_error
    assert refused.error is None
    assert "Brokers are rebooted by the platform team." in refused.text
    assert refused.meta["portcullis/decision"]["outcome"] == "denied_by_rule"
