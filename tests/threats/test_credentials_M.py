"""Threat cases M, continued: who a server is, and how it knows the gateway."""

import hashlib
import hmac
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from support.certificates import ServerCertificate, make_server_certificate
from threats.gate import ALICE, LEGACY, Gate, call_message, headers_for, standing_gate
from threats.recorder import Recorder, Scripted, serving

TOOLS: list[dict[str, Any]] = [{"name": "get_info", "inputSchema": {"type": "object"}}]
POLICY = 'version: "1"\ndefault: deny\ntools:\n  get_info: {action: allow}\n'
CANARY = "canary-of-the-upstream"
SIGNED = {"sigv4": {"service": "execute-api", "region": "eu-west-1"}}
SIGNS = {"PORTCULLIS_UPSTREAM_ACCESS_POLICY": "arn:aws:iam::123456789012:policy/servers"}


def test_M09_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Recorder(TOOLS)
    with serving(proxy) as port:
        with standing_gate(TOOLS, {"own": POLICY}) as gate:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            assert gate.call("own", "get_info").is_success
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
                monkeypatch.delenv(name)
        assert proxy.received == []


# ---------------------------------------------------------------- TLS


@contextmanager
def tls_gate(
    recorder: Recorder, certificate: ServerCertificate, entry: dict[str, Any], **settings: str
) -> Iterator[Gate]:
    """A gate before a server that speaks TLS with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with serving(recorder, context) as port:
        registration = {"url": f"https://localhost:{port}/mcp?qualifier=P", **entry}
        with standing_gate(TOOLS, {"own": POLICY}, {"own": registration}, **settings) as gate:
            yield gate


@pytest.mark.parametrize("fault", ["M08-expired", "M08-another-name", "M08-nobody-s-authority"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("mcp.example",) if fault == "M08-another-name" else ("localhost",)
    certificate = make_server_certificate(tmp_path, names, has_expired=fault == "M08-expired")
    if fault != "M08-nobody-s-authority":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    recorder = Recorder(TOOLS)
    with tls_gate(recorder, certificate, {"credential": SIGNED}, **SIGNS) as gate:
        answer = gate.call("own", "get_info")
        assert answer.decision["outcome"] == "snapshot_unavailable"
    assert recorder.received == []


def test_M11_what_arrives_is_what_was_signed_and_the_signature_is_the_gateway_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate = make_server_certificate(tmp_path, ("localhost",))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    recorder = Recorder(TOOLS)
    with tls_gate(recorder, certificate, {"credential": SIGNED}, **SIGNS) as gate:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")  # the emulator sets its own
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "session-of-the-role")
        gate.handler = gate.cold_start()
        recorder.clear()
        message = call_message("get_info", {"z": 1.10, "a": "é"})
        theirs = {"Authorization": "Bearer theirs", "X-Amz-Security-Token": "theirs"}
        answer = gate.send("own", json.dumps(message), headers={**headers_for(message), **theirs})
        assert answer.is_success, answer
        records = f"{gate.records}"
    (sent,) = recorder.received
    (authorization,) = sent.header("authorization")
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-west-1/execute-api/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}",
        authorization,
    )
    assert found, authorization
    assert {"host", "content-type", "mcp-method", "mcp-name", "x-amz-date"} <= set(
        found[1].split(";")
    )
    assert sent.header("x-amz-security-token") == ["session-of-the-role"]
    assert signature_of(sent.headers, sent.path, sent.body, found[1]) == authorization[-64:]
    assert signature_of(sent.headers, sent.path, sent.body + b" ", found[1]) != authorization[-64:]
    told = capfd.readouterr()
    for secret in (CANARY, "session-of-the-role", authorization[-64:]):
        assert secret not in f"{answer} {records} {told.out} {told.err}"


def signature_of(headers: Any, path: str, body: bytes, signed: str) -> str:
    """The signature of a request as it arrived, computed from the IAM user guide's text."""
    held = {name.lower(): value for name, value in headers}
    target, _, query = path.partition("?")
    canonical = "\n".join(
        ["POST", target, query, *(f"{name}:{held[name]}" for name in signed.split(";")), "", signed,
         hashlib.sha256(body).hexdigest()]
    )  # fmt: skip
    date = held["x-amz-date"][:8]
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", held["x-amz-date"], f"{date}/eu-west-1/execute-api/aws4_request",
         hashlib.sha256(canonical.encode()).hexdigest()]
    )  # fmt: skip
    key = f"AWS4{CANARY}".encode()
    for part in (date, "eu-west-1", "execute-api", "aws4_request", to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


# ---------------------------------------------------------------- the gateway's own credential


def test_M01_a_secret_goes_to_its_server_alone_and_is_written_nowhere(
    capfd: pytest.CaptureFixture[str],
) -> None:
    recorder = Recorder(TOOLS)
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        port = stack.enter_context(serving(recorder))
        client = boto3.client("secretsmanager", region_name="us-east-1")
        arn = client.create_secret(Name="upstream", SecretString=CANARY)["ARN"]
        entry: dict[str, Any] = {
            "url": f"http://127.0.0.1:{port}/mcp",
            "credential": {"secret": arn, "scheme": "Bearer"},
        }
        servers = {"own": entry, "other": {"url": f"http://127.0.0.1:{port}/other"}}
        permitted = {"PORTCULLIS_UPSTREAM_SECRET_ARNS": arn}
        gate = stack.enter_context(
            standing_gate(TOOLS, dict.fromkeys(servers, POLICY), servers, **permitted)
        )

        def echo(_message: dict[str, Any]) -> Scripted:
            """A server that says back what it was told, where it may hide it best."""
            (told,) = recorder.received[-1].header("authorization") or [""]
            return Scripted(
                status=401,
                headers=(("X-Echo", told), ("WWW-Authenticate", told)),
                body=told.encode(),
            )

        recorder.clear()
        answers = [gate.call("own", "get_info"), gate.call("other", "get_info")]
        by_path = {one.path: one.header("authorization") for one in recorder.received}
        assert by_path == {"/mcp": [f"Bearer {CANARY}"], "/other": []}
        recorder.scripts["tools/call"] = echo
        answers += [gate.call("own", "get_info"), gate.call("own", "get_info", principal=ALICE)]
        answers.append(gate.ask("own", "tools/list", era=LEGACY))
        records = f"{gate.records}"
    told = capfd.readouterr()
    assert CANARY not in f"{answers} {records} {told.out} {told.err}"
