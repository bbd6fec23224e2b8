"""`portcullis verify` as a command: who is asked for what, what is printed, and how it ends.

The file in `golden` is what a person reads; look at it when it changes.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import boto3
import pytest
from moto import mock_aws

from portcullis.adapters.dynamodb_grants import kept_grants
from portcullis.policy.cases import failures, run_cases
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.errors import ExitCode
from portcullis_cli.verifying.guarantees import GUARANTEES
from portcullis_cli.verifying.preparing import policy_text
from support.aws_faults import FAULTS, calls_that_fail, fault
from support.command_line import Ran
from support.verified_deployment import INCOMING, Deployment, states
from support.verified_gateway import (
    APPROVER,
    FIRST,
    IN_FORCE,
    SECOND,
    SERVER,
    URL,
)

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(tmp_path)


def test_with_a_table_nobody_has_to_be_named_and_no_grant_stays(deployment: Deployment) -> None:
    deployment.put_status(IN_FORCE)
    more = ("--bucket", "policies", "--log-group", "gateway", "--disruptive")
    ran = deployment.by_table("--json", *more)
    assert ran.exit_code == 0, ran.stdout
    assert states(ran) == {one.id: "holds" for one in GUARANTEES}
    assert len([*kept_grants(boto3.client("dynamodb"), deployment.table)]) == 6
    assert deployment.live() == []
    assert "pcl_" not in ran.stdout + ran.stderr
    assert ran.stderr.startswith("making grants that end with this run\ntrying both-eras\n")


def test_with_files_of_tokens_all_but_what_needs_a_table_is_tried(deployment: Deployment) -> None:
    files = {
        "--token-file": FIRST, "--second-token-file": SECOND, "--approver-token-file": APPROVER,
    }  # fmt: skip
    words = [word for name, token in files.items() for word in (name, deployment.file(token))]
    ran = deployment.run(*words, "--json", token="")
    assert ran.exit_code == ExitCode.UNDECIDED
    unknown = {name for name, state in states(ran).items() if state != "holds"}
    assert unknown == {"ended-token", "other-server", "recorded"}


def test_who_brings_a_token_gets_no_grant(deployment: Deployment) -> None:
    both = dict(deployment.gateway.holders)
    found = deployment.by_the_table
    assert found is not None
    deployment.gateway.find = lambda token: both.get(token) or found(token)
    file = deployment.file(FIRST)
    words = ("--table", deployment.table, "--token-file", file, "--only", "own-session")
    assert deployment.run(*words).exit_code == 0
    kept = kept_grants(boto3.client("dynamodb"), deployment.table)
    assert sorted(one.grant.name.rpartition("-")[2] for one in kept) == ["approver", "second"]


def test_a_person_reads_what_holds_what_is_broken_and_what_could_not_be_told(
    deployment: Deployment,
) -> None:
    deployment.gateway.replace_policy("hide: [canary_hide]\n", "")
    deployment.gateway.listens_by_http = True
    deployment.put_status(IN_FORCE)
    ran = deployment.run("--bucket", "policies", "--without", "size")
    assert ran.exit_code == ExitCode.REFUSED
    shown = "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())
    assert shown == (GOLDEN / "verify.txt").read_text("utf-8")


def test_a_ci_gets_a_file_in_which_what_could_not_be_told_is_an_error(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.gateway.replace_policy("hide: [canary_hide]\n", "")
    deployment.put_status(IN_FORCE)
    path = tmp_path / "verify.xml"
    only = [
        word for name in ("hidden-tool", "denied-tool", "own-session") for word in ("--only", name)
    ]
    ran = deployment.run("--bucket", "policies", "--junit", str(path), *only)
    assert ran.exit_code == ExitCode.REFUSED
    suite = fromstring(path.read_bytes())  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert {one.get("name"): [kind.tag for kind in one] for one in suite} == {
        "denied-tool": [], "hidden-tool": ["failure"], "own-session": ["error"],
    }  # fmt: skip
    assert deployment.run("--junit", str(tmp_path), "--only", "size").exit_code == ExitCode.USAGE


def test_a_program_is_told_what_was_not_asked_for(deployment: Deployment) -> None:
    ran = deployment.run("--only", "denied-tool", "--json")
    tree = json.loads(ran.stdout)
    assert ran.exit_code == 0
    assert [one["id"] for one in tree["results"]] == ["denied-tool"]
    assert tree["not_asked"] == [one.id for one in GUARANTEES if one.id != "denied-tool"]
    told = deployment.run("--only", "denied-tool").stdout.splitlines()[-1]
    assert told == f"1 of 1 guarantees hold, by 4 checks; {len(GUARANTEES) - 1} were not asked for"


def test_a_reason_that_all_share_is_told_once(deployment: Deployment) -> None:
    deployment.gateway.holders.clear()
    ran = deployment.run()
    assert ran.exit_code == ExitCode.UNDECIDED
    assert ran.stdout.count("the token does not open the canary: HTTP 401") == 1


def test_what_one_guarantee_alone_came_to_is_told_as_its_own(deployment: Deployment) -> None:
    deployment.gateway.replace_policy("hide: [canary_hide]\n", "")
    deployment.put_status(IN_FORCE)
    shown = deployment.run("--bucket", "policies", "--only", "hidden-tool").stdout
    assert "seen: tools/list, 2026-07-28: the hidden tool is shown" in shown
    assert "without the canary" not in shown
    shown = deployment.run("--only", "own-session").stdout
    assert "why: it needs a second agent" in shown
    assert "without the canary" not in shown


@pytest.mark.parametrize("twice", ["--second-token-file", "--approver-token-file"])
def test_one_token_does_not_stand_for_two_people(deployment: Deployment, twice: str) -> None:
    file = deployment.file(FIRST)
    ran = deployment.run("--token-file", file, twice, file, token="")
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert "a token each" in ran.stderr
    assert deployment.gateway.table.items == {}


def test_who_may_not_list_the_bucket_is_told_what_that_means(deployment: Deployment) -> None:
    refused = fault("AccessDenied")
    with calls_that_fail("s3", "GetObject", refused):
        ran = deployment.run("--bucket", "policies")
        assert (ran.exit_code, "use --install" in ran.stderr) == (ExitCode.USAGE, True)
        with calls_that_fail("s3", "ListObjectsV2", refused):
            ran = deployment.run("--bucket", "policies")
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert "status/canary.json is not there, or you may not read it" in ran.stderr


def test_the_policy_is_put_in_force_and_given_its_time(deployment: Deployment) -> None:
    deployment.told = IN_FORCE
    words = ("--bucket", "policies", "--install", "--settle", "7", "--only", "denied-tool")
    ran = deployment.run(*words)
    assert ran.exit_code == 0, ran.stderr
    uploaded = deployment.s3.get_object(Bucket="policies", Key=INCOMING)["Body"].read()
    assert uploaded == policy_text()
    assert deployment.slept == [1, 7]
    assert deployment.run(*words).exit_code == 0
    assert deployment.slept == [1, 7]  # it is in force: nothing is uploaded again


@pytest.mark.parametrize(
    ("told", "code", "message"),
    [
        ({"state": "rejected", "faults": [{"message": "no"}]}, ExitCode.UNAVAILABLE, "force: no"),
        ({"state": "rejected"}, ExitCode.UNAVAILABLE, "does not say why"),
        ({"state": "waiting"}, ExitCode.WAITING, "waits for people"),
        (None, ExitCode.WAITING, "nobody has looked"),
    ],
)
def test_a_policy_that_does_not_come_into_force_ends_the_run(
    deployment: Deployment, told: Any, code: ExitCode, message: str
) -> None:
    deployment.told = told
    ran = deployment.run("--bucket", "policies", "--install")
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert message in ran.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "x"], "there is no guarantee `x`"),
        (["--only", "size", "--without", "tls"], "one of --only and --without"),
        ([w for one in GUARANTEES for w in ("--without", one.id)], "no guarantee is left"),
        (["--junit", "/nowhere/verify.xml"], "no such file"),
        (["--install"], "needs --bucket"),
        (["--bucket", "policies"], "use --install"),
        (["--token-file", "/dev/null"], "no token"),
    ],
)
def test_what_is_not_right_is_told_before_anything_is_sent(
    deployment: Deployment, words: list[str], message: str
) -> None:
    ran = deployment.run(*words)
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert message in ran.stderr
    assert deployment.gateway.table.items == {}


def test_no_other_server_s_policy_is_replaced(deployment: Deployment) -> None:
    url = URL.replace("/canary", "/amazon-mq")
    ran = deployment.terminal.run("verify", url, "--bucket", "policies")
    assert ran.stderr.endswith("is in force, or none: take the address of `canary`\n")
    ran = deployment.terminal.run("verify", url, "--bucket", "policies", "--install")
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert "of `canary` only" in ran.stderr
    assert "Contents" not in deployment.s3.list_objects_v2(Bucket="policies")


@pytest.mark.parametrize(
    "url", ["http://gate.example/mcp/canary", "https://gate.example/x", "https://g/mcp/a/b"]
)
def test_an_address_that_is_no_server_s_is_not_asked(deployment: Deployment, url: str) -> None:
    assert deployment.terminal.run("verify", url).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("error", FAULTS)
def test_a_table_or_bucket_that_does_not_answer_ends_the_run(
    deployment: Deployment, error: Exception
) -> None:
    runs: tuple[tuple[str, str, Callable[[], Ran]], ...] = (
        ("dynamodb", "PutItem", deployment.by_table),
        ("s3", "GetObject", lambda: deployment.run("--bucket", "policies")),
        ("s3", "PutObject", lambda: deployment.run("--bucket", "policies", "--install")),
    )
    deployment.put_status({"state": "active", "in_force": {"revision": "another"}})
    for service, operation, run in runs:
        with calls_that_fail(service, operation, error):
            ran = run()
        assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, ""), operation
        assert ran.stderr.splitlines()[-1].startswith("portcullis: ")


@pytest.mark.parametrize("error", FAULTS)
def test_a_grant_that_cannot_be_revoked_is_told_and_decides_nothing(
    deployment: Deployment, error: Exception
) -> None:
    with calls_that_fail("dynamodb", "UpdateItem", error):
        ran = deployment.by_table("--only", "denied-tool", "--only", "ended-token", "--json")
    assert states(ran) == {"denied-tool": "holds", "ended-token": "could not tell"}
    assert ran.stderr.count("ends in 15 minutes only") == 5
    assert "pcl_" not in ran.stderr


def test_the_canary_s_policy_passes_its_own_tests() -> None:
    loaded = parse_policy(policy_text().decode())
    assert not loaded.warnings
    results = [*run_cases(loaded.policy, loaded.cases, {}, server=SERVER)]
    assert results
    assert failures(results) == []
