"""The policy that a scan writes: sound, whatever the tools are called, and nothing left open."""

import pytest

from classifier_quality import judged
from portcullis.policy.policy_text import parse_policy
from portcullis_cli.catalogue.assess import assess
from portcullis_cli.catalogue.rules import Terms
from portcullis_cli.errors import CommandError
from portcullis_cli.scan_report import Report
from portcullis_cli.tool_source import ServerTools
from portcullis_cli.written_policy import written_policy
from support.tool_definitions import make_tool


def test_every_labelled_tool_gets_a_rule_that_a_policy_can_hold() -> None:
    tools = [make_tool(name) for name in sorted({one.tool for one in judged()})]
    profile, found = assess(tools)
    server = ServerTools(name="all", version="", tools=tuple(tools))
    report = Report(server=server, profile=profile, tools=tuple(found), is_whole=True)
    policy = parse_policy(written_policy(report).encode()).policy
    assert policy.default.value == "deny"
    assert len(policy.document["tools"]) == len(tools)  # type: ignore[arg-type]


def policy_for(*names: str, approver: str = "carol") -> str:
    tools = [make_tool(name) for name in names]
    profile, found = assess(tools, Terms(approvers=(approver,)))
    server = ServerTools(name="odd", version="", tools=tuple(tools))
    return written_policy(Report(server=server, profile=profile, tools=tuple(found), is_whole=True))


def test_names_that_yaml_takes_for_something_else_are_quoted() -> None:
    names = ("y", "1e3", "1.", "0o7", "null", "---", "1_000", "12")

    policy = parse_policy(policy_for(*names, approver="no").encode()).policy

    assert set(policy.document["tools"]) == set(names)  # type: ignore[arg-type]


def test_two_tools_of_one_name_have_no_entry() -> None:
    written = policy_for("list_things", "delete_thing", "delete_thing")

    assert written.count("# left out, and so denied: delete_thing") == 2
    assert set(parse_policy(written.encode()).policy.document["tools"]) == {"list_things"}  # type: ignore[arg-type]


def test_what_no_policy_can_hold_is_told_in_a_line() -> None:
    with pytest.raises(CommandError, match="no sound policy can be written: line "):
        policy_for("delete_thing", approver="*")
