"""The only reader of the environment: one frozen settings value a function.

A missing, empty or unusable variable stops the function at init: there is no setting whose
absence opens anything. A variable means the same to every function that reads it.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from portcullis.entrypoints.variables import VARIABLES
from portcullis.errors import SettingsError

S = TypeVar("S")


def _from(name: str) -> Any:
    known = VARIABLES[name]
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
    bucket_owner: str = _from("BUCKET_OWNER")
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
    recording_key_id: str = _from("RECORDING_KEY_ID")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """What the executor function reads."""

    stack: str = _from("STACK")
    bucket: str = _from("BUCKET")
    bucket_owner: str = _from("BUCKET_OWNER")
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
    bucket_owner: str = _from("BUCKET_OWNER")
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
    bucket_owner: str = _from("BUCKET_OWNER")
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
