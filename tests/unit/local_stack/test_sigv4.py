"""Signatures at the local front: what AWS's own signer signed passes, and nothing else."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_stack.http_server import Request
from local_stack.signers import local_signer, variables_of
from local_stack.sigv4 import Signer, UnsignedError, signer_of

SIGNER = Signer(
    access_key="ASIAEXAMPLEEXAMPLE01",
    secret_key="s3cret",
    session_token="token/+=",
    user_arn="arn:aws:sts::123456789012:assumed-role/ci/one",
    user_id="AROAEXAMPLEEXAMPLE01:one",
    statements=(),
)
KNOWN = {SIGNER.access_key: SIGNER}
URL = "http://gate.example:8080/iam/mcp/a%20b?b=2&a=1"


def signed(
    signer: Signer = SIGNER,
    *,
    service: str = "execute-api",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
) -> tuple[Request, dt.datetime]:
    """A request as botocore signs it, and the instant of its signature."""
    made = AWSRequest(
        method="POST",
        url=URL,
        data=b'{"a": 1}',
        headers={"Host": "gate.example:8080", "Accept": "a,  b", **(headers or {})},
    )
    held = Credentials(signer.access_key, signer.secret_key, signer.session_token)
    SigV4Auth(held, service, region).add_auth(made)
    at = dt.datetime.strptime(made.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    return Request(
        method="POST",
        target=URL.removeprefix("http://gate.example:8080"),
        headers=tuple((name, str(value)) for name, value in made.headers.items()),
        body=b'{"a": 1}',
        peer="192.0.2.1",
    ), at


def changed(request: Request, **headers: str | None) -> Request:
    """The request with other values of these headers, or without them."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [pair for pair in request.headers if pair[0].lower() not in names]
    added = [(name, value) for name, value in names.items() if value is not None]
    return replace(request, headers=(*kept, *added))


def authorization(request: Request) -> str:
    return next(value for name, value in request.headers if name == "Authorization")


def test_what_the_signer_signed_is_the_signer_s() -> None:
    request, now = signed()
    assert signer_of(request, KNOWN, now=now) is SIGNER
    assert SIGNER.identity == {
        "accessKey": "ASIAEXAMPLEEXAMPLE01",
        "accountId": "123456789012",
        "caller": "AROAEXAMPLEEXAMPLE01:one",
        "user": "AROAEXAMPLEEXAMPLE01:one",
        "userArn": "arn:aws:sts::123456789012:assumed-role/ci/one",
    }


def test_a_digest_that_is_told_is_the_body_s() -> None:
    digest = hashlib.sha256(b'{"a": 1}').hexdigest()
    request, now = signed(headers={"X-Amz-Content-SHA256": digest})
    assert signer_of(request, KNOWN, now=now) is SIGNER
    request, now = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    with pytest.raises(UnsignedError):
        signer_of(request, KNOWN, now=now)


def test_long_lived_credentials_have_no_token() -> None:
    ann = replace(SIGNER, access_key="AKIAEXAMPLEEXAMPLE01", session_token=None)
    request, now = signed(ann)
    assert signer_of(request, {ann.access_key: ann}, now=now) is ann
    with pytest.raises(UnsignedError):
        signer_of(request, {ann.access_key: replace(ann, session_token="t")}, now=now)


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_may_be_five_minutes_off(minutes: int) -> None:
    request, now = signed()
    assert signer_of(request, KNOWN, now=now + dt.timedelta(minutes=minutes)) is SIGNER


def with_authorization(change: Callable[[str], str]) -> Callable[[Request], Request]:
    return lambda request: changed(request, authorization=change(authorization(request)))


FORGED: dict[str, Callable[[Request], Request]] = {
    "another body": lambda request: replace(request, body=b'{"a": 2}'),
    "another method": lambda request: replace(request, method="DELETE"),
    "another path": lambda request: replace(request, target="/iam/mcp/other?b=2&a=1"),
    "another query": lambda request: replace(request, target="/iam/mcp/a%20b?b=2&a=2"),
    "another host": lambda request: changed(request, host="evil.example"),
    "a signed header that was changed": lambda request: changed(request, accept="c"),
    "a signed header that is gone": lambda request: changed(request, accept=None),
    "another token": lambda request: changed(request, x_amz_security_token="other"),
    "no token": lambda request: changed(request, x_amz_security_token=None),
    "no date": lambda request: changed(request, x_amz_date=None),
    "a date that is none": lambda request: changed(request, x_amz_date="today"),
    "a header of AWS's that is not signed": lambda request: changed(request, x_amz_target="x"),
    "a bearer token": lambda request: changed(request, authorization="Bearer pcl_x"),
    "two signatures": lambda request: replace(
        request, headers=(*request.headers, ("authorization", authorization(request)))
    ),
    "two dates": lambda request: replace(
        request, headers=(*request.headers, ("x-amz-date", "20200101T000000Z"))
    ),
    "an unknown key": with_authorization(lambda text: text.replace("ASIA", "AKIA")),
    "another signature": with_authorization(lambda text: text[:-64] + "0" * 64),
    "a host that is not signed": with_authorization(lambda text: text.replace(";host", "")),
    "another algorithm": with_authorization(lambda text: text.replace("HMAC", "ECDSA")),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_F13_a_request_that_was_not_signed_so_is_nobody_s(
    forge: Callable[[Request], Request],
) -> None:
    request, now = signed()
    with pytest.raises(UnsignedError) as refused:
        signer_of(forge(request), KNOWN, now=now)
    assert refused.value.kind == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    "made",
    [{"service": "lambda"}, {"region": "eu-west-1"}, {"signer": replace(SIGNER, secret_key="x")}],
)
def test_F13_a_signature_for_something_else_is_none(made: dict[str, Any]) -> None:
    request, now = signed(**made)
    with pytest.raises(UnsignedError):
        signer_of(request, KNOWN, now=now)


@pytest.mark.parametrize("minutes", [-6, 6, 24 * 60])
def test_F13_an_old_signature_is_none(minutes: int) -> None:
    request, now = signed()
    with pytest.raises(UnsignedError) as refused:
        signer_of(request, KNOWN, now=now + dt.timedelta(minutes=minutes))
    assert refused.value.kind == "INVALID_SIGNATURE"


def test_F13_credentials_that_have_expired_are_told_so() -> None:
    request, now = signed()
    ended = {SIGNER.access_key: replace(SIGNER, expires_at=now)}
    with pytest.raises(UnsignedError) as refused:
        signer_of(request, ended, now=now)
    assert refused.value.kind == "EXPIRED_TOKEN"


def test_F13_no_signature_is_as_no_route() -> None:
    request, now = signed()
    with pytest.raises(UnsignedError) as refused:
        signer_of(changed(request, authorization=None), KNOWN, now=now)
    assert refused.value.kind == "MISSING_AUTHENTICATION_TOKEN"


def test_the_local_credentials_are_made_anew_and_read_as_aws_tools_read_them() -> None:
    one, other = local_signer(), local_signer()
    assert one.access_key != other.access_key
    assert variables_of(one) == {
        "AWS_ACCESS_KEY_ID": one.access_key,
        "AWS_SECRET_ACCESS_KEY": one.secret_key,
        "AWS_SESSION_TOKEN": one.session_token,
    }
