"""Checks from outside: the address, this machine's clock, the token, the policy, the canary."""

import json
import ssl
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from portcullis_cli.doctoring.model import (
    Finding,
    NotGivenError,
    Patient,
    caution,
    good,
    unknown,
    wrong,
)
from portcullis_cli.rendering import plain
from portcullis_cli.verifying.model import UndecidedError
from portcullis_cli.verifying.scene import MAXIMUM_REPLY_BYTES
from portcullis_cli.verifying.wire import (
    NO_POLICY,
    Reply,
    headers_of,
    request_message,
    require_sound,
)

_SKEW_SECONDS: Final = 60  # SigV4 allows 300; tokens of issuers often less
_CERTIFICATE_DAYS: Final = 14
_LONGEST_SECONDS: Final = 60  # for a whole reply


def address(patient: Patient) -> Finding:
    """Whether a gateway answers there: 401 with a challenge, to who shows nothing."""
    try:
        reply = _listed(patient, token="")
    except UndecidedError as error:
        return wrong(str(error), "does the gateway run, and is this a URL of the stack's outputs?")
    if reply.status == 401 and reply.header("www-authenticate"):
        return good(f"a gateway answers at {patient.url}")
    if reply.status == 404:
        return wrong(
            f"{patient.url} does not exist there: {reply.shown()}",
            "the path ends with `/mcp/<server>`, and on API Gateway's own host begins with `/prod`",
        )
    if reply.status == 401:
        return caution("401 without a challenge", "is this address the gateway's?")
    return wrong(f"something else answers: {reply.shown()}", "is this address the gateway's?")


def transport(patient: Patient) -> Finding:
    """Whether the way there is encrypted, and for how long its certificate is good."""
    if not _is_far(patient):
        return good("plain http, to this machine only")
    request = patient.http.build_request("GET", patient.url)
    response = patient.http.send(request, stream=True)
    try:
        stream = response.extensions.get("network_stream")
        secured = stream.get_extra_info("ssl_object") if stream is not None else None
        certificate = secured.getpeercert() if secured is not None else None
    finally:
        response.close()
    return certificate_finding(certificate or {}, patient.around.now())


def _is_far(patient: Patient) -> bool:
    """Plain http goes to this machine only (`connection.checked_url`)."""
    return patient.url.startswith("https:")


def certificate_finding(certificate: Mapping[str, Any], now: int) -> Finding:
    """Judge what `ssl.SSLSocket.getpeercert` says; `now` in epoch seconds."""
    until = certificate.get("notAfter")
    if not isinstance(until, str):
        return good("https, with a certificate that this machine trusts")
    days = (ssl.cert_time_to_seconds(until) - now) // 86_400
    if days < _CERTIFICATE_DAYS:
        fix = "ACM renews a certificate that it can validate: look at it in ACM"
        return caution(f"the certificate ends in {days} days", fix)
    return good(f"https, with a certificate that ends in {days} days")


def clock(patient: Patient) -> Finding:
    """Whether this machine's clock goes like the gateway's."""
    if not _is_far(patient):
        return good("the gateway is on this machine")
    stated = _listed(patient, token="").header("date")
    if stated is None:
        return unknown("the gateway does not say what time it is")
    try:
        theirs = int(parsedate_to_datetime(stated).timestamp())
    except ValueError:
        return unknown("the gateway says a time that is none")
    skew = patient.around.now() - theirs
    if abs(skew) > _SKEW_SECONDS:
        word = "ahead of" if skew > 0 else "behind"
        return wrong(
            f"this machine is {abs(skew)} s {word} the gateway",
            "set the clock, by NTP: signatures and tokens are good for minutes",
        )
    return good(f"within {_SKEW_SECONDS} s of the gateway's")


def token(patient: Patient) -> Finding:
    """Whether the token opens this server."""
    if not patient.token:
        raise NotGivenError("--token-file")
    reply = _listed(patient, token=patient.token)
    if reply.status == 401:
        return wrong(
            "no agent has this token: it is unknown, expired, revoked, or an approver's",
            "`portcullis grants list --all` shows whose they are; give an agent's by --token-file",
        )
    if reply.status == 403:
        return wrong(
            f"the token is good and does not open `{patient.server}`",
            f"a grant names its servers: `portcullis grants create NAME --server {patient.server}`",
        )
    if reply.status == 200 and (reply.decision or "tools" in reply.result):
        return good(f"it opens `{patient.server}`")
    return unknown(f"tools/list: {require_sound(reply, 'tools/list').shown()}")


def tools(patient: Patient) -> Finding:
    """Whether a policy is in force, as an agent finds out: by a tool that nobody has."""
    if not patient.token:
        raise NotGivenError("--token-file")
    reply = _listed(patient, token=patient.token)
    if reply.outcome == NO_POLICY:
        return wrong(
            f"`{patient.server}` has no policy in force: every call is denied",
            f"`portcullis policy push {patient.server}.yaml`; of the canary: `verify --install`",
        )
    shown = require_sound(reply, "tools/list").result.get("tools")
    if not isinstance(shown, list):
        return unknown(f"tools/list: {reply.shown()}")
    if not shown:
        return caution("an agent sees no tool at all", "`portcullis policy explain` says why")
    return good(f"an agent sees {len(shown)} tools")


def _listed(patient: Patient, *, token: str) -> Reply:
    """What tools/list is answered with.

    Raises:
        UndecidedError: nobody answers.
    """
    message = request_message("tools/list")
    headers = [*headers_of(message), *([("authorization", f"Bearer {token}")] if token else [])]
    body = json.dumps(message).encode()
    try:
        with patient.http.stream("POST", patient.url, content=body, headers=headers) as response:
            content = _bounded(response, patient.around.now)
    except httpx2.HTTPError as error:
        reason = _distrust(error) or f"nobody answers: {type(error).__name__}"
        raise UndecidedError(reason) from error
    pairs = tuple((name.lower(), value) for name, value in response.headers.multi_items())
    return Reply(status=response.status_code, headers=pairs, body=content)


def _bounded(response: httpx2.Response, now: Callable[[], int]) -> bytes:
    content, ends = bytearray(), now() + _LONGEST_SECONDS
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MAXIMUM_REPLY_BYTES or now() > ends:
            raise UndecidedError("its answer does not end where the gateway's does")
    return bytes(content)


def _distrust(error: BaseException | None) -> str:
    """Why the certificate that was shown is not trusted, "" where that is not what failed."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {plain(error.verify_message)}"
        error = error.__cause__ or error.__context__
    return ""
