"""The only reader of the environment: one frozen settings value a function.

A missing, empty or unusable variable stops the function at init: there is no setting whose
absence opens anything. A variable means the same to every function that reads it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

from portcullis.errors import SettingsError
from portcullis.registration.words import SERVER_NAME

S = TypeVar("S")

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
class _Variable:
    summary: str
    read: Callable[[str], Any] = _text
    empty: bool = False


_VARIABLES: Mapping[str, _Variable] = {
    "STACK": _Variable(summary="name of the deployment: `service` in its log lines and metrics"),
    "BUCKET": _Variable(summary="bucket of policies and snapshots"),
    "TABLE": _Variable(summary="table of grants, counters, sessions and requests for approval"),
    "IDENTITY": _Variable(
        summary="how agents may say who they are: some of grants, jwt, iam", read=_identities
    ),
    "SERVERS": _Variable(
        summary="JSON: name of a server that the deployment brings itself, to its function",
        read=_servers,
    ),
    "SESSION_KEY_SECRET": _Variable(
        summary="ARN of the secret that seals session ids, callers, and what clients carry"
    ),
    "STAGE_PROOF_SECRET": _Variable(
        summary="ARN of the secret that the API's stage shows on the route of signed requests"
    ),
    "POLICY_REFRESH_SECONDS": _Variable(
        summary="an activated policy is in force everywhere after this long", read=_positive
    ),
    "POLICY_MAX_AGE_SECONDS": _Variable(
        summary="how long the last known good policy stands while the bucket does not answer",
        read=_positive,
    ),
    "KILL_SWITCH_REFRESH_SECONDS": _Variable(
        summary="what the kill switch says holds everywhere after this long", read=_positive
    ),
    "KILL_SWITCH_MAX_AGE_SECONDS": _Variable(
        summary="how long its last word holds while the bucket does not answer; then nothing is "
        "forwarded",
        read=_positive,
    ),
    "SESSION_CAP": _Variable(
        summary="sets of session counters one principal can have on one server", read=_positive
    ),
    "SESSION_TTL_SECONDS": _Variable(summary="life of a session id", read=_positive),
    "ALLOWED_ORIGINS": _Variable(
        summary="browser origins that may call; none by default", read=_names, empty=True
    ),
    "ALLOWED_HOSTS": _Variable(
        summary="values of Host that are served; empty: API Gateway routes by host",
        read=_names,
        empty=True,
    ),
    "ALLOW_LOOPBACK_UPSTREAMS": _Variable(
        summary="whether an upstream url may be http on the loopback address", read=_flag
    ),
    "UPSTREAM_FUNCTION_ARNS": _Variable(
        summary="functions that a registration may name", read=_names, empty=True
    ),
    "UPSTREAM_SECRET_ARNS": _Variable(
        summary="secrets that a registration may name", read=_names, empty=True
    ),
    "UPSTREAM_ACCESS_POLICY": _Variable(
        summary="ARN of the policy that lets calls be signed; empty: none is signed", empty=True
    ),
    "UPSTREAM_TIMEOUT_SECONDS": _Variable(summary="bound on one upstream call", read=_positive),
    "STORE_TIMEOUT_SECONDS": _Variable(
        summary="bound on one answer of DynamoDB, S3, KMS, Secrets Manager or Step Functions",
        read=_positive,
    ),
    "STATE_MACHINE": _Variable(summary="ARN of the workflow that waits for approvals"),
    "APPROVAL_KEY_ID": _Variable(
        summary="ARN of the KMS key that seals arguments and results of calls that wait"
    ),
    "APPROVAL_RETENTION_SECONDS": _Variable(
        summary="how long a request for approval is kept after its deadline", read=_positive
    ),
    "APPROVAL_CAP": _Variable(
        summary="requests for approval one principal can have open at a time", read=_positive
    ),
    "APPROVAL_COOLDOWN_SECONDS": _Variable(
        summary="the same call is answered by the same denial for this long", read=_positive
    ),
    "APPROVAL_HOLD_SECONDS": _Variable(
        summary="how long a call is held for a decision or a result that is on its way",
        read=_positive,
    ),
    "PUBLIC_URL": _Variable(
        summary="URL the API is reached by; empty: what API Gateway says of itself",
        read=_base_url,
        empty=True,
    ),
    "JWT_ISSUER": _Variable(
        summary="issuer of agents' access tokens; none where identity has no jwt",
        read=_url,
        empty=True,
    ),
    "JWT_AUDIENCE": _Variable(
        summary="audiences that are for every server; none: the API's own URLs",
        read=_names,
        empty=True,
    ),
    "JWT_SCOPE_PREFIX": _Variable(
        summary="before a server's name, the scope that opens it; none: no scope is asked for",
        empty=True,
    ),
    "JWT_GROUPS_CLAIM": _Variable(summary="claim of an access token that lists groups", empty=True),
    "JWT_PERSON_CLAIM": _Variable(
        summary="claim that names the human being; `email` counts only where it was verified",
        empty=True,
    ),
    "JWT_TAGS_CLAIM": _Variable(
        summary="claim that is an object of tags, besides those of AWS", empty=True
    ),
    "JWT_CLAIMS": _Variable(summary="claims that conditions can name", read=_names, empty=True),
    "JWT_STANDING_SECONDS": _Variable(
        summary="how long after a token expired an approved call of its holder may be made",
        read=_positive,
    ),
    "LEGACY_URL_ELICITATION": _Variable(
        summary="whether clients of 2025-11-25 that open URLs get error -32042, not a text",
        read=_flag,
    ),
    "ACTIVATOR": _Variable(summary="name of the function that puts policies in force"),
    "POLICY_APPROVERS": _Variable(
        summary="who may approve an uploaded policy; empty: none has to be approved",
        read=_names,
        empty=True,
    ),
    "POLICY_APPROVALS_NEEDED": _Variable(
        summary="how many different people have to approve a policy", read=_positive
    ),
    "POLICY_APPROVAL_SECONDS": _Variable(
        summary="how long a policy waits for them", read=_positive
    ),
    "CONSOLE_KEY_SECRET": _Variable(summary="ARN of the secret that seals approvers' sign-ins"),
    "CONSOLE_SESSION_SECONDS": _Variable(summary="life of a sign-in", read=_positive),
    "DEAD_LETTERS": _Variable(summary="URL of the queue of uploads that were not looked at"),
    "OIDC_ISSUER": _Variable(
        summary="OpenID Connect issuer that people sign in with; none by default",
        read=_url,
        empty=True,
    ),
    "OIDC_CLIENT_ID": _Variable(summary="the console's client id there", empty=True),
    "OIDC_CLIENT_SECRET": _Variable(
        summary="ARN of the secret with the client's secret; empty: a public client", empty=True
    ),
    "POLICY_SIGNING_KEY": _Variable(
        summary="ARN of the KMS key that policies are signed with; empty: none has to be signed",
        empty=True,
    ),
    "POLICY_SIGNING_ALGORITHM": _Variable(summary="the signing algorithm of that key"),
    "OPERATOR_TOPIC": _Variable(summary="ARN of the topic that tells who runs the gate"),
    "OIDC_GROUPS_CLAIM": _Variable(
        summary="claim of the ID token that lists a person's groups", empty=True
    ),
}


def _from(name: str) -> Any:
    known = _VARIABLES[name]
    return field(
        metadata={
            "variable": f"PORTCULLIS_{name}",
            "read": known.read,
            "summary": known.summary,
            "empty": known.empty,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What the gateway function reads."""

    stack: str = _from("STACK")
    bucket: str = _from("BUCKET")
    table: str = _from("TABLE")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")
    identity: frozenset[str] = _from("IDENTITY")
    servers: Mapping[str, str] = _from("SERVERS")
    session_key_secret: str = _from("SESSION_KEY_SECRET")
    stage_proof_secret: str = _from("STAGE_PROOF_SECRET")
    policy_refresh_seconds: int = _from("POLICY_REFRESH_SECONDS")
    policy_max_age_seconds: int = _from("POLICY_MAX_AGE_SECONDS")
    kill_switch_refresh_seconds: int = _from("KILL_SWITCH_REFRESH_SECONDS")
    kill_switch_max_age_seconds: int = _from("KILL_SWITCH_MAX_AGE_SECONDS")
    session_cap: int = _from("SESSION_CAP")
    session_ttl_seconds: int = _from("SESSION_TTL_SECONDS")
    allowed_origins: tuple[str, ...] = _from("ALLOWED_ORIGINS")
    allowed_hosts: tuple[str, ...] = _from("ALLOWED_HOSTS")
    allow_loopback_upstreams: bool = _from("ALLOW_LOOPBACK_UPSTREAMS")
    upstream_function_arns: tuple[str, ...] = _from("UPSTREAM_FUNCTION_ARNS")
    upstream_secret_arns: tuple[str, ...] = _from("UPSTREAM_SECRET_ARNS")
    upstream_access_policy: str = _from("UPSTREAM_ACCESS_POLICY")
    upstream_timeout_seconds: int = _from("UPSTREAM_TIMEOUT_SECONDS")
    state_machine: str = _from("STATE_MACHINE")
    approval_key_id: str = _from("APPROVAL_KEY_ID")
    approval_retention_seconds: int = _from("APPROVAL_RETENTION_SECONDS")
    approval_cap: int = _from("APPROVAL_CAP")
    approval_cooldown_seconds: int = _from("APPROVAL_COOLDOWN_SECONDS")
    approval_hold_seconds: int = _from("APPROVAL_HOLD_SECONDS")
    public_url: str = _from("PUBLIC_URL")
    legacy_url_elicitation: bool = _from("LEGACY_URL_ELICITATION")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """What the executor function reads."""

    stack: str = _from("STACK")
    bucket: str = _from("BUCKET")
    table: str = _from("TABLE")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")
    identity: frozenset[str] = _from("IDENTITY")
    servers: Mapping[str, str] = _from("SERVERS")
    policy_refresh_seconds: int = _from("POLICY_REFRESH_SECONDS")
    policy_max_age_seconds: int = _from("POLICY_MAX_AGE_SECONDS")
    kill_switch_refresh_seconds: int = _from("KILL_SWITCH_REFRESH_SECONDS")
    kill_switch_max_age_seconds: int = _from("KILL_SWITCH_MAX_AGE_SECONDS")
    allow_loopback_upstreams: bool = _from("ALLOW_LOOPBACK_UPSTREAMS")
    upstream_function_arns: tuple[str, ...] = _from("UPSTREAM_FUNCTION_ARNS")
    upstream_secret_arns: tuple[str, ...] = _from("UPSTREAM_SECRET_ARNS")
    upstream_access_policy: str = _from("UPSTREAM_ACCESS_POLICY")
    upstream_timeout_seconds: int = _from("UPSTREAM_TIMEOUT_SECONDS")
    approval_key_id: str = _from("APPROVAL_KEY_ID")
    approval_retention_seconds: int = _from("APPROVAL_RETENTION_SECONDS")
    jwt_issuer: str = _from("JWT_ISSUER")
    jwt_standing_seconds: int = _from("JWT_STANDING_SECONDS")
    activator: str = _from("ACTIVATOR")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """What the console function reads."""

    stack: str = _from("STACK")
    table: str = _from("TABLE")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")
    approval_key_id: str = _from("APPROVAL_KEY_ID")
    approval_retention_seconds: int = _from("APPROVAL_RETENTION_SECONDS")
    console_key_secret: str = _from("CONSOLE_KEY_SECRET")
    public_url: str = _from("PUBLIC_URL")
    allowed_hosts: tuple[str, ...] = _from("ALLOWED_HOSTS")
    console_session_seconds: int = _from("CONSOLE_SESSION_SECONDS")
    oidc_issuer: str = _from("OIDC_ISSUER")
    oidc_client_id: str = _from("OIDC_CLIENT_ID")
    oidc_client_secret: str = _from("OIDC_CLIENT_SECRET")
    oidc_groups_claim: str = _from("OIDC_GROUPS_CLAIM")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerSettings:
    """What the authorizer function reads."""

    table: str = _from("TABLE")
    session_key_secret: str = _from("SESSION_KEY_SECRET")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")
    identity: frozenset[str] = _from("IDENTITY")
    public_url: str = _from("PUBLIC_URL")
    jwt_issuer: str = _from("JWT_ISSUER")
    jwt_audience: tuple[str, ...] = _from("JWT_AUDIENCE")
    jwt_scope_prefix: str = _from("JWT_SCOPE_PREFIX")
    jwt_groups_claim: str = _from("JWT_GROUPS_CLAIM")
    jwt_person_claim: str = _from("JWT_PERSON_CLAIM")
    jwt_tags_claim: str = _from("JWT_TAGS_CLAIM")
    jwt_claims: tuple[str, ...] = _from("JWT_CLAIMS")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSettings:
    """What the function of OAuth's metadata reads."""

    identity: frozenset[str] = _from("IDENTITY")
    public_url: str = _from("PUBLIC_URL")
    allowed_origins: tuple[str, ...] = _from("ALLOWED_ORIGINS")
    jwt_issuer: str = _from("JWT_ISSUER")
    jwt_scope_prefix: str = _from("JWT_SCOPE_PREFIX")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatorSettings:
    """What the activator function reads."""

    bucket: str = _from("BUCKET")
    servers: Mapping[str, str] = _from("SERVERS")
    allow_loopback_upstreams: bool = _from("ALLOW_LOOPBACK_UPSTREAMS")
    upstream_function_arns: tuple[str, ...] = _from("UPSTREAM_FUNCTION_ARNS")
    upstream_secret_arns: tuple[str, ...] = _from("UPSTREAM_SECRET_ARNS")
    upstream_access_policy: str = _from("UPSTREAM_ACCESS_POLICY")
    upstream_timeout_seconds: int = _from("UPSTREAM_TIMEOUT_SECONDS")
    table: str = _from("TABLE")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")
    state_machine: str = _from("STATE_MACHINE")
    approval_key_id: str = _from("APPROVAL_KEY_ID")
    approval_retention_seconds: int = _from("APPROVAL_RETENTION_SECONDS")
    public_url: str = _from("PUBLIC_URL")
    policy_approvers: tuple[str, ...] = _from("POLICY_APPROVERS")
    policy_approvals_needed: int = _from("POLICY_APPROVALS_NEEDED")
    policy_approval_seconds: int = _from("POLICY_APPROVAL_SECONDS")
    operator_topic: str = _from("OPERATOR_TOPIC")
    policy_signing_key: str = _from("POLICY_SIGNING_KEY")
    policy_signing_algorithm: str = _from("POLICY_SIGNING_ALGORITHM")


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSettings:
    """What the monitor function reads."""

    stack: str = _from("STACK")
    bucket: str = _from("BUCKET")
    table: str = _from("TABLE")
    dead_letters: str = _from("DEAD_LETTERS")
    store_timeout_seconds: int = _from("STORE_TIMEOUT_SECONDS")


def read_settings(cls: type[S], environment: Mapping[str, str]) -> S:
    """Read every field of a settings class.

    Raises:
        SettingsError: names all variables that are missing or unusable, without their values.
    """
    values: dict[str, object] = {}
    wrong: list[str] = []
    for one in fields(cls):  # type: ignore[arg-type]  # S is always one of the classes above
        try:
            values[one.name] = _value(one, environment)
        except (KeyError, ValueError, TypeError, AttributeError):
            wrong.append(str(one.metadata["variable"]))
    if wrong:
        raise SettingsError("missing or unusable: " + ", ".join(wrong))
    return cls(**values)


def _value(one: Field[Any], environment: Mapping[str, str]) -> object:
    text = environment[one.metadata["variable"]]
    if not text and not one.metadata["empty"]:
        raise ValueError
    value: object = one.metadata["read"](text)
    return value
