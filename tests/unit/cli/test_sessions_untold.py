"""`portcullis sessions`: what cannot be told is not called nothing."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from portcullis_cli.errors import ExitCode
from support.session_world import SERVER, World


@pytest.fixture
def bare() -> Iterator[World]:
    with mock_aws():
        yield World(is_governed=False)


@pytest.mark.parametrize("tools", ["", "not json"])
def test_limits_whose_names_nobody_can_list_are_not_left_out_in_silence(
    bare: World, tools: str
) -> None:
    bare.deployed.policy(SERVER, """
version: "1"
default: deny
tools:
  "*": {rate_limit: {max: 5, window: 1h, per: tool}}
  "list_*": {action: allow, rate_limit: {max: 5, window: 1h, per: session}}
resources: {"*": {action: allow, rate_limit: {max: 5, window: 1h, per: tool}}}
""")  # fmt: skip
    if tools:
        bare.deployed.put(f"snapshots/{SERVER}.json", tools)
    show = ("show", "--grant", "build-agent", "--server", SERVER)
    ran = bare.run(*show)
    assert ran.exit_code == ExitCode.UNAVAILABLE
    why = f"the limits of `*` at {SERVER}: no list says what they are counted for"
    assert ran.stderr == f"portcullis: could not tell: {why}\n"
    assert "5 in 1 h per session" in ran.stdout
    ran = bare.run(*show, "--json")
    (at,) = ran.tree["servers"]
    assert (at["untold"], [one["per"] for one in at["limits"]]) == ([why], ["session"])


def test_of_limits_that_cannot_be_told_none_is_not_said(bare: World) -> None:
    entry = '"*": {action: allow, rate_limit: {max: 5, window: 1h, per: tool}}'
    bare.deployed.policy(SERVER, f'version: "1"\ndefault: deny\ntools: {{{entry}}}\n')
    ran = bare.run("show", "--grant", "build-agent", "--server", SERVER)
    assert "limits: could not tell" in ran.stdout
    assert "no limits" not in ran.stdout
    bare.deployed.tools(SERVER)
    assert bare.run("show", "--grant", "build-agent", "--server", SERVER).exit_code == 0


@pytest.mark.parametrize("words", [["list"], ["list", "--grant", "x"], ["show", "--grant", "x"]])
def test_a_server_that_there_is_none_of_is_told_from_one_without_sessions(
    bare: World, words: list[str]
) -> None:
    ran = bare.run(*words, "--server", "amazonmq")
    assert (ran.exit_code, ran.stdout) == (ExitCode.NOT_FOUND, "")
    assert ran.stderr == "portcullis: there is no server `amazonmq`\n"
