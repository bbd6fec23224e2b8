"""Reading a server's tools: real servers over stdio, and everything that may go wrong."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from portcullis_cli.catalogue.assess import assess
from portcullis_cli.catalogue.definition import read_definition
from portcullis_cli.catalogue.tables import profiles
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.tool_source import Target, read_tools

PAGES = """
import sys, json
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                  "serverInfo": {"name": "paged", "version": "2"}}
    elif message.get("method") == "tools/list":
        page = int((message.get("params") or {}).get("cursor") or 0)
        result = {"tools": [{"name": f"get_{page}", "inputSchema": {"type": "object"}}]}
        if page < LAST:
            result["nextCursor"] = str(page + 1)
    elif "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"],
                          "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def python(program: str) -> Target:
    return Target(command=(sys.executable, "-c", program), timeout_seconds=30)


@pytest.mark.parametrize(
    "server,module,options",
    [
        ("aws-iam", "awslabs.iam_mcp_server.server", ()),
        ("amazon-mq", "awslabs.amazon_mq_mcp_server.server", ("--allow-resource-creation",)),
    ],
)
def test_a_verified_profile_knows_every_tool_of_the_real_server(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    server: str,
    module: str,
    options: tuple[str, ...],
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    found = read_tools(Target(command=(sys.executable, "-m", module, *options), timeout_seconds=60))
    digests = {tool["name"]: read_definition(tool, prefix=()).digest for tool in found.tools}
    assert profiles()[server]["definitions"] == digests  # look at what changed before you renew it
    profile, assessed = assess(found.tools)
    assert profile == server
    assert {one.tool for one in assessed} == set(profiles()[server]["tools"])
    by_words = [assess([*found.tools, {"name": "list_more"}])]
    assert by_words[0][0] is None  # the same tools, judged by their words alone
    judged = {one.tool: one.category for one in by_words[0][1]}
    agreed = sum(judged[one.tool] is one.category for one in assessed)
    assert agreed / len(assessed) > 0.9


def test_every_page_is_read() -> None:
    found = read_tools(python(PAGES.replace("LAST", "2")))
    assert (found.name, found.version) == ("paged", "2")
    assert [tool["name"] for tool in found.tools] == ["get_0", "get_1", "get_2"]


@pytest.mark.parametrize(
    "target,said",
    [
        pytest.param(python("print('hello')"), "did not answer", id="no server"),
        pytest.param(python(PAGES.replace("LAST", "10**9")), "has no end", id="endless list"),
        pytest.param(Target(command=("no-such-program",)), "was not found", id="no such program"),
        pytest.param(
            Target(
                command=(sys.executable, "-c", "import time; time.sleep(60)"), timeout_seconds=0.5
            ),
            "in 0.5 s",
            id="silence",
        ),
        pytest.param(
            Target(url="http://127.0.0.1:9/mcp", token="never-shown", timeout_seconds=5),
            "did not answer with tools",
            id="nobody listens",
        ),
    ],
)
def test_a_server_that_does_not_answer_is_said_without_what_it_was_sent(
    target: Target, said: str
) -> None:
    with pytest.raises(CommandError) as caught:
        read_tools(target)
    assert said in str(caught.value)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert "never-shown" not in str(caught.value)


def test_what_a_server_writes_beside_the_protocol_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(CommandError):
        read_tools(python("print('\\x1b[2Jhello')"))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "status,token,code,said",
    [
        pytest.param(401, "", ExitCode.UNAUTHENTICATED, "wants a token", id="no token"),
        pytest.param(401, "t", ExitCode.UNAUTHENTICATED, "does not accept the token", id="wrong"),
        pytest.param(404, "t", ExitCode.UNAVAILABLE, "HTTP 404", id="not there"),
    ],
)
def test_a_refusal_of_an_address_is_told_by_its_status(
    status: int, token: str, code: ExitCode, said: str
) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/mcp"
        with pytest.raises(CommandError, match=said) as caught:
            read_tools(Target(url=url, token=token, timeout_seconds=20))
        server.shutdown()
    assert caught.value.exit_code is code


def test_what_a_server_writes_that_cannot_be_read_reaches_no_terminal(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text("import sys; print('\\x1b[2Jnonsense', flush=True); sys.stdin.read()")
    command = f"'{sys.executable}' '{program}'"
    words = ["-m", "portcullis_cli", "scan", "--command", command, "--timeout", "2"]
    ran = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == ExitCode.UNAVAILABLE
    assert (ran.stdout, ran.stderr) == ("", "portcullis: the server did not answer in 2 s\n")


def test_a_function_that_cannot_be_invoked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def invoke(self, **_arguments: Any) -> Any:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")

    made: list[Any] = []

    def client(service: str, **options: Any) -> Any:
        made.append((service, options["config"].retries))
        return Client()

    monkeypatch.setattr(boto3, "client", client)
    with pytest.raises(CommandError, match="did not answer with tools"):
        read_tools(Target(function="nobody"))
    assert made == [("lambda", {"total_max_attempts": 1})]
