"""A policy judged by what a running server says of its tools, before anybody uploads it."""

from pathlib import Path
from typing import Final

import pytest

from e2e.command_line import done, run
from e2e.running_stack import RunningStack
from portcullis.activation.signature import SERIAL, SIGNATURE

SERVER: Final = "aws-iam"
VISIBLE: Final = 'version: "1"\ndefault: allow\n'
POLICY: Final = """---
version: "1"
default: deny
tools:
  list_groups: {action: allow, rate_limit: {max: 3, window: 1m}}
  create_group:
    rules:
      - name: by hand
        action: require_approval
        approval: {approvers: [group:platform], timeout: 10m}
        when: [{path: args.group_name, op: regex, value: "admin.*"}]
      - {name: otherwise, action: allow}
tests:
  - {name: a reader, call: {tool: list_groups, args: {}}, expect: allow}
...
"""
COMPARED: Final = "path: args.group_name"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / f"{SERVER}.yaml"
    file.write_text(POLICY)
    return file


@pytest.fixture
def live(stack: RunningStack, tmp_path: Path) -> list[str]:
    """The options that read the tools through the gateway, which now shows all of them."""
    stack.put_in_force(SERVER, VISIBLE)
    token = tmp_path / "token"
    token.write_text(stack.ready["agent_token"])
    return ["--url", stack.endpoint(SERVER).url, "--token-file", str(token)]


def test_arguments_and_tools_that_the_server_does_not_have_are_found(
    stack: RunningStack, policy: Path, live: list[str]
) -> None:
    assert "sound, 3 rules, 1 test passed" in done(stack, "policy", "validate", str(policy), *live)
    policy.write_text(POLICY.replace(COMPARED, "path: args.groupname"))
    ran = run(stack, "policy", "validate", str(policy), *live, "--strict")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "did you mean `args.group_name`" in ran.stdout


def test_calls_are_tried_explained_and_reasoned_about_by_the_servers_own_schemas(
    stack: RunningStack, policy: Path, live: list[str], tmp_path: Path
) -> None:
    tried = done(stack, "policy", "test", str(policy), *live, "--boundaries")
    assert "list_groups: call 4 in 60 s -> limit_reached" in tried
    words = ("policy", "explain", str(policy), "create_group", *live, "--args")
    assert done(stack, *words, '{"group_name": "admin-1"}').startswith("REQUIRE_APPROVAL by ")
    refused = done(stack, *words, '{"group_name": 7}')
    assert refused.startswith("DENY before any rule: argument `args.group_name`")

    ran = run(stack, "policy", "check", str(policy), *live, "--never-without-approval", "create_*")
    assert ran.returncode == 1
    assert "NO    create_group: never without approval" in ran.stdout
    assert "holds create_role: never without approval" in ran.stdout

    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(POLICY.replace("otherwise, action: allow", "otherwise, action: deny"))
    words = ("policy", "diff", str(policy), str(stricter), "--server", SERVER, *live)
    assert "create_group" in done(stack, *words)


def test_what_is_signed_is_what_the_key_says_of_this_server_and_bucket(
    stack: RunningStack, policy: Path
) -> None:
    key = stack.aws("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    name = key["KeyMetadata"]["Arn"]
    bucket = str(stack.ready["bucket"])
    words = ("policy", "sign", str(policy), "--key", name, "--bucket", bucket, "--serial", "7")
    written = dict(one.split("=", 1) for one in done(stack, *words).strip().split(","))
    assert written[SERIAL] == "7"
    assert len(written[SIGNATURE]) > 64
    ran = run(stack, *words[:4], "alias/nobody", *words[5:])
    assert (ran.returncode, ran.stdout) == (5, "")
    assert ran.stderr.startswith("portcullis: the key did not sign: ")
