"""What operators are told of a policy that was put in force, or was not.

Plain text, and the same for machines: the server, versions and revisions, and how many faults
there were. No policy text, no message of a fault and no value: the status object has them, for
those who may read it.
"""

from typing import Protocol

from portcullis.activation.status import ACTIVE, REJECTED, WAITING
from portcullis.values import JsonObject, JsonValue

SOURCE = "portcullis"
DETAIL_TYPES = {
    ACTIVE: "Policy Activated",
    REJECTED: "Policy Rejected",
    WAITING: "Policy Waiting",
}
_HEADLINES = {
    ACTIVE: "A policy is in force.",
    REJECTED: "An uploaded policy was rejected. Nothing changed.",
    WAITING: "An uploaded policy waits to be released. Nothing changed yet.",
}


class Notices(Protocol):
    """Tells operators."""

    def tell(self, status: JsonObject) -> None:
        """Tell of a status that says something new. Never raises: what is in force, is."""
        ...


class NoNotices:
    """Tells nobody."""

    def tell(self, status: JsonObject) -> None:
        """Keep it to itself."""


def detail_type(status: JsonObject) -> str:
    """The kind of event."""
    return DETAIL_TYPES[str(status["state"])]


def detail(status: JsonObject) -> JsonObject:
    """The event."""
    return {
        "server": status["server"],
        "state": status["state"],
        "sourceVersion": status["source_version"],
        "revision": status["revision"],
        "faults": _count(status["faults"]),
        "warnings": _count(status["warnings"]),
        "inForce": _revision(status["in_force"]),
        "earlier": _is_earlier(status["in_force"]),
        "checkedAt": status["checked_at"],
    }


def subject(status: JsonObject) -> str:
    """The subject of a mail: at most 100 characters, for a server's name has at most 64."""
    return f"{detail_type(status)}: {status['server']}"


def text(status: JsonObject) -> str:
    """The message for people."""
    lines = [
        _HEADLINES[str(status["state"])],
        "",
        f"Server: {status['server']}",
        f"Upload: {status['source_version']}",
        f"In force: {_revision(status['in_force']) or 'nothing, so every call is denied'}",
    ]
    if _is_earlier(status["in_force"]):
        lines.append("It was in force before: somebody went back to it.")
    counts = {"Faults": _count(status["faults"]), "Warnings": _count(status["warnings"])}
    lines += [f"{name}: {count}" for name, count in counts.items() if count]
    lines += [f"At: {status['checked_at']}", "", f"Look at: status/{status['server']}.json"]
    return "\n".join(lines)


def _count(told: JsonValue) -> int:
    return len(told) if isinstance(told, list) else 0


def _revision(in_force: JsonValue) -> JsonValue:
    return in_force["revision"] if isinstance(in_force, dict) else None


def _is_earlier(in_force: JsonValue) -> bool:
    return isinstance(in_force, dict) and in_force["earlier"] is True
