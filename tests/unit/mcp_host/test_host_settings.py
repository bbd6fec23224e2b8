"""What a host makes of its environment."""

import pytest

from mcp_host.settings import (
    AmazonMqSettings,
    HostSettingsError,
    read_amazon_mq_settings,
    read_iam_settings,
)

LEAST = {"MCP_HOST_STATE_TABLE": "table", "MCP_HOST_KEY_ID": "key", "AWS_REGION": "eu-west-1"}


def test_absent_switches_have_their_careful_value() -> None:
    assert read_amazon_mq_settings(LEAST) == AmazonMqSettings(
        state_table="table",
        key_id="key",
        region="eu-west-1",
        allow_resource_creation=False,
        connection_ttl_seconds=3600,
    )
    assert read_iam_settings({}).read_only is True


def test_every_setting_is_read() -> None:
    environment = {
        **LEAST,
        "MCP_HOST_ALLOW_RESOURCE_CREATION": "true",
        "MCP_HOST_CONNECTION_TTL_SECONDS": "120",
        "AWS_REGION": "",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    settings = read_amazon_mq_settings(environment)

    assert settings.allow_resource_creation is True
    assert settings.connection_ttl_seconds == 120
    assert settings.region == "us-east-1"
    assert read_iam_settings({"MCP_HOST_IAM_READ_ONLY": "false"}).read_only is False


@pytest.mark.parametrize("missing", ["MCP_HOST_STATE_TABLE", "MCP_HOST_KEY_ID"])
def test_a_missing_setting_is_named(missing: str) -> None:
    with pytest.raises(HostSettingsError, match=f"`{missing}` is not set"):
        read_amazon_mq_settings({**LEAST, missing: ""})


@pytest.mark.parametrize("value", ["True", "1", "yes", " true"])
def test_a_switch_takes_two_words_only(value: str) -> None:
    with pytest.raises(HostSettingsError, match="must be `true` or `false`"):
        read_iam_settings({"MCP_HOST_IAM_READ_ONLY": value})


@pytest.mark.parametrize("value", ["59", "86401", "-1", "1e3", "9" * 5000, "²", "60.0"])
def test_a_lifetime_is_a_whole_number_of_seconds_within_a_day(value: str) -> None:
    with pytest.raises(HostSettingsError, match="`MCP_HOST_CONNECTION_TTL_SECONDS`"):
        read_amazon_mq_settings({**LEAST, "MCP_HOST_CONNECTION_TTL_SECONDS": value})
