"""`--stack`: what is not told is read from the outputs, and nothing is mixed of two deployments."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from moto import mock_aws

from portcullis_cli.app import APP
from portcullis_cli.connection import URL_VARIABLE
from portcullis_cli.errors import ExitCode
from portcullis_cli.kept_grants import TABLE_VARIABLE
from portcullis_cli.stack import _defaults
from support.aws_faults import FAULTS, fault
from support.command_line import Ran
from support.deployed_servers import BUCKET, Deployed

OUTPUTS = {
    "PolicyBucketName": BUCKET,
    "StateTableName": "table",
    "ConsoleUrl": "https://other.example/approvals",
}


class CloudFormation:
    """A stack with outputs, or what is said instead."""

    def __init__(self, outputs: dict[str, str], error: Exception | None = None) -> None:
        self.outputs, self.error, self.asked = outputs, error, 0

    def describe_stacks(self, **asked: Any) -> Any:
        self.asked += 1
        assert asked == {"StackName": "gate"}
        if self.error is not None:
            raise self.error
        told = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackName": "gate", "Outputs": told}]}


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with mock_aws():
        yield Deployed()


def run(deployed: Deployed, stack: CloudFormation, *words: str, **variables: str) -> Ran:
    deployed.terminal.services = {"cloudformation": stack}
    deployed.terminal.environment = {URL_VARIABLE: "", **variables}
    return deployed.terminal.run(*words)


def test_bucket_and_console_come_from_the_stack(deployed: Deployed) -> None:
    stack = CloudFormation(OUTPUTS)
    ran = run(deployed, stack, "--stack", "gate", "servers", "show", "aws-iam")
    assert ran.exit_code == 0, ran.stderr
    assert "agents use   https://other.example/mcp/aws-iam" in ran.stdout
    assert stack.asked == 1, "once for two options"


def test_the_stack_may_be_named_by_a_variable_and_is_used_where_nothing_nearer_is(
    deployed: Deployed,
) -> None:
    stack = CloudFormation(OUTPUTS)
    ran = run(
        deployed, stack, "servers", "list", "--url", "", PORTCULLIS_STACK="gate",
        PORTCULLIS_BUCKET=BUCKET,
    )  # fmt: skip
    assert (ran.exit_code, stack.asked) == (0, 0)
    assert run(deployed, stack, "servers", "list", PORTCULLIS_STACK="gate").exit_code == 0


def test_a_command_that_needs_nothing_asks_nothing(deployed: Deployed) -> None:
    stack = CloudFormation(OUTPUTS)
    ran = run(deployed, stack, "--stack", "gate", "policy", "validate", "policies/aws-iam.yaml")
    assert (ran.exit_code, stack.asked) == (0, 0)


def test_two_deployments_in_one_line_are_refused(deployed: Deployed) -> None:
    stack = CloudFormation(OUTPUTS)
    variables = {TABLE_VARIABLE: "elsewhere"}
    ran = run(deployed, stack, "--stack", "gate", "servers", "list", **variables)
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert (
        ran.stderr == f"portcullis: {TABLE_VARIABLE} is set, too: unset it, or leave --stack away\n"
    )


@pytest.mark.parametrize("error", FAULTS)
def test_a_stack_that_does_not_answer_is_told(deployed: Deployed, error: Exception) -> None:
    ran = run(deployed, CloudFormation({}, error), "--stack", "gate", "servers", "list")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert ran.stderr.startswith("portcullis: the stack cannot be read: ")


def test_a_stack_that_there_is_none_of_is_told_from_one_without_the_output(
    deployed: Deployed,
) -> None:
    nobody = CloudFormation({}, fault("ValidationError"))
    ran = run(deployed, nobody, "--stack", "gate", "servers", "list")
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert ran.stderr == "portcullis: there is no stack `gate` in this account and region\n"
    ran = run(deployed, CloudFormation({}), "--stack", "gate", "servers", "list")
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert "the stack `gate` has no output PolicyBucketName" in ran.stderr


def test_an_option_that_need_not_be_given_is_left_to_its_command() -> None:
    """`verify` looks at the stack itself, and says that it makes grants."""
    defaults = _defaults(typer.main.get_command(APP), lambda: OUTPUTS, "gate")
    assert defaults["verify"] == defaults["doctor"] == {}
    assert "bucket" in defaults["servers"]["list"]
