"""Agents that sign with AWS credentials: AWS's own proxy, through the whole local gateway."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError

from conformance.stack import local_stack
from e2e.agents import Call
from e2e.running_stack import RunningStack
from e2e.signing import is_installed, through_the_proxy
from support.http_calls import post

pytestmark = pytest.mark.skipif(
    not is_installed(), reason="mcp-proxy-for-aws is not here; `make setup` installs it"
)
POLICY = """
version: "1"
default: deny
tools:
  list_brokers:
    action: allow
    when: [{path: principal.claims.role, op: eq, value: local-agent}]
  delete_broker:
    action: deny
    reason: Brokers are deleted by the platform team.
"""
LIST = Call("list_brokers", {"region": "us-east-1"})
DELETE = Call("delete_broker", {"BrokerId": "b-1", "region": "us-east-1"})


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with local_stack({}, PARAMETERS=json.dumps({"Identity": "iam"})) as ready:
        running = RunningStack(ready)
        running.put_in_force("amazon-mq", POLICY)
        yield running


@pytest.fixture
def credentials(stack: RunningStack) -> Mapping[str, str]:
    return dict(stack.ready["aws_credentials"])


def url(stack: RunningStack) -> str:
    return str(stack.ready["signed_mcp_urls"]["amazon-mq"])


def test_a_call_is_allowed_or_denied_by_who_signed_it(
    stack: RunningStack, credentials: Mapping[str, str], tmp_path: Path
) -> None:
    session = through_the_proxy(url(stack), credentials, [LIST, DELETE], home=tmp_path)
    allowed, denied = session.results
    assert "list_brokers" in session.tools
    assert "BrokerSummaries" in json.loads(allowed.text)
    assert not allowed.is_error
    assert denied.is_error
    assert "Brokers are deleted by the platform team." in denied.text


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_F13_a_wrong_key_or_token_opens_nothing(
    stack: RunningStack, credentials: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="403"), flatten_subgroups=True):
        through_the_proxy(url(stack), {**credentials, name: "x" * 40}, [LIST], home=tmp_path)


def test_F16_a_token_opens_nothing_where_callers_must_sign(stack: RunningStack) -> None:
    token = {"Authorization": f"Bearer {stack.ready['agent_token']}"}
    for place, statuses in (("mcp_urls", {401, 403}), ("signed_mcp_urls", {403})):
        status, _, body = post(stack.ready[place]["amazon-mq"], b"{}", token)
        assert status in statuses
        assert b"result" not in body
