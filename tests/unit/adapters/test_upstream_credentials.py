"""Outbound credentials: a secret in a header, a signature over the exact bytes."""

import hashlib
import hmac
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError

from portcullis.adapters.http_upstream import Outgoing
from portcullis.adapters.upstream_credentials import MAXIMUM_SECRET, secret_header, signature
from portcullis.errors import CredentialError
from portcullis.registration.model import SecretCredential, SigV4Credential

CANARY = "canary-of-the-upstream"
OUTGOING = Outgoing(
    method="POST",
    url="https://mcp.example.com/a%3Ab/c?qualifier=P&a=1",
    headers={
        "host": "mcp.example.com",
        "content-type": "application/json",
        "mcp-method": "tools/call",
        "accept-encoding": "identity",
        "user-agent": "portcullis",
    },
    body=b'{"n":1.0}',
)


def by_secret(secret: str, **more: Any) -> dict[str, str]:
    credential = SecretCredential(**{"secret": "arn", "header": "authorization", **more})
    return dict(secret_header(credential, {"arn": secret}.__getitem__)(OUTGOING))


def test_a_secret_stands_in_its_header_as_it_is() -> None:
    assert by_secret("Token x=1") == {"authorization": "Token x=1"}
    assert by_secret(CANARY, header="x-api-key") == {"x-api-key": CANARY}
    assert by_secret(CANARY, scheme="Bearer") == {"authorization": f"Bearer {CANARY}"}


@pytest.mark.parametrize(
    "secret",
    [f"{CANARY}\r\nx-evil: 1", f"{CANARY}\n", f" {CANARY}", "é" + CANARY, "\x00", "x" * 8193],
)
def test_A28_a_secret_that_is_no_header_value_is_not_sent_nor_shown(secret: str) -> None:
    with pytest.raises(CredentialError, match=r"^a secret cannot stand in a header$"):
        by_secret(secret)
    assert MAXIMUM_SECRET == 8192


class Session:
    """As botocore's: it holds credentials, or fails to get them."""

    def __init__(self, held: Credentials | None, error: Exception | None = None) -> None:
        self._held = held
        self._error = error

    def get_credentials(self) -> Credentials | None:
        if self._error is not None:
            raise self._error
        return self._held


SIGV4 = SigV4Credential(service="execute-api", region="eu-west-1")
KEYS = Credentials("AKIDEXAMPLE", CANARY, "session-token")


def expected_signature(added: dict[str, str], body: bytes) -> str:
    """Written from the IAM user guide; shares no code with botocore's."""
    held = {**OUTGOING.headers, **added}
    names = sorted(set(held) - {"accept-encoding", "user-agent", "authorization"})
    canonical = "\n".join(
        [
            "POST",
            "/a%253Ab/c",
            "a=1&qualifier=P",
            *(f"{name}:{held[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    date = added["x-amz-date"][:8]
    scope = f"{date}/eu-west-1/execute-api/aws4_request"
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            added["x-amz-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{CANARY}".encode()
    for part in (date, "eu-west-1", "execute-api", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    made = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={made}"
    )


def test_M11_a_signature_covers_the_host_the_headers_and_the_exact_bytes() -> None:
    added = dict(signature(SIGV4, Session(KEYS))(OUTGOING))
    assert set(added) == {"authorization", "x-amz-date", "x-amz-security-token"}
    assert added["x-amz-security-token"] == "session-token"
    assert added["authorization"] == expected_signature(added, OUTGOING.body)
    assert added["authorization"] != expected_signature(added, b'{"n":1}')
    assert CANARY not in str(added)


@pytest.mark.parametrize(
    "session",
    [
        Session(None),
        Session(KEYS, CredentialRetrievalError(provider="p", error_msg=CANARY)),
    ],
    ids=["none", "P08 failing"],
)
def test_a_call_that_cannot_be_signed_is_not_sent(session: Session) -> None:
    with pytest.raises(CredentialError) as caught:
        signature(SIGV4, session)(OUTGOING)
    assert CANARY not in str(caught.value)
