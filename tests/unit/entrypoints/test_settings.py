"""Settings: everything is required, and a faulty environment is told of as a whole."""

from dataclasses import fields
from typing import Any

import pytest

from portcullis.entrypoints.settings import (
    ActivatorSettings,
    AuthorizerSettings,
    ConsoleSettings,
    ExecutorSettings,
    GatewaySettings,
    MetadataSettings,
    read_settings,
)
from portcullis.errors import SettingsError

GOOD = {
    "PORTCULLIS_STACK": "s",
    "PORTCULLIS_BUCKET": "b",
    "PORTCULLIS_BUCKET_OWNER": "123456789012",
    "PORTCULLIS_TABLE": "t",
    "PORTCULLIS_STORE_TIMEOUT_SECONDS": "2",
    "PORTCULLIS_IDENTITY": "grants,jwt",
    "PORTCULLIS_SERVERS": '{"mq": "f"}',
    "PORTCULLIS_SESSION_KEY_SECRET": "arn",
    "PORTCULLIS_STAGE_PROOF_SECRET": "arn",
    "PORTCULLIS_POLICY_REFRESH_SECONDS": "30",
    "PORTCULLIS_POLICY_MAX_AGE_SECONDS": "3600",
    "PORTCULLIS_KILL_SWITCH_REFRESH_SECONDS": "5",
    "PORTCULLIS_KILL_SWITCH_MAX_AGE_SECONDS": "60",
    "PORTCULLIS_SESSION_CAP": "5",
    "PORTCULLIS_SESSION_TTL_SECONDS": "28800",
    "PORTCULLIS_ALLOWED_ORIGINS": "",
    "PORTCULLIS_ALLOWED_HOSTS": "127.0.0.1:1, localhost:1",
    "PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS": "false",
    "PORTCULLIS_UPSTREAM_FUNCTION_ARNS": "a,b",
    "PORTCULLIS_UPSTREAM_SECRET_ARNS": "",
    "PORTCULLIS_UPSTREAM_ACCESS_POLICY": "",
    "PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS": "25",
    "PORTCULLIS_STATE_MACHINE": "arn",
    "PORTCULLIS_APPROVAL_KEY_ID": "arn",
    "PORTCULLIS_APPROVAL_RETENTION_SECONDS": "86400",
    "PORTCULLIS_RECORDING_KEY_ID": "",
    "PORTCULLIS_APPROVAL_CAP": "20",
    "PORTCULLIS_APPROVAL_COOLDOWN_SECONDS": "300",
    "PORTCULLIS_APPROVAL_HOLD_SECONDS": "20",
    "PORTCULLIS_PUBLIC_URL": "https://gate.example/prod/",
    "PORTCULLIS_LEGACY_URL_ELICITATION": "false",
}
AGENTS = {
    **GOOD,
    "PORTCULLIS_JWT_ISSUER": "https://id.example",
    "PORTCULLIS_JWT_AUDIENCE": "a, b",
    "PORTCULLIS_JWT_SCOPE_PREFIX": "mcp:",
    "PORTCULLIS_JWT_GROUPS_CLAIM": "groups",
    "PORTCULLIS_JWT_PERSON_CLAIM": "email",
    "PORTCULLIS_JWT_TAGS_CLAIM": "",
    "PORTCULLIS_JWT_CLAIMS": "",
    "PORTCULLIS_JWT_STANDING_SECONDS": "86400",
}
ACTIVATOR = {
    **GOOD,
    "PORTCULLIS_OPERATOR_TOPIC": "arn",
    "PORTCULLIS_POLICY_SIGNING_KEY": "",
    "PORTCULLIS_POLICY_SIGNING_ALGORITHM": "ECDSA_SHA_256",
    "PORTCULLIS_POLICY_APPROVERS": "group:platform, carol",
    "PORTCULLIS_POLICY_APPROVALS_NEEDED": "2",
    "PORTCULLIS_POLICY_APPROVAL_SECONDS": "259200",
}
CONSOLE = {
    **GOOD,
    "PORTCULLIS_CONSOLE_KEY_SECRET": "arn",
    "PORTCULLIS_CONSOLE_SESSION_SECONDS": "3600",
    "PORTCULLIS_OIDC_ISSUER": "",
    "PORTCULLIS_OIDC_CLIENT_ID": "",
    "PORTCULLIS_OIDC_CLIENT_SECRET": "",
    "PORTCULLIS_OIDC_GROUPS_CLAIM": "groups",
}


def test_a_complete_environment_is_read() -> None:
    settings = read_settings(GatewaySettings, GOOD)
    assert settings.servers == {"mq": "f"}
    assert settings.upstream_function_arns == ("a", "b")
    assert (settings.upstream_secret_arns, settings.upstream_access_policy) == ((), "")
    assert settings.allowed_origins == ()
    assert settings.allowed_hosts == ("127.0.0.1:1", "localhost:1")
    assert settings.allow_loopback_upstreams is False
    assert read_settings(AuthorizerSettings, AGENTS).table == "t"
    assert settings.identity == {"grants", "jwt"}
    assert read_settings(AuthorizerSettings, AGENTS).jwt_audience == ("a", "b")
    assert read_settings(MetadataSettings, AGENTS).jwt_issuer == "https://id.example"
    activator = read_settings(ActivatorSettings, ACTIVATOR)
    assert activator.policy_approvers == ("group:platform", "carol")
    assert settings.public_url == "https://gate.example/prod"
    executor = read_settings(ExecutorSettings, {**AGENTS, "PORTCULLIS_ACTIVATOR": "f"})
    assert executor.servers == settings.servers
    assert read_settings(ConsoleSettings, CONSOLE).oidc_issuer == ""


@pytest.mark.parametrize("url", ["", "https://x.example", "http://127.0.0.1:8080"])
def test_a_public_url_may_be_left_out(url: str) -> None:
    assert read_settings(GatewaySettings, {**GOOD, "PORTCULLIS_PUBLIC_URL": url}).public_url == url


def test_a_variable_means_the_same_to_every_function() -> None:
    classes = (
        ActivatorSettings, AuthorizerSettings, ConsoleSettings, ExecutorSettings, GatewaySettings,
    )  # fmt: skip
    known: dict[str, object] = {}
    for one in (one for cls in classes for one in fields(cls)):
        assert known.setdefault(one.metadata["variable"], one.metadata) == one.metadata


@pytest.mark.parametrize("variable", GOOD, ids=lambda v: f"P18-{v}")
def test_a_missing_variable_stops_the_function(variable: str) -> None:
    environment = {name: value for name, value in GOOD.items() if name != variable}
    with pytest.raises(SettingsError, match=f"^missing or unusable: {variable}$"):
        read_settings(GatewaySettings, environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORTCULLIS_BUCKET", ""),
        ("PORTCULLIS_IDENTITY", ""),
        ("PORTCULLIS_IDENTITY", "grants,"),
        ("PORTCULLIS_IDENTITY", "jwt,jwt"),
        ("PORTCULLIS_IDENTITY", "anybody"),
        ("PORTCULLIS_PUBLIC_URL", "gate.example"),
        ("PORTCULLIS_PUBLIC_URL", "ftp://gate.example"),
        ("PORTCULLIS_PUBLIC_URL", "https://"),
        ("PORTCULLIS_PUBLIC_URL", "https://user@gate.example"),
        ("PORTCULLIS_PUBLIC_URL", "https://gate.example/?a=b"),
        ("PORTCULLIS_PUBLIC_URL", "https://gate.example/#a"),
        ("PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS", "yes"),
        ("PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS", "True"),
        ("PORTCULLIS_SESSION_CAP", "0"),
        ("PORTCULLIS_SESSION_CAP", "-1"),
        ("PORTCULLIS_SESSION_CAP", "٣"),
        ("PORTCULLIS_SERVERS", "{"),
        ("PORTCULLIS_SERVERS", "[]"),
        ("PORTCULLIS_SERVERS", '{"a": ""}'),
        ("PORTCULLIS_SERVERS", '{"a": 1}'),
        ("PORTCULLIS_SERVERS", '{"a": {"lambda": "f"}}'),
        ("PORTCULLIS_SERVERS", '{"A b": "f"}'),
        ("PORTCULLIS_SERVERS", '{"a#b": "f"}'),
    ],
)
def test_P18_an_unusable_value_stops_the_function(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read_settings(GatewaySettings, {**GOOD, variable: value})


def test_all_faults_are_told_at_once_without_values() -> None:
    environment: dict[str, Any] = {**GOOD, "PORTCULLIS_SESSION_CAP": "secret-looking"}
    del environment["PORTCULLIS_TABLE"]
    with pytest.raises(SettingsError) as caught:
        read_settings(GatewaySettings, environment)
    assert str(caught.value) == "missing or unusable: PORTCULLIS_TABLE, PORTCULLIS_SESSION_CAP"
