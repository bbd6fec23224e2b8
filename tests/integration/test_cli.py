"""`scripts/portcullis` as a program: from any folder, on a terminal or not, over real sockets."""

import json
import os
import pty
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from browser.console_server import ConsoleServer, console_server
from portcullis.approvals.states import State
from portcullis_cli.errors import ExitCode
from support.certificates import make_server_certificate
from support.console_fakes import AGENT_TOKEN, CAROL_TOKEN

PROGRAM = Path(__file__).parents[2] / "scripts" / "portcullis"
SECONDS = 30
INHERITED = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


@pytest.fixture
def console() -> Iterator[ConsoleServer]:
    with console_server() as server:
        yield server


def environment(url: str, **more: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "PORTCULLIS_CONSOLE_URL": url,
        "PORTCULLIS_TOKEN": CAROL_TOKEN,
        **more,
    }


def run(
    url: str, folder: Path, *arguments: str, program: Path = PROGRAM, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the program as a script does, with nobody to ask."""
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=environment(url, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_script_decides_and_reads_the_exit_codes(console: ConsoleServer, tmp_path: Path) -> None:
    url = f"{console.url}/approvals"
    first, second = console.world.ask(), console.world.ask()

    listed = run(url, tmp_path, "approvals", "list", "--json")
    assert (listed.returncode, listed.stderr) == (ExitCode.OK, "")
    assert [one["id"] for one in json.loads(listed.stdout)["approvals"]] == [first.id, second.id]

    approved = run(url, tmp_path, "approvals", "approve", first.id, "--yes")
    assert (approved.returncode, approved.stdout[:9]) == (ExitCode.OK, "APPROVED:")
    assert console.world.record(first).state is State.APPROVED

    denied = run(url, tmp_path, "approvals", "deny", f"{url}/{second.id}", "--comment", "no")
    assert (denied.returncode, denied.stdout[:7]) == (ExitCode.OK, "DENIED:")
    assert run(url, tmp_path, "approvals", "deny", second.id).returncode == ExitCode.REFUSED
    assert run(url, tmp_path, "approvals", "deny", "x").returncode == ExitCode.USAGE
    assert run(url, tmp_path, "approvals", "show", "0" * 32).returncode == ExitCode.NOT_FOUND
    unknown = run(url, tmp_path, "approvals", "list", PORTCULLIS_TOKEN="pcl_unknown")
    assert unknown.returncode == ExitCode.UNAUTHENTICATED
    agent = run(url, tmp_path, "approvals", "list", PORTCULLIS_TOKEN=AGENT_TOKEN)
    assert agent.returncode == ExitCode.REFUSED


def test_where_nothing_listens_is_said(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        url = f"http://127.0.0.1:{held.getsockname()[1]}/approvals"
        ran = run(url, tmp_path, "approvals", "list")
    assert ran.returncode == ExitCode.UNAVAILABLE
    assert ran.stderr.startswith(f"portcullis: the console at {url} does not answer:")


def test_the_folder_it_is_run_from_lends_it_no_module(
    console: ConsoleServer, tmp_path: Path
) -> None:
    for name in ("typer", "httpx2", "portcullis_cli", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)\n")
    assert run(f"{console.url}/approvals", tmp_path, "approvals", "list").returncode == ExitCode.OK


@pytest.mark.parametrize(
    "words",
    [
        ["decisions", "query", "--log-groups", "g", "--tool", "\udcff"],
        ["sessions", "show", "--grant", "\udcff", "--table", "t", "--bucket", "b", "--json"],
        ["approvals", "deny", "0" * 32, "--comment", "\udcff"],
    ],
    ids=lambda words: words[0],
)
def test_bytes_that_are_no_text_are_refused_in_a_line(tmp_path: Path, words: list[str]) -> None:
    ran = run("http://127.0.0.1:1/approvals", tmp_path, *words)
    assert (ran.returncode, ran.stdout) == (ExitCode.USAGE, "")
    assert ran.stderr == "portcullis: the command line holds bytes that are no text\n"


def test_a_link_to_the_program_runs_it(console: ConsoleServer, tmp_path: Path) -> None:
    link = tmp_path / "portcullis"
    link.symlink_to(PROGRAM)
    ran = run(f"{console.url}/approvals", tmp_path, "approvals", "list", program=link)
    assert ran.returncode == ExitCode.OK


def test_a_proxy_is_passed_by_on_this_machine(console: ConsoleServer, tmp_path: Path) -> None:
    ran = run(
        f"{console.url}/approvals", tmp_path, "approvals", "list", HTTP_PROXY="http://127.0.0.1:1"
    )
    assert ran.returncode == ExitCode.OK


def test_what_a_terminal_cannot_write_is_escaped(console: ConsoleServer, tmp_path: Path) -> None:
    record = console.world.ask({"user_name": "J\u00fcrgen  \u540d"})
    ran = run(
        f"{console.url}/approvals", tmp_path, "approvals", "show", record.id,
        PYTHONIOENCODING="ascii",
    )  # fmt: skip
    assert ran.returncode == ExitCode.OK
    assert '"user_name": "J\\xfcrgen\\u2423\\u2423\\u540d"' in ran.stdout


# ---------------------------------------------------------------- a terminal


def on_a_terminal(url: str, folder: Path, *arguments: str, answer: bytes) -> tuple[int, str]:
    """Run the program on a terminal of its own, and type when it asks."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        cwd=folder,
        env=environment(url, TERM="xterm-256color", COLUMNS="120"),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen = read_until(leader, b"[y/N] ")
    os.write(leader, answer)
    seen += read_until(leader, None)
    os.close(leader)
    return process.wait(SECONDS), seen.decode()


def read_until(leader: int, mark: bytes | None) -> bytes:
    """Read what the program writes up to the mark, or to its end."""
    seen = b""
    deadline = time.monotonic() + SECONDS
    while mark is None or mark not in seen:
        assert time.monotonic() < deadline, seen
        try:
            piece = os.read(leader, 4096)
        except OSError:  # Linux tells the end of the other side so
            return seen
        if not piece:
            return seen
        seen += piece
    return seen


@pytest.mark.parametrize(
    "answer,exit_code,state",
    [
        pytest.param(b"y\n", ExitCode.OK, State.APPROVED, id="yes"),
        pytest.param(b"n\n", ExitCode.REFUSED, State.PENDING, id="no"),
        pytest.param(b"\x04", ExitCode.REFUSED, State.PENDING, id="end of input"),
    ],
)
def test_a_person_is_asked_on_the_terminal(
    console: ConsoleServer, tmp_path: Path, answer: bytes, exit_code: ExitCode, state: State
) -> None:
    record = console.world.ask()
    ended, seen = on_a_terminal(
        f"{console.url}/approvals", tmp_path, "approvals", "approve", record.id, answer=answer
    )
    assert ended == exit_code
    assert console.world.record(record).state is state
    assert "\x1b[33mPENDING" in seen  # in colour
    assert "Let aws-iam put_user_policy run once for alice@example.com (alice-agent)? [y/N]" in seen


# ---------------------------------------------------------------- TLS


class _OneAnswer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b'{"approvals": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up; that is the test."""


@contextmanager
def secure_server(certificate: Path, key: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _QuietServer(("127.0.0.1", 0), _OneAnswer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/approvals"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    made = make_server_certificate(tmp_path, ("gate.example",))
    with secure_server(made.certificate, made.key) as url:
        refused = run(url, tmp_path, "approvals", "list")
        trusted = run(url, tmp_path, "approvals", "list", SSL_CERT_FILE=str(made.authority))
    assert refused.returncode == ExitCode.UNAVAILABLE
    assert "certificate verify failed" in refused.stderr
    assert (trusted.returncode, trusted.stderr) == (
        ExitCode.OK,
        "nothing waits for you, among the newest 100 requests\n",
    )
