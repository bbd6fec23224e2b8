"""What was in force before: a short history beside the status, the newest first.

The whole history are the versions of the active object in the bucket; this is the part that
people look at. Only the order of activations may live here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from portcullis.activation.release import InForce
from portcullis.values import JsonObject, JsonValue

MAXIMUM = 20
_MEMBERS = ("revision", "source_version", "activated_at")


def history_of(told: JsonObject | None) -> list[JsonObject]:
    """The history in a status object; what is not as we write it is left out."""
    entries = (told or {}).get("history")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and all(isinstance(entry.get(one), str) for one in _MEMBERS)
    ][:MAXIMUM]


def with_activation(history: Sequence[JsonObject], active: InForce | None) -> list[JsonObject]:
    """The history with what is in force at its head, once however often it is told."""
    if active is None or not active.is_readable:
        return list(history)
    if history and history[0]["source_version"] == active.source_version:
        return list(history)
    entry: JsonObject = {
        "revision": active.revision,
        "source_version": active.source_version,
        "activated_at": iso(active.activated_at),
    }
    return [entry, *history][:MAXIMUM]


def is_earlier(history: Sequence[JsonObject], revision: JsonValue) -> bool:
    """Whether a revision was in force before another one was: it was gone back to."""
    revisions = [entry["revision"] for entry in history]
    others = [index for index, one in enumerate(revisions) if one != revision]
    return bool(others) and revision in revisions[others[0] :]


def iso(seconds: int) -> str:
    """A moment as text, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
