"""Settings: everything is required, and a faulty environment is told of as a whole."""

from typing import Any

import pytest

from portcullis.entrypoints.settings import (
    ActivatorSettings,
    AuthorizerSettings,
    GatewaySettings,
    ServerSettings,
    read_settings,
)
from portcullis.errors import SettingsError

GOOD = {
    "PORTCULLIS_BUCKET": "b",
    "PORTCULLIS_TABLE": "t",
    "PORTCULLIS_SERVERS": '{"mq": {"lambda": "f"}, "x": {"url": "https://x", "secret": "arn"}}',
    "PORTCULLIS_SESSION_KEY_SECRET": "arn",
    "PORTCULLIS_POLICY_REFRESH_SECONDS": "30",
    "PORTCULLIS_POLICY_MAX_AGE_SECONDS": "3600",
    "PORTCULLIS_SESSION_CAP": "5",
    "PORTCULLIS_SESSION_TTL_SECONDS": "28800",
    "PORTCULLIS_ALLOWED_ORIGINS": "",
    "PORTCULLIS_ALLOWED_HOSTS": "127.0.0.1:1, localhost:1",
    "PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS": "false",
    "PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS": "25",
}


def test_a_complete_environment_is_read() -> None:
    settings = read_settings(GatewaySettings, GOOD)
    assert settings.servers == {
        "mq": ServerSettings(function="f"),
        "x": ServerSettings(url="https://x", secret="arn"),
    }
    assert settings.allowed_origins == ()
    assert settings.allowed_hosts == ("127.0.0.1:1", "localhost:1")
    assert settings.allow_loopback_upstreams is False
    assert read_settings(AuthorizerSettings, GOOD).table == "t"
    assert read_settings(ActivatorSettings, GOOD).bucket == "b"


@pytest.mark.parametrize("variable", GOOD, ids=lambda v: f"P18-{v}")
def test_a_missing_variable_stops_the_function(variable: str) -> None:
    environment = {name: value for name, value in GOOD.items() if name != variable}
    with pytest.raises(SettingsError, match=f"^missing or unusable: {variable}$"):
        read_settings(GatewaySettings, environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORTCULLIS_BUCKET", ""),
        ("PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS", "yes"),
        ("PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS", "True"),
        ("PORTCULLIS_SESSION_CAP", "0"),
        ("PORTCULLIS_SESSION_CAP", "-1"),
        ("PORTCULLIS_SESSION_CAP", "٣"),
        ("PORTCULLIS_SERVERS", "{"),
        ("PORTCULLIS_SERVERS", "[]"),
        ("PORTCULLIS_SERVERS", '{"a": {}}'),
        ("PORTCULLIS_SERVERS", '{"a": {"lambda": "f", "url": "https://x"}}'),
        ("PORTCULLIS_SERVERS", '{"a": {"lambda": "f", "lamda": "g"}}'),
        ("PORTCULLIS_SERVERS", '{"a": {"lambda": 1}}'),
        ("PORTCULLIS_SERVERS", '{"a": "f"}'),
        ("PORTCULLIS_SERVERS", '{"A b": {"lambda": "f"}}'),
        ("PORTCULLIS_SERVERS", '{"a#b": {"lambda": "f"}}'),
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
