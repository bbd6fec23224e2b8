"""The status object: what became of the newest upload, and what is in force.

Only its shape may live here. It holds no policy text and no argument value.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from portcullis.activation.release import InForce, Upload, Waiting
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault
from portcullis.values import JsonObject, JsonValue

ACTIVE = "active"
REJECTED = "rejected"
WAITING = "waiting"


def active(upload: Upload, loaded: Loaded) -> JsonObject:
    """The upload is in force."""
    return {
        **_of(upload, ACTIVE),
        "revision": loaded.policy.revision,
        "warnings": [_told(warning) for warning in loaded.warnings],
        "in_force": {"revision": loaded.policy.revision, "source_version": upload.version},
        "read": _read(loaded),
    }


def waiting(upload: Upload, loaded: Loaded, before: InForce | None, answer: Waiting) -> JsonObject:
    """The upload is sound, and somebody has to release it."""
    return {
        **_of(upload, WAITING),
        "revision": loaded.policy.revision,
        "warnings": [_told(warning) for warning in loaded.warnings],
        "in_force": _in_force(before),
        "read": _read(loaded),
        "waiting": {"text": answer.text, "approval": answer.approval, "url": answer.url},
    }


def rejected(upload: Upload, before: InForce | None, faults: Sequence[Fault]) -> JsonObject:
    """The upload changed nothing."""
    return {
        **_of(upload, REJECTED),
        "faults": [_told(fault) for fault in faults],
        "in_force": _in_force(before),
    }


def iso(seconds: int) -> str:
    """A moment as text, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _of(upload: Upload, state: str) -> JsonObject:
    return {
        "server": upload.server,
        "state": state,
        "source_version": upload.version,
        "revision": None,
        "faults": [],
        "warnings": [],
        "in_force": None,
    }


def _in_force(before: InForce | None) -> JsonValue:
    if before is None or not before.is_readable:
        return None
    return {"revision": before.revision, "source_version": before.source_version}


def _read(loaded: Loaded) -> JsonValue:
    """What was read, so that an author sees a file that was cut off before it was uploaded."""
    if loaded.source is None:
        return None
    return {
        "digest": loaded.source.digest,
        "lines": loaded.source.lines,
        "rules": loaded.rules,
        "tests": len(loaded.cases),
        "sealed": loaded.source.sealed,
    }


def _told(fault: Fault) -> JsonValue:
    return {
        "path": fault.path,
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
        "suggestion": fault.suggestion,
    }
