"""One invocation of a host: always a result, never a text of ours, credentials kept current."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from mcp_host.asgi_host import AsgiHost
from mcp_host.credentials import DefaultProfile
from mcp_host.exchange import HostReply, HostRequest
from mcp_host.host import Host

EVENT: dict[str, object] = {"method": "POST", "headers": [], "body": "{}", "scope": None}


class StandInServer:
    """Answers what it is told to, and remembers how it was called."""

    def __init__(self) -> None:
        self.reply: HostReply | Exception = HostReply(status=200, headers=(), body="fine")
        self.calls: list[tuple[HostRequest, float]] = []
        self.closed = False

    def call(self, request: HostRequest, *, timeout_seconds: float) -> HostReply:
        self.calls.append((request, timeout_seconds))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def close(self) -> None:
        self.closed = True


class StandInContext:
    """A Lambda context with some time left."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class Setup:
    """A host on stand-ins."""

    def __init__(self) -> None:
        self.server = StandInServer()
        self.environment = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two"}
        profile = DefaultProfile(self.environment)
        profile.install()
        self.forgotten = 0
        self.host = Host(cast("AsgiHost", self.server), profile, forget_clients=self._forget)

    def answer(self, event: object = EVENT, context: object = None) -> dict[str, Any]:
        return self.host.answer(event, context)

    def _forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setup:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Setup()


def test_a_reply_is_the_result(setup: Setup) -> None:
    assert setup.answer() == {"status": 200, "headers": [], "body": "fine"}


@pytest.mark.parametrize("event", [None, [], "x", {}, {**EVENT, "body": 1}])
def test_a_malformed_event_is_an_error_status(setup: Setup, event: object) -> None:
    result = setup.answer(event)

    assert result["status"] == 400
    assert json.loads(result["body"])["error"]["message"] == "malformed host event"
    assert setup.server.calls == []


def test_an_exception_is_an_error_status_that_tells_nothing(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    setup.server.reply = ValueError("the password is 1234")

    result = setup.answer()

    assert result["status"] == 500
    assert json.loads(result["body"])["error"]["message"] == "internal error"
    assert caplog.messages == ["call failed: ValueError"]


@pytest.mark.parametrize("left, seconds", [(10_000, 9.5), (100, 0.05), (-5, 0.05)])
def test_a_call_may_take_what_lambda_leaves(setup: Setup, left: int, seconds: float) -> None:
    setup.answer(context=StandInContext(left))

    assert setup.server.calls[0][1] == pytest.approx(seconds)


def test_without_a_context_a_call_may_take_thirty_seconds(setup: Setup) -> None:
    setup.answer(context=object())

    assert setup.server.calls[0][1] == 30.0


def test_clients_are_forgotten_when_the_credentials_changed(setup: Setup) -> None:
    setup.answer()
    assert setup.forgotten == 0

    setup.environment["AWS_SESSION_TOKEN"] = "rotated"
    setup.answer()
    setup.answer()
    assert setup.forgotten == 1


@pytest.mark.parametrize("body, status", [("x" * 5_000_000, 200), ('"' * 3_000_000, 502)])
def test_a_reply_lambda_would_not_take_is_an_error_status(
    setup: Setup, body: str, status: int
) -> None:
    setup.server.reply = HostReply(status=200, headers=(), body=body)

    assert setup.answer()["status"] == status


def test_closing_closes_the_server(setup: Setup) -> None:
    setup.host.close()
    assert setup.server.closed
