"""`portcullis grants create`: what is stored, what is printed, what is refused before either."""

import boto3
import pytest
from botocore.exceptions import NoRegionError

from portcullis.adapters.aws_calls import AwsError
from portcullis.adapters.dynamodb_grants import DynamoDBGrants, Grant, Role, token_digest
from portcullis_cli.errors import ExitCode
from portcullis_cli.surroundings import this_process
from support.command_line import NOW, Terminal

DAY = 24 * 3600


def find(table: str, token: str, now: int = NOW) -> Grant | None:
    return DynamoDBGrants(boto3.client("dynamodb"), table).find(token, now_seconds=now)


def test_an_approvers_grant_is_stored_and_its_token_printed_alone(table: str) -> None:
    ran = Terminal().run(
        *("grants", "create", "anna", "--role", "approver", "--person", "anna@example.com"),
        *("--group", "platform", "--group", "security", "--days", "90", "--table", table),
    )
    assert ran.exit_code == 0
    token = ran.stdout.removesuffix("\n")
    name = token_digest(token)[:16]
    assert ran.stderr == f"approver anna, id {name}, until 2027-04-15T08:00:00Z; shown only now\n"
    assert find(table, token) == Grant(
        name="anna",
        servers=(),
        expires_at=NOW + 90 * DAY,
        role=Role.APPROVER,
        person="anna@example.com",
        groups=("platform", "security"),
        digest=token_digest(token),
    )
    assert find(table, token, NOW + 90 * DAY) is None


def test_an_agents_grant_opens_its_servers(table: str) -> None:
    terminal = Terminal(environment={"PORTCULLIS_TABLE": table})
    arguments = ["grants", "create", "build", "--server", "amazon-mq", "--server", "aws-iam"]
    ran = terminal.run(*arguments, "--person", "rita")
    grant = find(table, ran.stdout.strip())
    assert grant is not None
    assert (grant.role, grant.servers, grant.person) == (
        Role.AGENT,
        ("amazon-mq", "aws-iam"),
        "rita",
    )
    assert grant.expires_at == NOW + 30 * DAY
    assert "person" not in ran.stderr


def test_N09_an_agent_that_nobody_answers_for_is_pointed_out(table: str) -> None:
    ran = Terminal().run("grants", "create", "build", "--server", "aws-iam", "--table", table)
    assert ran.exit_code == 0
    assert "no --person: whoever stands behind this agent could approve its calls" in ran.stderr


def test_a_program_gets_the_token_and_what_was_granted(table: str) -> None:
    tree = Terminal().run(
        "grants", "create", "root", "--role", "admin", "--table", table, "--json"
    ).tree  # fmt: skip
    token = tree.pop("token")
    assert find(table, token) is not None
    assert tree == {
        "id": token_digest(token)[:16],
        "name": "root",
        "role": "admin",
        "servers": [],
        "person": "",
        "groups": [],
        "expires_at": "2027-02-14T08:00:00Z",
    }


@pytest.mark.parametrize(
    "arguments,said",
    [
        pytest.param(["build"], "names the servers it opens", id="an agent without a server"),
        pytest.param(
            ["anna", "--role", "approver", "--server", "aws-iam"], "only an agent's",
            id="an approver with one",
        ),
        pytest.param(["build", "--server", "AWS IAM"], "a server's name", id="no server's name"),
        pytest.param(["", "--server", "aws-iam"], "a name is empty", id="no name"),
        pytest.param([" a", "--server", "aws-iam"], "a name is empty", id="a blank before"),
        pytest.param(
            ["a\u202eb", "--server", "aws-iam"], "cannot be seen", id="a name that turns around"
        ),
        pytest.param(["a" * 257, "--server", "aws-iam"], "too long", id="a long name"),
        pytest.param(
            ["a", "--role", "admin", "--group", "group:platform"], "--group platform",
            id="a group as policies write it",
        ),
        pytest.param(["a", "--role", "admin", "--group", ""], "a name is empty", id="no group"),
        pytest.param(["a", "--role", "admin", "--days", "0"], "--days", id="no days"),
        pytest.param(["a", "--role", "admin", "--days", "367"], "--days", id="too many days"),
        pytest.param(["a", "--role", "root"], "--role", id="no role"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_not_stored(table: str, arguments: list[str], said: str) -> None:
    ran = Terminal().run("grants", "create", *arguments, "--table", table)
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert said in ran.stderr
    assert boto3.client("dynamodb").scan(TableName=table)["Count"] == 0


def test_a_table_is_needed() -> None:
    ran = Terminal().run("grants", "create", "a", "--role", "admin")
    assert ran.exit_code == ExitCode.USAGE
    assert "PORTCULLIS_TABLE" in ran.stderr


def test_a_table_that_is_not_there_is_said_by_its_code(table: str) -> None:
    ran = Terminal().run("grants", "create", "a", "--role", "admin", "--table", f"{table}-2")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert ran.stderr == "portcullis: the grant was not stored: ResourceNotFoundException\n"


@pytest.mark.parametrize(
    "words", [["create", "a", "--role", "admin"], ["list"], ["revoke", "--name", "a"]], ids=" ".join
)
def test_an_account_that_cannot_be_called_is_said(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def nowhere(_: str) -> None:
        raise NoRegionError

    monkeypatch.setattr(boto3, "client", nowhere)
    ran = Terminal().run("grants", *words, "--table", "t", "--json")
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert ran.tree["error"]["message"] == "AWS cannot be called: NoRegionError"


@pytest.mark.parametrize("endpoint", ["garbage", "http://[", "http://a b", "http://"])
def test_an_endpoint_that_is_no_address_is_an_error_of_aws_like_any_other(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    around = this_process()
    for make in (around.dynamodb, around.s3, lambda: around.aws("logs")):
        with pytest.raises(AwsError):
            make()
