"""What is sent to the console, and what becomes of every answer that is not the expected one."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from portcullis.gateway.deciding import Word
from portcullis_cli import console_api
from portcullis_cli.console_api import ConsoleApi
from portcullis_cli.errors import CommandError, ExitCode

URL = "https://gate.example/prod/approvals"
ID = "3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19"
REQUEST: dict[str, Any] = {"id": ID, "state": "PENDING", "digest": "d" * 64, "arguments": {}}


class Recorder(httpx2.BaseTransport):
    """Answers everything alike and remembers what it was asked."""

    def __init__(self, response: httpx2.Response | Exception) -> None:
        self.response = response
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response


def recorder(content: object, status: int = 200, **headers: str) -> Recorder:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Recorder(httpx2.Response(status, content=iter([body]), headers=headers))


def api(transport: httpx2.BaseTransport) -> ConsoleApi:
    return ConsoleApi(URL, "pcl_secret", transport=transport)


def failure(transport: httpx2.BaseTransport) -> CommandError:
    with pytest.raises(CommandError) as caught:
        api(transport).show(ID)
    assert "pcl_secret" not in str(caught.value)
    return caught.value


def test_a_request_is_asked_for_with_the_token_in_its_header_alone() -> None:
    transport = recorder(REQUEST)
    assert api(transport).show(ID) == REQUEST
    (request,) = transport.requests
    assert (request.method, str(request.url), request.content) == ("GET", f"{URL}/{ID}", b"")
    assert request.headers["authorization"] == "Bearer pcl_secret"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers


def test_N33_a_decision_is_exactly_a_word_and_a_comment() -> None:
    transport = recorder(REQUEST)
    assert api(transport).decide(ID, Word.APPROVE, comment='as "agreed"') == REQUEST
    (request,) = transport.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/{ID}")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"decision": "approve", "comment": 'as "agreed"'}


def test_the_list_is_the_address_itself() -> None:
    transport = recorder({"approvals": [REQUEST]})
    assert api(transport).listed() == [REQUEST]
    assert str(transport.requests[0].url) == URL


@pytest.mark.parametrize(
    "status,exit_code",
    [
        (400, ExitCode.USAGE),
        (401, ExitCode.UNAUTHENTICATED),
        (403, ExitCode.REFUSED),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.REFUSED),
        (415, ExitCode.USAGE),
        (405, ExitCode.UNAVAILABLE),
        (500, ExitCode.UNAVAILABLE),
        (503, ExitCode.UNAVAILABLE),
    ],
)
def test_a_refusal_is_told_in_the_consoles_words(status: int, exit_code: ExitCode) -> None:
    body = {"error": {"code": "some_code", "message": "Because\u202e of \\u202e."}}
    error = failure(recorder(body, status))
    assert (error.exit_code, error.code, error.reply) == (exit_code, "some_code", body)
    assert str(error) == "Because\\u202e of \\u202e."


@pytest.mark.parametrize(
    "status,content,exit_code,said",
    [
        pytest.param(401, b"", ExitCode.UNAUTHENTICATED, "not accepted", id="401 of a proxy"),
        pytest.param(
            403, {"message": "Missing Authentication Token"}, ExitCode.UNAVAILABLE,
            "there is no console there", id="403 of API Gateway",
        ),
        pytest.param(502, b"<html>", ExitCode.UNAVAILABLE, "it answers 502", id="a bad gateway"),
        pytest.param(
            500, {"error": "text"}, ExitCode.UNAVAILABLE, "it answers 500", id="another error"
        ),
        pytest.param(204, b"", ExitCode.UNAVAILABLE, "it answers 204", id="no content"),
        pytest.param(200, b"<html>", ExitCode.UNAVAILABLE, "another form", id="a page"),
        pytest.param(200, [REQUEST], ExitCode.UNAVAILABLE, "another form", id="a list"),
        pytest.param(
            200, b'{"id":1,"id":2}', ExitCode.UNAVAILABLE, "another form", id="a key twice"
        ),
        pytest.param(200, {}, ExitCode.UNAVAILABLE, "another form", id="nothing in it"),
        pytest.param(
            200, {**REQUEST, "id": "f" * 32}, ExitCode.UNAVAILABLE, "another form",
            id="another request",
        ),
        pytest.param(
            200, {**REQUEST, "digest": None}, ExitCode.UNAVAILABLE, "another form",
            id="no digest",
        ),
        pytest.param(
            200, {**REQUEST, "arguments": "{}"}, ExitCode.UNAVAILABLE, "another form",
            id="arguments as text",
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_a_console_is_none(
    status: int, content: object, exit_code: ExitCode, said: str
) -> None:
    error = failure(recorder(content, status))
    assert (error.exit_code, error.reply) == (exit_code, None)
    assert said in str(error)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"approvals": {}},
        {"approvals": None},
        {"approvals": [REQUEST, "x"]},
        {"approvals": [{**REQUEST, "state": None}]},
        {"approvals": [{**REQUEST, "state": []}]},
    ],
)
def test_a_list_that_is_none_is_no_answer(content: object) -> None:
    with pytest.raises(CommandError, match="another form"):
        api(recorder(content)).listed()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    transport = recorder(b"", status, location="https://evil.example/")
    error = failure(transport)
    assert error.exit_code is ExitCode.UNAVAILABLE
    assert "redirect, which is not followed" in str(error)
    assert len(transport.requests) == 1


def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_api, "MAXIMUM_BYTES", 1000)
    assert "too long" in str(failure(recorder(b" " * 1001)))
    assert api(recorder(json.dumps(REQUEST).encode().ljust(1000))).show(ID) == REQUEST


def test_an_answer_that_trickles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Iterator[float] = iter([0.0, 29.0, 31.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    error = failure(Recorder(httpx2.Response(200, content=iter([b"{", b"}", b"}"]))))
    assert "takes too long" in str(error)


def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = b"\x1f\x8b" + b"\x00" * 100
    error = failure(recorder(packed, 200, **{"content-encoding": "gzip"}))
    assert "another form" in str(error)


def test_a_console_that_is_not_there_is_named() -> None:
    error = failure(Recorder(httpx2.ConnectError("refused \x1b[2K")))
    assert error.exit_code is ExitCode.UNAVAILABLE
    assert str(error) == f"the console at {URL} does not answer: refused \\u001b[2K"


def test_a_fault_without_words_is_named_by_its_kind() -> None:
    assert str(failure(Recorder(httpx2.ReadTimeout("")))).endswith("not answer: ReadTimeout")


@pytest.mark.parametrize(
    "transport",
    [
        Recorder(httpx2.ReadTimeout("timed out")),
        recorder(b"<html>", 502),
        recorder(b"{", 200),
        recorder(b"", 302),
    ],
    ids=["time-out", "bad gateway", "half an answer", "redirect"],
)
def test_a_decision_whose_answer_is_lost_is_said_to_be_unknown(transport: Recorder) -> None:
    with pytest.raises(CommandError, match="cannot be told whether the decision counted"):
        api(transport).decide(ID, Word.DENY, comment="")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("url,trusts", [(URL, True), ("http://127.0.0.1:8080/approvals", False)])
def test_a_proxy_never_sees_the_token_of_a_plain_address(
    url: str, trusts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    made: list[bool] = []
    client = httpx2.Client

    def remembered(**options: Any) -> httpx2.Client:
        made.append(options["trust_env"])
        return client(**options)

    monkeypatch.setattr(httpx2, "Client", remembered)
    ConsoleApi(url, "pcl_secret", transport=recorder(REQUEST)).show(ID)
    assert made == [trusts]
