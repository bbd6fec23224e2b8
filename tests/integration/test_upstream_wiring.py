"""What bootstrap wires to upstreams: their own credential, and AWS clients that never retry.

moto stands in for S3, DynamoDB and Secrets Manager; Lambda's own endpoint is a small server
here, because the point is how often it is asked.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from threats.gate import Gate, standing_gate
from threats.recorder import Recorder, serving

TOOLS: list[dict[str, Any]] = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = (
    'version: "1"\ndefault: deny\ntools:\n'
    "  get_info: {action: allow, rate_limit: {max: 1, window: 60}}\n"
)
CANARY = "Bearer canary-of-the-upstream"


@contextmanager
def governed_upstream(secret: str) -> Iterator[tuple[Gate, Recorder]]:
    """A gate before a recorder whose credential lies in a secret."""
    recorder = Recorder(TOOLS)
    with mock_aws(), serving(recorder) as port:
        client = boto3.client("secretsmanager", region_name="us-east-1")
        arn = client.create_secret(Name="upstream", SecretString=secret)["ARN"]
        entry = {
            "url": f"http://127.0.0.1:{port}/mcp",
            "credential": {"secret": arn, "header": "x-api-key"},
        }
        permitted = {"PORTCULLIS_UPSTREAM_SECRET_ARNS": arn}
        with standing_gate(TOOLS, {"own": POLICY}, {"own": entry}, **permitted) as gate:
            yield gate, recorder


def test_F05_the_upstream_gets_its_own_credential_and_nobody_else_sees_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with governed_upstream(CANARY) as (gate, recorder):
        answer = gate.call("own", "get_info")
        assert answer.is_success, answer
        assert all(one.header("x-api-key") == [CANARY] for one in recorder.received)
        assert all(one.header("authorization") == [] for one in recorder.received)
        told = capfd.readouterr()
    assert CANARY not in f"{answer} {gate.records} {told.out} {told.err}"


class LambdaEndpoint:
    """Answers Invoke: tools/list with a list, tools/call as told. Counts the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.hangs_up = False

    def invoke(self, payload: dict[str, Any]) -> tuple[int, bytes] | None:
        message = json.loads(payload["body"])
        if message["method"] == "tools/list":
            result = {"resultType": "complete", "tools": TOOLS, "ttlMs": 0, "cacheScope": "public"}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
            headers = [["content-type", "application/json"]]
            return 200, json.dumps({"status": 200, "headers": headers, "body": body}).encode()
        self.calls += 1
        return None if self.hangs_up else (500, b'{"Message": "service error"}')


@contextmanager
def serving_lambda(endpoint: LambdaEndpoint) -> Iterator[str]:
    """Serve the endpoint on a free loopback port; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            answer = endpoint.invoke(json.loads(self.rfile.read(length)))
            if answer is None:
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("hangs_up", [False, True], ids=["500", "hangs-up"])
def test_M14_a_call_that_lambda_does_not_answer_is_never_sent_again(hangs_up: bool) -> None:
    endpoint = LambdaEndpoint()
    endpoint.hangs_up = hangs_up
    own = json.dumps({"own": "host"})
    with (
        serving_lambda(endpoint) as url,
        mock.patch.dict("os.environ", {"AWS_ENDPOINT_URL_LAMBDA": url}),
        standing_gate(TOOLS, {"own": POLICY}, {}, PORTCULLIS_SERVERS=own) as gate,
    ):
        first, second = gate.call("own", "get_info"), gate.call("own", "get_info")
    assert endpoint.calls == 1
    assert first.decision["outcome"] == "upstream_unavailable"
    assert "may have been executed" in first.decision["reason"]
    assert second.decision["outcome"] == "limit_reached", "what may have run stays counted"
