"""What the pages show for grants, Python and commands, carried out as it stands there."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from portcullis.adapters.dynamodb_grants import DynamoDBGrants, token_digest
from portcullis_cli.app import APP

ROOT = Path(__file__).parents[2]
TABLE = "state"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^scripts/portcullis (grants create .*)$", re.MULTILINE)
REVOKE = re.compile(r"^scripts/portcullis (grants revoke .*)$", re.MULTILINE)
GRANTS = (ROOT / "docs" / "grants.md").read_text()
(MINT,) = BLOCK.findall(GRANTS)
COMMANDS = COMMAND.findall((ROOT / "README.md").read_text() + GRANTS)


@pytest.fixture
def grants() -> Iterator[DynamoDBGrants]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        yield DynamoDBGrants(client, TABLE)


def run(snippet: str, **filled_in: str) -> dict[str, Any]:
    """Run a snippet with its placeholders filled in; answer its variables."""
    for name, value in {"StateTableName": TABLE, **filled_in}.items():
        snippet = snippet.replace(f"<{name}>", value)
    assert "<" not in snippet
    variables: dict[str, Any] = {}
    exec(compile(snippet, "snippet", "exec"), variables)  # noqa: S102 - that is the test
    return variables


def now() -> int:
    return int(time.time())


def test_the_token_that_is_minted_opens_the_servers(
    grants: DynamoDBGrants, capsys: pytest.CaptureFixture[str]
) -> None:
    token = run(MINT)["token"]
    assert capsys.readouterr().out == f"{token}\n"
    grant = grants.find(token, now_seconds=now())
    assert grant is not None
    assert (grant.name, grant.servers) == ("build-agent", ("amazon-mq", "aws-iam"))
    assert grants.find(token, now_seconds=now() + 31 * 24 * 3600) is None


def test_the_ways_to_revoke_that_are_shown_revoke(grants: DynamoDBGrants) -> None:
    tokens = [run(MINT)["token"] for _ in range(3)]
    by_id, by_name = REVOKE.findall(GRANTS)
    command(by_id.replace("0123456789abcdef", token_digest(tokens[0])[:16]))
    found = [grants.find(token, now_seconds=now()) is not None for token in tokens]
    assert found == [False, True, True]
    command(by_name)
    assert all(grants.find(token, now_seconds=now()) is None for token in tokens)


def command(line: str) -> Result:
    """Run a command as it is shown."""
    result = CliRunner().invoke(
        APP, [*shlex.split(line, comments=True), "--json"], env={"PORTCULLIS_TABLE": TABLE}
    )
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_a_command_that_is_shown_mints_a_grant(grants: DynamoDBGrants, line: str) -> None:
    words, result = shlex.split(line), command(line)
    grant = grants.find(json.loads(result.stdout)["token"], now_seconds=now())
    assert grant is not None
    assert grant.name == words[2]
    assert grant.person.endswith("@example.com")
    assert bool(grant.servers) is ("--server" in words)
    assert grant.role.value == (words[words.index("--role") + 1] if "--role" in words else "agent")
