"""Honest capabilities: what a buffered gateway cannot carry is declared to neither side.

Upwards, a legacy client's sampling, elicitation and roots (their requests would wait on an
open reply) and tasks; downwards, change notifications, resource subscriptions and tasks.
Everything else passes, known or not. Tasks are the gateway's own, for calls that wait for a
person: what a client declares of them is for the gateway, and a server's never pass.
"""

from collections.abc import Collection
from typing import Final

from portcullis.protocol.cache_hints import privatise
from portcullis.protocol.known_keys import CLIENT_CAPABILITIES_KEY
from portcullis.protocol.messages import Request
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.versions import ALL_VERSIONS, LEGACY_VERSIONS, Era
from portcullis.values import JsonMapping, JsonObject, JsonValue

TASKS_EXTENSION: Final = "io.modelcontextprotocol/tasks"


_NOT_FORWARDED: Final = frozenset(("sampling", "elicitation", "roots", "tasks"))
_WITHHELD: Final = frozenset(("listChanged", "subscribe"))


def forwarded_params(request: Request, params: JsonObject) -> JsonObject:
    """Answer params whose declared client capabilities are those the gateway can carry.

    An `initialize` asks for the revision the gateway negotiates, not for one it does not
    serve (2025-11-25 basic/lifecycle, Version Negotiation).
    """
    if request.era is Era.MODERN:
        return _modern_params(params)
    if request.method.kind is not MethodKind.HANDSHAKE:
        return params
    declared = params.get("capabilities")
    kept = _without(declared, _NOT_FORWARDED) if isinstance(declared, dict) else {}
    return {
        **params,
        "protocolVersion": request.version,
        "capabilities": _without_tasks_extension(kept),
    }


def accepts_tasks(declared: JsonMapping) -> bool:
    """Tell whether client capabilities hold the tasks extension (ext-tasks, Capabilities)."""
    extensions = declared.get("extensions")
    return isinstance(extensions, dict) and isinstance(extensions.get(TASKS_EXTENSION), dict)


def initialize_result(result: JsonObject) -> JsonObject | None:
    """Answer the InitializeResult a client gets; None when its revision is not served."""
    if negotiated_version(result) is None:
        return None
    return {**result, "capabilities": _offered(result.get("capabilities"))}


def negotiated_version(result: JsonObject) -> str | None:
    """Answer the revision an InitializeResult settles on, None when it is not served."""
    version = result.get("protocolVersion")
    return version if isinstance(version, str) and version in LEGACY_VERSIONS else None


def discover_result(
    result: JsonObject, *, max_ttl_ms: int, served: Collection[str] = ALL_VERSIONS
) -> JsonObject | None:
    """Answer the discover result a client gets; None when no revision is in common.

    It offers the tasks of the gateway, whatever the server offers, and of its revisions those
    that are `served`.
    """
    versions = result.get("supportedVersions")
    if not isinstance(versions, list):
        return None
    common: list[JsonValue] = [version for version in versions if version in served]
    if not common:
        return None
    kept = {
        **result,
        "supportedVersions": common,
        "capabilities": _with_tasks(_offered(result.get("capabilities"))),
    }
    return privatise(kept, max_ttl_ms=max_ttl_ms)


def _modern_params(params: JsonObject) -> JsonObject:
    meta = params.get("_meta")
    declared = meta.get(CLIENT_CAPABILITIES_KEY) if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(declared, dict):
        return params
    kept = _without_tasks_extension(declared)
    return (
        params if kept is declared else {**params, "_meta": {**meta, CLIENT_CAPABILITIES_KEY: kept}}
    )


def _offered(capabilities: JsonValue) -> JsonObject:
    """Drop what needs a stream from the server: flags inside each capability, and tasks."""
    if not isinstance(capabilities, dict):
        return {}
    kept: JsonObject = {
        name: _without(value, _WITHHELD) if isinstance(value, dict) else value
        for name, value in capabilities.items()
        if name != "tasks"
    }
    return _without_tasks_extension(kept)


def _with_tasks(capabilities: JsonObject) -> JsonObject:
    extensions = capabilities.get("extensions")
    others = extensions if isinstance(extensions, dict) else {}
    return {**capabilities, "extensions": {**others, TASKS_EXTENSION: {}}}


def _without_tasks_extension(capabilities: JsonObject) -> JsonObject:
    """Answer the same object where there is nothing to leave out."""
    extensions = capabilities.get("extensions")
    if not isinstance(extensions, dict) or TASKS_EXTENSION not in extensions:
        return capabilities
    return {**capabilities, "extensions": _without(extensions, frozenset((TASKS_EXTENSION,)))}


def _without(members: JsonObject, names: frozenset[str]) -> JsonObject:
    return {name: value for name, value in members.items() if name not in names}
