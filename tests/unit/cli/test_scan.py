"""`portcullis scan`: what is printed, written and refused.

The files in `golden` are what a person reads; look at them when one changes.
"""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from portcullis.policy.policy_text import parse_policy
from portcullis_cli.errors import ExitCode
from portcullis_cli.tool_source import ServerTools, Target
from support.command_line import Terminal
from support.console_fakes import CAROL_TOKEN

GOLDEN = Path(__file__).parent / "golden"
ADDRESS = "https://mcp.example.com/mcp"


def golden(name: str) -> str:
    return (GOLDEN / name).read_text("utf-8")


def without_blanks_at_the_end(text: str) -> str:
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "options,name",
    [
        ([], "scan-table.txt"),
        (["--tool", "put_user_policy"], "scan-tool.txt"),
        (["--format", "markdown"], "scan.md"),
        (["--write-policy", "-"], "scan-policy.yaml"),
    ],
)
def test_a_report_reads_as_it_did(options: list[str], name: str) -> None:
    ran = Terminal().run("scan", ADDRESS, *options)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert without_blanks_at_the_end(ran.stdout) == golden(name)


def test_a_program_gets_everything_on_one_line() -> None:
    tree = Terminal().run("scan", ADDRESS, "--json").tree
    assert [one["tool"] for one in tree["tools"]] == [
        "delete_thing", "create_thing", "put_user_policy", "list_things",
    ]  # fmt: skip
    put = tree["tools"][2]
    assert (put["category"], put["severity"], put["reversible"]) == ("write", "high", True)
    assert "privilege-escalation" in put["attacks"]
    assert tree["attacks"]["privilege-escalation"]["references"]
    assert {"rug-pull"} <= set(tree["attacks"])
    assert Terminal().run("scan", ADDRESS, "--format", "json").tree == tree


def test_a_page_holds_no_script_and_nothing_of_the_server_s_as_markup() -> None:
    tools = ({"name": "<script>x", "description": "<img src=x onerror=y>\x1b[2K\u202e"},)
    server = ServerTools(name="<b>bold</b>", version="", tools=tools)
    page = Terminal(server=server).run("scan", ADDRESS, "--format", "html").stdout
    assert page.startswith("<!doctype html>")
    assert "&lt;script&gt;x" in page
    for sign in ("<script", "<img", "<b>", "\x1b", "\u202e"):
        assert sign not in page
    markdown = Terminal(server=server).run("scan", ADDRESS, "--format", "markdown").stdout
    assert "\\<script\\>x" in markdown
    table = Terminal(server=server).run("scan", ADDRESS, "--tool", "<script>x").stdout
    assert "\x1b" not in table + markdown


def test_a_policy_is_written_once_and_can_be_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "sample.yaml"
    ran = Terminal().run(
        "scan", ADDRESS, "--write-policy", str(path), "--approver", "group:ops", "--json"
    )
    assert ran.exit_code == 0
    assert ran.stderr == f"wrote {path}\nnext: portcullis policy validate {path}\n"
    policy = parse_policy(path.read_bytes()).policy
    assert policy.default.value == "deny"
    assert set(policy.document["tools"]) == {  # type: ignore[arg-type]
        "list_things", "create_thing", "put_user_policy", "delete_thing",
    }  # fmt: skip
    assert "group:ops" in path.read_text()
    again = Terminal().run("scan", ADDRESS, "--write-policy", str(path))
    assert again.exit_code == ExitCode.USAGE
    assert "is not replaced" in again.stderr
    nowhere = Terminal().run("scan", ADDRESS, "--write-policy", str(tmp_path / "no" / "x"))
    assert nowhere.exit_code == ExitCode.USAGE


def test_a_tool_that_no_policy_can_name_is_left_out_and_so_denied() -> None:
    tools = ({"name": "bad name\nallow: x"}, {"name": "on"}, {"name": "list_x"})
    server = ServerTools(name="s\n- x", version="", tools=tools)
    text = Terminal(server=server).run("scan", ADDRESS, "--write-policy", "-").stdout
    policy = parse_policy(text.encode()).policy
    assert set(policy.document["tools"]) == {"on", "list_x"}  # type: ignore[arg-type]
    assert "left out" in text


def test_a_server_without_tools_gets_a_policy_that_denies_everything() -> None:
    server = ServerTools(name="empty", version="", tools=())
    ran = Terminal(server=server).run("scan", ADDRESS, "--write-policy", "-")
    assert ran.exit_code == 0, ran.stderr
    assert parse_policy(ran.stdout.encode()).policy.default.value == "deny"


@pytest.mark.parametrize("severity,code", [("low", 1), ("critical", 1)], ids=["some are", "one is"])
def test_ci_can_be_stopped_by_a_severity(severity: str, code: int) -> None:
    ran = Terminal().run("scan", ADDRESS, "--fail-on", severity)
    assert ran.exit_code == code
    assert f"are {severity} or worse" in ran.stderr


def test_ci_goes_on_where_nothing_is_that_severe() -> None:
    ran = Terminal().run("scan", ADDRESS, "--tool", "list_things", "--fail-on", "medium")
    assert (ran.exit_code, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments,code",
    [
        pytest.param([], ExitCode.USAGE, id="no server"),
        pytest.param([ADDRESS, "--lambda", "f"], ExitCode.USAGE, id="two servers"),
        pytest.param(["http://mcp.example.com/mcp"], ExitCode.USAGE, id="no tls"),
        pytest.param(["--command", "unclosed '"], ExitCode.USAGE, id="no command line"),
        pytest.param(["--command", " "], ExitCode.USAGE, id="no command"),
        pytest.param(["--lambda", "f", "--token-file", "x"], ExitCode.USAGE, id="token for aws"),
        pytest.param([ADDRESS, "--tool", "no_such"], ExitCode.NOT_FOUND, id="no such tool"),
    ],
)
def test_what_cannot_be_scanned_is_said(arguments: list[str], code: ExitCode) -> None:
    ran = Terminal().run("scan", *arguments)
    assert ran.exit_code == code
    assert ran.stderr.startswith("portcullis: ")


def test_each_way_to_a_server_is_asked_as_it_was_meant(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{CAROL_TOKEN}\n")
    terminal = Terminal()
    terminal.run("scan", ADDRESS, "--token-file", str(token), "--timeout", "5")
    terminal.run("scan", "--command", "uvx 'a server' --flag")
    terminal.run("scan", "--lambda", "host")
    assert terminal.asked == [
        Target(url=ADDRESS, token=CAROL_TOKEN, timeout_seconds=5.0),
        Target(command=("uvx", "a server", "--flag")),
        Target(function="host"),
    ]
    assert [target.shown for target in terminal.asked] == [ADDRESS, "uvx", "host"]


def test_an_error_is_json_where_json_was_asked_for() -> None:
    ran = Terminal().run("scan", "--json")
    assert json.loads(ran.stdout)["error"]["code"] == "usage"


def test_a_tool_list_is_saved_as_it_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    assert Terminal().run("scan", ADDRESS, "--save-tools", str(path)).exit_code == 0
    assert json.loads(path.read_text())["tools"] == [*Terminal().server.tools]


def test_a_function_s_exact_numbers_are_saved_as_numbers(tmp_path: Path) -> None:
    schema = {"properties": {"x": {"default": Decimal("0.5"), "maximum": Decimal("10")}}}
    server = ServerTools(name="f", version="", tools=({"name": "x", "inputSchema": schema},))
    path = tmp_path / "tools.json"
    ran = Terminal(server=server).run("scan", "--lambda", "f", "--save-tools", str(path))
    assert ran.exit_code == 0, ran.stderr
    (tool,) = json.loads(path.read_text())["tools"]
    assert tool["inputSchema"]["properties"]["x"] == {"default": 0.5, "maximum": 10}


def test_tools_that_no_call_can_tell_apart_are_left_out_of_the_policy() -> None:
    tools = ({"name": "same"}, {"name": "same"}, {"name": "list_x"}, {"name": "LIST_X"})
    server = ServerTools(name="twins", version="", tools=(*tools, {"name": "get_y"}))
    ran = Terminal(server=server).run("scan", ADDRESS, "--write-policy", "-")
    assert ran.exit_code == 0, ran.stderr
    policy = parse_policy(ran.stdout.encode()).policy
    assert set(policy.document["tools"]) == {"get_y"}  # type: ignore[arg-type]
    assert ran.stdout.count("left out") == 4


def test_a_policy_that_could_not_be_uploaded_is_refused_in_one_line() -> None:
    tools = tuple({"name": f"get_{number}"} for number in range(5000))
    ran = Terminal(server=ServerTools(name="many", version="", tools=tools)).run(
        "scan", ADDRESS, "--write-policy", "-"
    )
    assert (ran.exit_code, ran.stdout) == (ExitCode.USAGE, "")
    assert ran.stderr.startswith("portcullis: no sound policy can be written: ")
    assert ran.stderr.count("\n") == 1
