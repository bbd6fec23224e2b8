"""The local front door, over real sockets, with functions in real processes."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from integration.test_runtime_api import LAUNCH, make_function
from local_stack.environment_pool import EnvironmentPool
from local_stack.front import MAXIMUM_BODY_BYTES, Front
from local_stack.http_server import listen
from local_stack.sigv4 import Signer
from local_stack.template import Api, Authorizer, GatewayResponse, Route
from support.http_calls import post, send_raw

EVENTS = Path(__file__).parents[2] / "events"
API = Api(
    stage="prod",
    routes=(
        Route(path="/mcp/{server}", method="ANY", function="Proxy", timeout_seconds=1),
        Route(path="/open/{any+}", method="ANY", function="Proxy", timeout_seconds=5, is_open=True),
        Route(
            path="/iam/mcp/{server}",
            method="ANY",
            function="Proxy",
            timeout_seconds=5,
            is_signed=True,
        ),
    ),
    stage_variables={"proof": "shown"},
    authorizer=Authorizer(function="Authorizer", identity_headers=("Authorization",)),
    responses={
        "UNAUTHORIZED": GatewayResponse(
            status=401, headers={"WWW-Authenticate": "Bearer"}, template='{"message":"who"}'
        ),
        "MISSING_AUTHENTICATION_TOKEN": GatewayResponse(status=404),
        "DEFAULT_5XX": GatewayResponse(template='{"message":"sorry"}'),
    },
)


SIGNER = Signer(
    access_key="ASIAEXAMPLEEXAMPLE01",
    secret_key="s3cret",
    session_token="token",
    user_arn="arn:aws:sts::123456789012:assumed-role/ci/one",
    user_id="AROAEXAMPLEEXAMPLE01:one",
    statements=(
        {
            "Effect": "Allow",
            "Action": "execute-api:Invoke",
            "Resource": "arn:aws:execute-api:us-east-1:123456789012:local/prod/POST/iam/mcp/event",
        },
    ),
)


class Served:
    """A front served from a thread of its own."""

    def __init__(self, port: int, pools: Mapping[str, EnvironmentPool]) -> None:
        self.port = port
        self.pools = pools

    def call(
        self, path: str, word: str | None = "good", *, body: bytes = b"{}", method: str = "POST"
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "application/json"}
        if word is not None:
            headers["Authorization"] = word
        url = f"http://127.0.0.1:{self.port}{path}"
        return post(url, body, headers, method=method)


@contextmanager
def served(api: Api = API) -> Iterator[Served]:
    started: Future[tuple[Served, Callable[[], None]]] = Future()

    async def run() -> None:
        pools = {
            name: EnvironmentPool(
                replace(make_function(handler), logical_id=name, name=name),
                LAUNCH,
                maximum=3,
                patience_seconds=0,
                report=lambda _: None,
            )
            for name, handler in (
                ("Proxy", "support.lambda_handlers.proxy"),
                ("Authorizer", "support.lambda_handlers.authorizer"),
            )
        }
        front = Front(api, pools, signers=(SIGNER,))
        await front.start(listen("127.0.0.1", 0))
        await asyncio.gather(*(pool.warm() for pool in pools.values()))
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            loop.call_soon_threadsafe(stop.set)

        started.set_result((Served(front.port, pools), end))
        await stop.wait()
        await front.close()
        await asyncio.gather(*(pool.close() for pool in pools.values()))

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    front, stop = started.result(30)
    try:
        yield front
    finally:
        stop()
        thread.join()


@pytest.fixture(scope="module")
def front() -> Iterator[Served]:
    with served() as running:
        yield running


def shape(tree: Any) -> Any:
    """The keys of an event, all the way down, without what clients choose."""
    if not isinstance(tree, dict):
        return None
    free = {"headers", "multiValueHeaders", "authorizer", "pathParameters"}
    return {key: None if key in free else shape(value) for key, value in tree.items()}


def test_a_function_gets_an_event_of_api_gateway_s_shape(front: Served) -> None:
    status, _, body = front.call("/mcp/event?a=1&a=2&b=", body=b'{"x": "\xc3\xa9"}')
    event = json.loads(body)
    sample = json.loads((EVENTS / "tools-call-2026-07-28.json").read_text("utf-8"))
    assert status == 200
    assert set(event) == set(sample)
    assert set(event["requestContext"]) <= set(sample["requestContext"])
    assert set(event["requestContext"]["identity"]) <= set(sample["requestContext"]["identity"])
    assert event["resource"] == "/mcp/{server}"
    assert event["pathParameters"] == {"server": "event"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["body"] == '{"x": "é"}'
    assert event["isBase64Encoded"] is False
    assert event["requestContext"]["authorizer"] == {
        "principalId": "p",
        "integrationLatency": 1,
        "text": "t",
        "number": "7",
        "flag": "true",
    }


def test_an_open_route_is_served_without_an_authorizer_whatever_credential_is_sent(
    front: Served,
) -> None:
    sample = json.loads((EVENTS / "approvals-page.json").read_text("utf-8"))
    for word in (None, "unknown", "broken", "good"):
        status, _, body = front.call("/open/a/event", word, method="GET", body=b"")
        event = json.loads(body)
        assert status == 200
        assert set(event) == set(sample)
        assert set(event["requestContext"]) <= set(sample["requestContext"])
        assert "authorizer" not in event["requestContext"]
        assert event["pathParameters"] == {"any": "a/event"}
        assert event["requestContext"]["path"] == event["path"] == "/open/a/event"


def signed(
    front: Served, path: str, *, method: str = "POST", secret_key: str = SIGNER.secret_key
) -> tuple[int, dict[str, str], bytes]:
    """Call a path as botocore signs the request."""
    url = f"http://127.0.0.1:{front.port}{path}"
    made = AWSRequest(method=method, url=url, data=b"{}", headers={"Accept": "*/*"})
    held = Credentials(SIGNER.access_key, secret_key, SIGNER.session_token)
    SigV4Auth(held, "execute-api", "us-east-1").add_auth(made)
    return post(url, b"{}", dict(made.headers.items()), method=method)


def test_a_signed_request_arrives_as_its_signer_s_with_the_stage_s_proof(front: Served) -> None:
    status, _, body = signed(front, "/iam/mcp/event")
    event = json.loads(body)
    sample = json.loads((EVENTS / "iam-caller.json").read_text("utf-8"))
    assert status == 200
    assert set(event) == set(sample)
    assert set(event["requestContext"]) <= set(sample["requestContext"])
    assert set(event["requestContext"]["identity"]) <= set(sample["requestContext"]["identity"])
    assert set(event["stageVariables"]) == set(sample["stageVariables"])
    assert event["resource"] == event["requestContext"]["resourcePath"] == sample["resource"]
    assert event["requestContext"]["identity"]["userArn"] == SIGNER.user_arn
    assert event["stageVariables"] == {"proof": "shown"}


def test_F13_what_is_not_signed_or_not_allowed_reaches_no_function(front: Served) -> None:
    assert front.call("/iam/mcp/event", None)[0] == 404  # as where there is no route
    assert front.call("/iam/mcp/event", "Bearer good")[0] == 403
    assert front.call("/iam/mcp/event", "good")[0] == 403
    assert signed(front, "/iam/mcp/event", secret_key="other")[0] == 403
    for refused in (signed(front, "/iam/mcp/raise"), signed(front, "/iam/mcp/event", method="PUT")):
        assert refused[0] == 403
        assert refused[1]["x-amzn-errortype"] == "AccessDeniedException"


def test_a_page_and_each_of_its_cookies_pass(front: Served) -> None:
    answer = send_raw(
        front.port, b"GET /open/page HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"http/1.1 303 "
    assert {
        b"content-type: text/html; charset=utf-8",
        b"location: /approvals",
        b"set-cookie: a=1; httponly",
        b"set-cookie: b=2; path=/",
    } <= set(lines)
    assert body == "<p>\u00e9</p>".encode()


def test_repeated_headers_stay_visible_and_hop_by_hop_headers_end_here(front: Served) -> None:
    answer = send_raw(
        front.port,
        b"POST /mcp/event HTTP/1.1\r\nHost: h\r\nAuthorization: good\r\nX-Two: a\r\nx-two: b\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
    event = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert event["multiValueHeaders"]["X-Two"] == ["a", "b"]
    assert event["headers"]["X-Two"] == "b"
    assert event["body"] == "{}"
    assert not {"Connection", "Transfer-Encoding"} & set(event["headers"])


def test_an_answer_s_headers_are_all_sent_and_the_challenge_is_remapped(front: Served) -> None:
    status, headers, body = front.call("/mcp/answer")
    assert (status, body) == (201, b"created")
    assert headers["x-one"] == "1"
    assert headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert "www-authenticate" not in headers


@pytest.mark.parametrize(
    ("word", "status", "body"),
    [
        pytest.param(None, 401, {"message": "who"}, id="no-credential"),
        pytest.param("unknown", 401, {"message": "who"}, id="unknown-credential"),
        pytest.param("broken", 500, {"message": "sorry"}, id="authorizer-fails"),
        pytest.param("nonsense", 500, {"message": "sorry"}, id="authorizer-answers-nonsense"),
        pytest.param("elsewhere", 403, None, id="allowed-elsewhere"),
        pytest.param("denied", 403, None, id="denied"),
    ],
)
def test_a_request_that_is_not_authorised_reaches_no_function(
    front: Served, word: str | None, status: int, body: object
) -> None:
    answer = front.call("/mcp/event", word)
    assert answer[0] == status
    assert body is None or json.loads(answer[2]) == body
    assert (answer[1].get("www-authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize("path", ["/", "/mcp", "/mcp/a/b", "/prod/mcp/event", "/mcp/", "/open"])
def test_a_path_without_a_route_is_not_found_even_with_a_credential(
    front: Served, path: str
) -> None:
    assert front.call(path)[0] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("/mcp/raise", 502), ("/mcp/nonsense", 502), ("/mcp/hang", 504)],
)
def test_a_function_that_fails_is_a_gateway_error(front: Served, path: str, status: int) -> None:
    answer = front.call(path)
    assert answer[0] == status
    assert json.loads(answer[2]) == {"message": "sorry"}


def test_a_body_above_ten_megabytes_is_too_large(front: Served) -> None:
    assert front.call("/mcp/answer", body=b"x" * (MAXIMUM_BODY_BYTES + 1))[0] == 413


def test_an_event_above_lambda_s_limit_is_too_large(front: Served) -> None:
    assert front.call("/mcp/answer", body=b"x" * (7 * 1024 * 1024))[0] == 413


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 2\r\nTransfer-Encoding: chunked", id="both-lengths"),
        pytest.param(b"Content-Length: 2\r\nContent-Length: 3", id="two-lengths"),
        pytest.param(b"Transfer-Encoding: gzip, chunked", id="unknown-coding"),
        pytest.param(b"Content-Length : 2", id="space-before-colon"),
    ],
)
def test_an_ambiguous_request_is_refused_and_the_connection_closed(
    front: Served, head: bytes
) -> None:
    second = b"0\r\n\r\nPOST /mcp/answer HTTP/1.1\r\nHost: h\r\nAuthorization: good\r\n\r\n"
    start = b"POST /mcp/answer HTTP/1.1\r\nHost: h\r\nAuthorization: good\r\n"
    answer = send_raw(front.port, start + head + b"\r\n\r\n" + second)
    assert answer.split(b" ")[1] in {b"400", b"501"}
    assert answer.count(b"HTTP/1.1") == 1


def test_a_connection_is_kept_for_the_next_request(front: Served) -> None:
    one = b"GET / HTTP/1.1\r\nHost: h\r\n"
    answer = send_raw(front.port, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 2


def test_head_and_expect_are_served(front: Served) -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = send_raw(front.port, head)
    assert answer.startswith(b"HTTP/1.1 404")
    assert answer.endswith(b"\r\n\r\n")
    expect = (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert b"404" in send_raw(front.port, expect + b"{}")
