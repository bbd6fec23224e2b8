"""What a host reads from its environment. Nothing else in the package reads a setting.

A switch that is absent has its careful value: no resource creation, read only. The
template sets every one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_CONNECTION_TTL_SECONDS = 3600
_MINIMUM_TTL_SECONDS = 60
_MAXIMUM_TTL_SECONDS = 86_400


class HostSettingsError(Exception):
    """The environment lacks a setting or holds an unusable one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonMqSettings:
    """Settings of the Amazon MQ host."""

    state_table: str
    key_id: str  # the KMS key that seals the broker logins in the state table
    region: str
    allow_resource_creation: bool
    connection_ttl_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IamSettings:
    """Settings of the IAM host."""

    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySettings:
    """Settings of the canary."""

    state_table: str


def read_canary_settings(environment: Mapping[str, str]) -> CanarySettings:
    """Read the settings of the canary.

    Raises:
        HostSettingsError: a setting is missing; the text names it.
    """
    return CanarySettings(state_table=_required(environment, "MCP_HOST_STATE_TABLE"))


def read_amazon_mq_settings(environment: Mapping[str, str]) -> AmazonMqSettings:
    """Read the settings of the Amazon MQ host.

    Raises:
        HostSettingsError: a setting is missing or unusable; the text names it.
    """
    return AmazonMqSettings(
        state_table=_required(environment, "MCP_HOST_STATE_TABLE"),
        key_id=_required(environment, "MCP_HOST_KEY_ID"),
        region=environment.get("AWS_REGION") or _required(environment, "AWS_DEFAULT_REGION"),
        allow_resource_creation=_switch(
            environment, "MCP_HOST_ALLOW_RESOURCE_CREATION", default=False
        ),
        connection_ttl_seconds=_ttl_seconds(environment),
    )


def read_iam_settings(environment: Mapping[str, str]) -> IamSettings:
    """Read the settings of the IAM host.

    Raises:
        HostSettingsError: a setting is unusable; the text names it.
    """
    return IamSettings(read_only=_switch(environment, "MCP_HOST_IAM_READ_ONLY", default=True))


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise HostSettingsError(f"`{name}` is not set")
    return value


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environment.get(name, "")
    if value not in {"", "true", "false"}:
        raise HostSettingsError(f"`{name}` must be `true` or `false`")
    return value == "true" if value else default


def _ttl_seconds(environment: Mapping[str, str]) -> int:
    name = "MCP_HOST_CONNECTION_TTL_SECONDS"
    value = environment.get(name) or str(DEFAULT_CONNECTION_TTL_SECONDS)
    if not (value.isascii() and value.isdigit() and len(value) <= 6):
        raise HostSettingsError(f"`{name}` must be a whole number of seconds")
    seconds = int(value)
    if not _MINIMUM_TTL_SECONDS <= seconds <= _MAXIMUM_TTL_SECONDS:
        raise HostSettingsError(
            f"`{name}` must lie between {_MINIMUM_TTL_SECONDS} and {_MAXIMUM_TTL_SECONDS}"
        )
    return seconds
