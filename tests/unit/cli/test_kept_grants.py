"""`portcullis grants list` and `revoke`: who holds what, and the end of it."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from portcullis.adapters.dynamodb_grants import (
    DynamoDBGrants,
    kept_grants,
    revoke_grant,
    token_digest,
)
from portcullis.errors import GrantStoreError
from portcullis_cli.errors import ExitCode
from support.command_line import NOW, Terminal
from support.grants import make_grant


def is_live(table: str, token: str) -> bool:
    return DynamoDBGrants(boto3.client("dynamodb"), table).find(token, now_seconds=NOW) is not None


def grants(table: str, *options: str) -> Any:
    return Terminal().run("grants", "list", "--table", table, "--json", *options).tree["grants"]


def test_grants_are_listed_without_anything_that_opens(table: str) -> None:
    token = make_grant(table, name="build")
    ran = Terminal().run("grants", "list", "--table", table)
    assert ran.exit_code == 0
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["ID", "NAME", "ROLE", "OPENS", "PERSON", "EXPIRES", "STATE"],
        [token_digest(token)[:16], "build", "agent", "aws-iam", "2027-02-14T08:00:00Z", "live"],
    ]
    assert token not in ran.stdout


def test_a_program_gets_what_was_granted(table: str) -> None:
    token = make_grant(table, name="carol", role="approver")
    assert grants(table) == [
        {
            "id": token_digest(token)[:16],
            "name": "carol",
            "role": "approver",
            "servers": [],
            "person": "",
            "groups": ["platform"],
            "created_at": "2027-01-15T08:00:00Z",
            "expires_at": "2027-02-14T08:00:00Z",
            "state": "live",
        }
    ]


def test_what_ended_is_listed_when_it_is_asked_for(table: str) -> None:
    make_grant(table, name="live")
    make_grant(table, name="over", days=0)
    Terminal().run("grants", "revoke", "--name", "live", "--table", table)
    assert grants(table) == []
    assert [(one["name"], one["state"]) for one in grants(table, "--all")] == [
        ("live", "revoked"),
        ("over", "expired"),
    ]


def test_an_empty_list_says_so(table: str) -> None:
    assert Terminal().run("grants", "list", "--table", table).stderr == "no grant is live\n"
    assert (
        Terminal().run("grants", "list", "--all", "--table", table).stderr == "there is no grant\n"
    )


def test_a_name_cannot_hide_the_rest_of_its_line(table: str) -> None:
    make_grant(table, name="a\x1b[2K\u202eb")
    ran = Terminal().run("grants", "list", "--table", table)
    assert "\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout


def test_one_grant_is_revoked_and_another_of_the_name_is_not(table: str) -> None:
    first, second = (make_grant(table, name="build") for _ in range(2))
    name = token_digest(first)[:16]
    ran = Terminal().run("grants", "revoke", name, "--table", table)
    assert (ran.exit_code, ran.stdout) == (0, f"revoked {name} of build\n")
    assert (is_live(table, first), is_live(table, second)) == (False, True)


def test_all_grants_of_a_name_are_revoked(table: str) -> None:
    tokens = [make_grant(table, name="build") for _ in range(2)]
    other = make_grant(table, name="builder")
    tree = Terminal().run("grants", "revoke", "--name", "build", "--table", table, "--json").tree
    assert sorted(tree["revoked"]) == sorted(token_digest(token)[:16] for token in tokens)
    assert [is_live(table, token) for token in (*tokens, other)] == [False, False, True]


@pytest.mark.parametrize(
    "arguments,code",
    [
        pytest.param([], ExitCode.USAGE, id="nothing said"),
        pytest.param(["0" * 16, "--name", "build"], ExitCode.USAGE, id="both said"),
        pytest.param(["abc"], ExitCode.USAGE, id="too short to tell grants apart"),
        pytest.param(["X" * 16], ExitCode.USAGE, id="no digest"),
        pytest.param(["0" * 16], ExitCode.NOT_FOUND, id="unknown"),
        pytest.param(["--name", "nobody"], ExitCode.NOT_FOUND, id="unknown name"),
    ],
)
def test_what_was_not_meant_for_sure_revokes_nothing(
    table: str, arguments: list[str], code: ExitCode
) -> None:
    token = make_grant(table, name="build")
    ran = Terminal().run("grants", "revoke", *arguments, "--table", table)
    assert ran.exit_code == code
    assert is_live(table, token)


def test_one_id_that_is_wrong_stops_the_others(table: str) -> None:
    token = make_grant(table, name="build")
    ran = Terminal().run("grants", "revoke", token_digest(token)[:16], "0" * 16, "--table", table)
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert is_live(table, token)


@pytest.mark.parametrize("as_json", [False, True])
def test_one_grant_that_cannot_be_revoked_keeps_no_other_alive(table: str, as_json: bool) -> None:
    tokens = [make_grant(table, name="build") for _ in range(3)]
    client, left = boto3.client("dynamodb"), [refusal("ThrottlingException")]

    class Once:
        def __getattr__(self, name: str) -> Any:
            if name == "update_item" and left:
                raise left.pop()
            return getattr(client, name)

    words = ("grants", "revoke", "--name", "build", "--table", table)
    ran = Terminal(dynamodb=Once).run(*words, *(["--json"] if as_json else []))
    assert ran.exit_code == ExitCode.UNAVAILABLE
    dead = {token_digest(one)[:16] for one in tokens if not is_live(table, one)}
    assert len(dead) == 2
    if as_json:
        assert set(ran.tree["revoked"]) == dead
        assert ran.tree["error"]["code"] == "unavailable"
    else:
        assert {line.split()[1] for line in ran.stdout.splitlines()} == dead
        assert ran.stderr == "portcullis: the grant was not revoked: ThrottlingException\n"


@pytest.mark.usefixtures("table")
def test_a_table_that_cannot_be_read_is_said() -> None:
    for words in (["list"], ["revoke", "--name", "x"]):
        ran = Terminal().run("grants", *words, "--table", "no-such-table")
        assert ran.exit_code == ExitCode.UNAVAILABLE
        assert "ResourceNotFoundException" in ran.stderr


class Failing:
    """A client whose every call ends in this error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _name: str) -> Any:
        def call(**_arguments: Any) -> Any:
            raise self._error

        return call


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "any")


@pytest.mark.parametrize(
    "error",
    [
        refusal("InternalServerError"),
        refusal("ThrottlingException"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=["fails", "throttles", "times out"],
)
def test_a_grant_whose_end_cannot_be_told_is_not_called_revoked(error: Exception) -> None:
    with pytest.raises(GrantStoreError):
        revoke_grant(Failing(error), "t", "0", now_seconds=NOW)
    with pytest.raises(GrantStoreError):
        list(kept_grants(Failing(error), "t"))


def test_a_grant_that_is_gone_is_not_made_again_by_revoking_it(table: str) -> None:
    client = boto3.client("dynamodb")
    assert revoke_grant(client, table, "f" * 64, now_seconds=NOW) is False
    assert list(kept_grants(client, table)) == []


def test_a_second_end_keeps_the_time_of_the_first(table: str) -> None:
    digest = token_digest(make_grant(table, name="build"))
    client = boto3.client("dynamodb")
    for now in (NOW, NOW + 5):
        assert revoke_grant(client, table, digest, now_seconds=now)
    (kept,) = kept_grants(client, table)
    assert kept.revoked_at == NOW


def test_every_page_of_the_table_is_read() -> None:
    item = {
        "pk": {"S": "GRANT#1"}, "name": {"S": "n"}, "servers": {"SS": ["s"]},
        "expires": {"N": "2"}, "created": {"N": "1"},
    }  # fmt: skip
    pages = [{"Items": [item], "LastEvaluatedKey": {"pk": {"S": "GRANT#1"}}}, {"Items": [item]}]
    asked: list[Any] = []

    class Client:
        def scan(self, **arguments: Any) -> Any:
            asked.append(arguments.get("ExclusiveStartKey"))
            return pages[len(asked) - 1]

    assert len(list(kept_grants(Client(), "t"))) == 2
    assert asked == [None, {"pk": {"S": "GRANT#1"}}]


def test_an_item_that_is_no_grant_is_an_error() -> None:
    class Client:
        def scan(self, **_arguments: Any) -> Any:
            item = {"pk": {"S": "GRANT#1"}, "name": {"S": "n"}, "expires": {"N": "2"}}
            return {"Items": [item]}

    with pytest.raises(GrantStoreError):
        list(kept_grants(Client(), "t"))
