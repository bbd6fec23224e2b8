"""`portcullis verify` in an account: the stack, the log, and the kill switch of the canary."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from portcullis.adapters.kill_switch_object import KEY, read_order
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.surroundings import Surroundings, this_process
from portcullis_cli.verifying.reaching import ServerSwitch
from support.aws_faults import FAULTS, calls_that_fail, fault
from support.command_line import NOW
from support.dynamodb_faults import client_error
from support.verified_deployment import Deployment, Logs, states
from support.verified_gateway import IN_FORCE, SERVER, VerifiedGateway


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path)


class CloudFormation:
    """The stack of a deployment; `failure` is raised instead, once set."""

    def __init__(self, table: str) -> None:
        outputs = {"StateTableName": table, "PolicyBucketName": "policies"}
        self.outputs = [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]
        self.failure: Exception | None = None

    def describe_stacks(self, **_asked: Any) -> Any:
        return {"Stacks": [{"Outputs": self.outputs}]}

    def describe_stack_resource(self, **asked: Any) -> Any:
        if self.failure is not None:
            raise self.failure
        assert asked == {"StackName": "gate", "LogicalResourceId": "GatewayLogGroup"}
        return {"StackResourceDetail": {"PhysicalResourceId": "gateway"}}


def test_the_stack_says_what_nobody_named(deployment: Deployment) -> None:
    deployment.gateway.find = deployment.by_the_table
    deployment.put_status(IN_FORCE)
    stack = CloudFormation(deployment.table)
    deployment.terminal.services["cloudformation"] = stack
    deployment.terminal.environment["PORTCULLIS_STACK"] = "gate"
    ran = deployment.run("--json", token="")
    assert ran.exit_code == 0, ran.stdout
    assert {one["logGroupName"] for one in deployment.logs.asked} == {"gateway"}
    stack.failure = client_error("Throttling", "DescribeStackResource")
    ran = deployment.run(token="")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")


def test_the_log_is_asked_for_this_run_alone(deployment: Deployment) -> None:
    ran = deployment.run("--only", "recorded", "--log-group", "gateway")
    assert ran.exit_code == 0, ran.stdout
    assert {one["logGroupName"] for one in deployment.logs.asked} == {"gateway"}
    assert {one["startTime"] for one in deployment.logs.asked} == {(NOW - 60) * 1000}
    deployment.gateway.world.log.records.clear()
    empty = Logs(VerifiedGateway())
    deployment.terminal.services["logs"] = empty
    ran = deployment.run("--only", "recorded", "--log-group", "another")
    assert ran.exit_code == ExitCode.UNDECIDED
    assert "is it the gateway's?" in ran.stdout


@pytest.mark.parametrize("error", FAULTS)
def test_a_log_or_a_switch_that_does_not_answer_is_not_told_as_holding(
    deployment: Deployment, error: Exception
) -> None:
    deployment.logs.failure = error
    ran = deployment.run("--only", "recorded", "--log-group", "gateway", "--json")
    assert states(ran) == {"recorded": "could not tell"}
    deployment.put_status(IN_FORCE)
    words = ("--only", "kill-switch", "--bucket", "policies", "--disruptive", "--json")
    with calls_that_fail("s3", "PutObject", error):
        assert states(deployment.run(*words)) == {"kill-switch": "could not tell"}


@pytest.mark.parametrize("order", [b'{"servers": ["aws-iam"]}', b'{"stopped": true}', b"x"])
def test_what_somebody_stopped_stays_stopped(deployment: Deployment, order: bytes) -> None:
    deployment.put_status(IN_FORCE)
    deployment.s3.put_object(Bucket="policies", Key=KEY, Body=order)
    words = ("--only", "kill-switch", "--bucket", "policies", "--disruptive")
    ran = deployment.run(*words)
    assert ran.exit_code == ExitCode.UNDECIDED
    assert "something is stopped already" in ran.stdout
    assert deployment.s3.get_object(Bucket="policies", Key=KEY)["Body"].read() == order


def test_what_somebody_stops_meanwhile_stays_stopped(deployment: Deployment) -> None:
    switch = ServerSwitch(
        around=surroundings(deployment), client=deployment.s3, bucket="policies", server=SERVER
    )
    switch.stop()
    deployment.s3.put_object(Bucket="policies", Key=KEY, Body=b'{"stopped": true}')
    with pytest.raises(CommandError, match="it stays stopped"):
        switch.go_on()
    both = json.dumps({"servers": [SERVER, "aws-iam"], "reason": "a drill"}).encode()
    deployment.s3.put_object(Bucket="policies", Key=KEY, Body=both)
    switch.go_on()
    left = read_order(deployment.s3.get_object(Bucket="policies", Key=KEY)["Body"].read())
    assert (left.servers, left.reason) == (frozenset({"aws-iam"}), "a drill")


def test_a_stop_whose_answer_was_lost_is_one_and_is_taken_back(deployment: Deployment) -> None:
    """The client tries again, and is told that somebody wrote meanwhile: it was itself."""

    class Losing:
        def __init__(self) -> None:
            self.has_lost = False

        def __getattr__(self, name: str) -> Any:
            return getattr(deployment.s3, name)

        def put_object(self, **given: Any) -> Any:
            answer = deployment.s3.put_object(**given)
            if self.has_lost:
                return answer
            self.has_lost = True
            raise fault("PreconditionFailed")

    switch = ServerSwitch(
        around=surroundings(deployment), client=Losing(), bucket="policies", server=SERVER
    )
    switch.stop()
    held = deployment.s3.get_object(Bucket="policies", Key=KEY)["Body"].read()
    assert read_order(held).servers == {SERVER}
    switch.go_on()
    held = deployment.s3.get_object(Bucket="policies", Key=KEY)["Body"].read()
    assert read_order(held).servers == frozenset()


def surroundings(deployment: Deployment) -> Surroundings:
    return replace(this_process(), s3=lambda: deployment.s3, now=lambda: NOW)


def test_the_switch_is_tried_where_that_was_asked_for_only(deployment: Deployment) -> None:
    deployment.put_status(IN_FORCE)
    ran = deployment.run("--without", "size", "--bucket", "policies", "--json")
    assert json.loads(ran.stdout)["not_asked"] == ["size", "kill-switch"]
    ran = deployment.run("--only", "kill-switch", "--json")
    assert states(ran) == {"kill-switch": "could not tell"}
