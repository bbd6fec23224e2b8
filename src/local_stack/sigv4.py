"""Whether a request is signed by credentials that are known here, as API Gateway would tell.

The signature is computed anew by botocore's own signer and compared. Who signs is known by the
access key; everything that such a caller may do stands in its policy.

Not as at API Gateway: a signature in the query string is none here. An access key that is not
known, and a header that is no signature, are refused as an invalid signature; which response
type API Gateway has for them its guide does not say.

Sources: IAM user guide, "AWS Signature Version 4 for API requests" (elements of a signature,
five minutes); API Gateway developer guide, "Gateway response types", "Control access to a REST
API with IAM permissions" (`execute-api:Invoke`), "Variables for data models, authorizers,
mapping templates" (`$context.identity`).
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local_stack.http_server import Request
from local_stack.intrinsics import ACCOUNT_ID, REGION

SERVICE = "execute-api"
_SKEW = dt.timedelta(minutes=5)
_DATE = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<scope>[^, ]+), *"
    r"SignedHeaders=(?P<signed>[^, ]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


class UnsignedError(Exception):
    """The request goes no further; `kind` is the gateway response type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Credentials that are known here, whose they are, and the statements of their policy.

    `user_id` is the caller's unique id, with `:session` for the session of a role.
    """

    access_key: str
    secret_key: str
    session_token: str | None = None
    user_arn: str
    user_id: str
    statements: tuple[Mapping[str, Any], ...]
    expires_at: dt.datetime | None = None

    @property
    def identity(self) -> dict[str, str]:
        """The members of `requestContext.identity` that a signature fills."""
        return {
            "accessKey": self.access_key,
            "accountId": ACCOUNT_ID,
            "caller": self.user_id,
            "user": self.user_id,
            "userArn": self.user_arn,
        }


def signer_of(request: Request, signers: Mapping[str, Signer], *, now: dt.datetime) -> Signer:
    """Answer who signed a request; `signers` are by access key.

    Raises:
        UnsignedError: nobody, or nobody that is known here, or not this request, or not now.
    """
    sent = _values(request, "authorization")
    if not sent:
        raise UnsignedError("MISSING_AUTHENTICATION_TOKEN")
    found = _AUTHORIZATION.fullmatch(sent[0]) if len(sent) == 1 else None
    signer = None if found is None else signers.get(found["key"])
    if found is None or signer is None:
        raise UnsignedError("INVALID_SIGNATURE")
    date, signed = _values(request, "x-amz-date"), frozenset(found["signed"].split(";"))
    if not (
        _is_now(date, now) and found["scope"] == f"{date[0][:8]}/{REGION}/{SERVICE}/aws4_request"
    ):
        raise UnsignedError("INVALID_SIGNATURE")
    if not (_covers(request, signed) and _has_the_token(request, signer)):
        raise UnsignedError("INVALID_SIGNATURE")
    if not hmac.compare_digest(_signature(request, signer, signed, date[0]), found["signature"]):
        raise UnsignedError("INVALID_SIGNATURE")
    if signer.expires_at is not None and signer.expires_at <= now:
        raise UnsignedError("EXPIRED_TOKEN")
    return signer


def _values(request: Request, name: str) -> list[str]:
    return [value for key, value in request.headers if key.lower() == name]


def _is_now(dates: list[str], now: dt.datetime) -> bool:
    try:
        (date,) = dates
        at = dt.datetime.strptime(date, _DATE).replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    return abs(now - at) <= _SKEW


def _covers(request: Request, signed: frozenset[str]) -> bool:
    """The host and every header of AWS's own are signed, and the body is the one they name."""
    own = {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    digests = _values(request, "x-amz-content-sha256")
    return {"host", *own} <= signed and digests in ([], [hashlib.sha256(request.body).hexdigest()])


def _has_the_token(request: Request, signer: Signer) -> bool:
    held = [] if signer.session_token is None else [signer.session_token]
    return _values(request, "x-amz-security-token") == held


class _Recomputed(SigV4Auth):
    """The signer, for headers that the client chose."""

    def __init__(self, signer: Signer, signed: frozenset[str]) -> None:
        super().__init__(Credentials(signer.access_key, signer.secret_key), SERVICE, REGION)
        self._signed = signed

    def headers_to_sign(self, request: Any) -> HTTPHeaders:
        """Those that the client says it signed."""
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            if name.lower() in self._signed:
                chosen[name.lower()] = value
        return chosen


def _signature(request: Request, signer: Signer, signed: frozenset[str], date: str) -> str:
    host = (_values(request, "host") or [""])[0]
    made = AWSRequest(
        method=request.method, url=f"http://{host}{request.target}", data=request.body
    )
    for name, value in request.headers:
        made.headers[name] = value
    made.context["timestamp"] = date
    auth = _Recomputed(signer, signed)
    to_sign = auth.string_to_sign(made, auth.canonical_request(made))
    return str(auth.signature(to_sign, made))
