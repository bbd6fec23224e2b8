"""Every environment variable that a function may read: what it holds, and how it is read.

A reader raises `ValueError`, `TypeError` or `AttributeError` for what cannot be meant.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portcullis.registration.words import SERVER_NAME

IDENTITIES = ("grants", "jwt", "iam")  # the ways in which an agent can say who it is


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    if value not in {"true", "false"}:
        raise ValueError
    return value == "true"


def _positive(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) == 0:
        raise ValueError
    return int(value)


def _identities(value: str) -> frozenset[str]:
    ways = value.split(",")
    if len(set(ways)) != len(ways) or not set(ways) <= set(IDENTITIES):
        raise ValueError
    return frozenset(ways)


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _url(value: str) -> str:
    """An absolute URL without query, fragment or user info; or nothing."""
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError
    return value


def _base_url(value: str) -> str:
    return _url(value).rstrip("/")


def _servers(value: str) -> Mapping[str, str]:
    tree = json.loads(value)
    for name, function in tree.items():
        if not SERVER_NAME.fullmatch(name) or not isinstance(function, str) or not function:
            raise ValueError
    return dict(tree)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a variable holds, and how it is read. `empty`: it may be."""

    summary: str
    read: Callable[[str], Any] = _text
    empty: bool = False


VARIABLES: Mapping[str, Variable] = {
    "STACK": Variable(summary="name of the deployment: `service` in its log lines and metrics"),
    "BUCKET": Variable(summary="bucket of policies and snapshots"),
    "BUCKET_OWNER": Variable(summary="the account it must belong to"),
    "TABLE": Variable(summary="table of grants, counters, sessions and requests for approval"),
    "IDENTITY": Variable(
        summary="how agents may say who they are: some of grants, jwt, iam", read=_identities
    ),
    "SERVERS": Variable(
        summary="JSON: name of a server that the deployment brings itself, to its function",
        read=_servers,
    ),
    "SESSION_KEY_SECRET": Variable(
        summary="ARN of the secret that seals session ids, callers, and what clients carry"
    ),
    "STAGE_PROOF_SECRET": Variable(
        summary="ARN of the secret that the API's stage shows on the route of signed requests"
    ),
    "POLICY_REFRESH_SECONDS": Variable(
        summary="an activated policy is in force everywhere after this long", read=_positive
    ),
    "POLICY_MAX_AGE_SECONDS": Variable(
        summary="how long the last known good policy stands while the bucket does not answer",
        read=_positive,
    ),
    "KILL_SWITCH_REFRESH_SECONDS": Variable(
        summary="what the kill switch says holds everywhere after this long", read=_positive
    ),
    "KILL_SWITCH_MAX_AGE_SECONDS": Variable(
        summary="how long its last word holds while the bucket does not answer; then nothing is "
        "forwarded",
        read=_positive,
    ),
    "SESSION_CAP": Variable(
        summary="sets of session counters one principal can have on one server", read=_positive
    ),
    "SESSION_TTL_SECONDS": Variable(summary="life of a session id", read=_positive),
    "ALLOWED_ORIGINS": Variable(
        summary="browser origins that may call; none by default", read=_names, empty=True
    ),
    "ALLOWED_HOSTS": Variable(
        summary="values of Host that are served; empty: API Gateway routes by host",
        read=_names,
        empty=True,
    ),
    "ALLOW_LOOPBACK_UPSTREAMS": Variable(
        summary="whether an upstream url may be http on the loopback address", read=_flag
    ),
    "UPSTREAM_FUNCTION_ARNS": Variable(
        summary="functions that a registration may name", read=_names, empty=True
    ),
    "UPSTREAM_SECRET_ARNS": Variable(
        summary="secrets that a registration may name", read=_names, empty=True
    ),
    "UPSTREAM_ACCESS_POLICY": Variable(
        summary="ARN of the policy that lets calls be signed; empty: none is signed", empty=True
    ),
    "UPSTREAM_TIMEOUT_SECONDS": Variable(summary="bound on one upstream call", read=_positive),
    "STORE_TIMEOUT_SECONDS": Variable(
        summary="bound on one answer of DynamoDB, S3, KMS, Secrets Manager or Step Functions",
        read=_positive,
    ),
    "STATE_MACHINE": Variable(summary="ARN of the workflow that waits for approvals"),
    "APPROVAL_KEY_ID": Variable(
        summary="ARN of the KMS key that seals arguments and results of calls that wait"
    ),
    "RECORDING_KEY_ID": Variable(
        summary="ARN of the KMS key that seals recorded calls; empty: calls are not recorded",
        empty=True,
    ),
    "APPROVAL_RETENTION_SECONDS": Variable(
        summary="how long a request for approval is kept after its deadline", read=_positive
    ),
    "APPROVAL_CAP": Variable(
        summary="requests for approval one principal can have open at a time", read=_positive
    ),
    "APPROVAL_COOLDOWN_SECONDS": Variable(
        summary="the same call is answered by the same denial for this long", read=_positive
    ),
    "APPROVAL_HOLD_SECONDS": Variable(
        summary="how long a call is held for a decision or a result that is on its way",
        read=_positive,
    ),
    "PUBLIC_URL": Variable(
        summary="URL the API is reached by; empty: what API Gateway says of itself",
        read=_base_url,
        empty=True,
    ),
    "JWT_ISSUER": Variable(
        summary="issuer of agents' access tokens; none where identity has no jwt",
        read=_url,
        empty=True,
    ),
    "JWT_AUDIENCE": Variable(
        summary="audiences that are for every server; none: the API's own URLs",
        read=_names,
        empty=True,
    ),
    "JWT_SCOPE_PREFIX": Variable(
        summary="before a server's name, the scope that opens it; none: no scope is asked for",
        empty=True,
    ),
    "JWT_GROUPS_CLAIM": Variable(summary="claim of an access token that lists groups", empty=True),
    "JWT_PERSON_CLAIM": Variable(
        summary="claim that names the human being; `email` counts only where it was verified",
        empty=True,
    ),
    "JWT_TAGS_CLAIM": Variable(
        summary="claim that is an object of tags, besides those of AWS", empty=True
    ),
    "JWT_CLAIMS": Variable(summary="claims that conditions can name", read=_names, empty=True),
    "JWT_STANDING_SECONDS": Variable(
        summary="how long after a token expired an approved call of its holder may be made",
        read=_positive,
    ),
    "LEGACY_URL_ELICITATION": Variable(
        summary="whether clients of 2025-11-25 that open URLs get error -32042, not a text",
        read=_flag,
    ),
    "ACTIVATOR": Variable(summary="name of the function that puts policies in force"),
    "POLICY_APPROVERS": Variable(
        summary="who may approve an uploaded policy; empty: none has to be approved",
        read=_names,
        empty=True,
    ),
    "POLICY_APPROVALS_NEEDED": Variable(
        summary="how many different people have to approve a policy", read=_positive
    ),
    "POLICY_APPROVAL_SECONDS": Variable(summary="how long a policy waits for them", read=_positive),
    "CONSOLE_KEY_SECRET": Variable(summary="ARN of the secret that seals approvers' sign-ins"),
    "CONSOLE_SESSION_SECONDS": Variable(summary="life of a sign-in", read=_positive),
    "DEAD_LETTERS": Variable(summary="URL of the queue of uploads that were not looked at"),
    "OIDC_ISSUER": Variable(
        summary="OpenID Connect issuer that people sign in with; none by default",
        read=_url,
        empty=True,
    ),
    "OIDC_CLIENT_ID": Variable(summary="the console's client id there", empty=True),
    "OIDC_CLIENT_SECRET": Variable(
        summary="ARN of the secret with the client's secret; empty: a public client", empty=True
    ),
    "POLICY_SIGNING_KEY": Variable(
        summary="ARN of the KMS key that policies are signed with; empty: none has to be signed",
        empty=True,
    ),
    "POLICY_SIGNING_ALGORITHM": Variable(summary="the signing algorithm of that key"),
    "OPERATOR_TOPIC": Variable(summary="ARN of the topic that tells who runs the gate"),
    "OIDC_GROUPS_CLAIM": Variable(
        summary="claim of the ID token that lists a person's groups", empty=True
    ),
}
