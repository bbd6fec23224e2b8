"""The status object: what became of the newest upload, and what is in force.

Only its shape may live here. It holds no policy text and no argument value.
"""

from collections.abc import Sequence

from portcullis.activation.history import history_of, is_earlier, iso, with_activation
from portcullis.activation.release import InForce, LockSource, Upload, Waiting
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault
from portcullis.values import JsonObject, JsonValue

ACTIVE = "active"
REJECTED = "rejected"
WAITING = "waiting"


def active(upload: Upload, loaded: Loaded) -> JsonObject:
    """The upload is in force."""
    return {**_sound(upload, loaded), "state": ACTIVE}


def waiting(upload: Upload, loaded: Loaded, answer: Waiting) -> JsonObject:
    """The upload is sound, and somebody has to release it."""
    return {
        **_sound(upload, loaded),
        "state": WAITING,
        "waiting": {"text": answer.text, "approval": answer.approval, "url": answer.url},
    }


def rejected(upload: Upload, faults: Sequence[Fault]) -> JsonObject:
    """The upload changed nothing."""
    return {
        "server": upload.server,
        "state": REJECTED,
        "source_version": upload.version,
        "revision": None,
        "faults": [_told(fault) for fault in faults],
        "warnings": [],
        "lock": _lock(upload.lock),
    }


def completed(told: JsonObject, in_force: InForce | None, before: JsonObject | None) -> JsonObject:
    """A status with what is in force now, and what was before that.

    `before` is the status that this one replaces, None where there is none that can be read.
    """
    history = with_activation(history_of(before), in_force)
    entries: list[JsonValue] = list(history)
    return {**told, "in_force": _in_force(in_force, history), "history": entries}


def is_news(told: JsonObject, before: JsonObject | None) -> bool:
    """Whether a status says anything that the one before it did not."""
    known = before or {}
    return {**told, "checked_at": None} != {**known, "checked_at": None}


def _sound(upload: Upload, loaded: Loaded) -> JsonObject:
    return {
        "server": upload.server,
        "source_version": upload.version,
        "revision": loaded.policy.revision,
        "faults": [],
        "warnings": [_told(warning) for warning in loaded.warnings],
        "read": _read(loaded),
        "lock": _lock(upload.lock),
    }


def _in_force(active: InForce | None, history: Sequence[JsonObject]) -> JsonValue:
    if active is None or not active.is_readable:
        return None
    return {
        "revision": active.revision,
        "source_version": active.source_version,
        "since": iso(active.activated_at),
        "earlier": is_earlier(history, active.revision),
        "release": dict(active.release),
        "lock": _lock(active.lock),
    }


def _lock(lock: LockSource | None) -> JsonValue:
    """The upload of a lock, None where there is none."""
    if lock is None:
        return None
    return {"source_version": lock.version, "digest": f"sha256:{lock.digest}"}


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
