"""The only reader of the environment: one frozen settings value a function.

A missing, empty or unusable variable stops the function at init: there is no setting whose
absence opens anything.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from portcullis.errors import SettingsError

S = TypeVar("S")


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


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where one upstream lives: a Lambda function, or a URL with its own credential."""

    function: str | None = None
    url: str | None = None
    secret: str | None = None
    header: str = "authorization"


# A server's name stands in its URL, in the keys of its objects and in those of its counters.
SERVER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SERVER_KEYS = {"lambda": "function", "url": "url", "secret": "secret", "header": "header"}


def _servers(value: str) -> Mapping[str, ServerSettings]:
    """One map of servers, or a list of them (the template's own and ExtraServers)."""
    tree = json.loads(value)
    entries = [pair for one in (tree if isinstance(tree, list) else [tree]) for pair in one.items()]
    servers = {str(name): _server(entry) for name, entry in entries}
    if not servers or len(servers) != len(entries):
        raise ValueError  # a server cannot take another one's name
    if not all(SERVER_NAME.fullmatch(name) for name in servers):
        raise ValueError
    return servers


def _server(entry: Mapping[str, Any]) -> ServerSettings:
    if not entry or not set(entry) <= set(_SERVER_KEYS) or ("lambda" in entry) == ("url" in entry):
        raise ValueError
    if not all(isinstance(text, str) and text for text in entry.values()):
        raise TypeError
    return ServerSettings(**{_SERVER_KEYS[key]: text for key, text in entry.items()})


def _from(
    variable: str, read: Callable[[str], Any] = _text, *, summary: str, empty: bool = False
) -> Any:
    return field(metadata={"variable": variable, "read": read, "summary": summary, "empty": empty})


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What the gateway function reads."""

    bucket: str = _from("PORTCULLIS_BUCKET", summary="bucket of policies and snapshots")
    table: str = _from("PORTCULLIS_TABLE", summary="table of grants, counters and sessions")
    servers: Mapping[str, ServerSettings] = _from(
        "PORTCULLIS_SERVERS",
        _servers,
        summary='JSON: server name to {"lambda": function} or {"url", "secret", "header"}',
    )
    session_key_secret: str = _from(
        "PORTCULLIS_SESSION_KEY_SECRET", summary="ARN of the secret that seals session ids"
    )
    policy_refresh_seconds: int = _from(
        "PORTCULLIS_POLICY_REFRESH_SECONDS",
        _positive,
        summary="an activated policy is in force everywhere after this long",
    )
    policy_max_age_seconds: int = _from(
        "PORTCULLIS_POLICY_MAX_AGE_SECONDS",
        _positive,
        summary="how long the last known good policy stands while the bucket does not answer",
    )
    session_cap: int = _from(
        "PORTCULLIS_SESSION_CAP",
        _positive,
        summary="sets of session counters one principal can have on one server",
    )
    session_ttl_seconds: int = _from(
        "PORTCULLIS_SESSION_TTL_SECONDS", _positive, summary="life of a session id"
    )
    allowed_origins: tuple[str, ...] = _from(
        "PORTCULLIS_ALLOWED_ORIGINS",
        _names,
        summary="browser origins that may call; none by default",
        empty=True,
    )
    allowed_hosts: tuple[str, ...] = _from(
        "PORTCULLIS_ALLOWED_HOSTS",
        _names,
        summary="values of Host that are served; empty: API Gateway routes by host",
        empty=True,
    )
    allow_loopback_upstreams: bool = _from(
        "PORTCULLIS_ALLOW_LOOPBACK_UPSTREAMS",
        _flag,
        summary="whether an upstream url may be http on the loopback address",
    )
    upstream_timeout_seconds: int = _from(
        "PORTCULLIS_UPSTREAM_TIMEOUT_SECONDS", _positive, summary="bound on one upstream call"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerSettings:
    """What the authorizer function reads."""

    table: str = _from("PORTCULLIS_TABLE", summary="table of grants")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatorSettings:
    """What the activator function reads."""

    bucket: str = _from("PORTCULLIS_BUCKET", summary="bucket of policies and snapshots")


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
