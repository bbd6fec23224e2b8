"""The active object of one server: the policy in force, and where it came from.

Only its form may live here, for the activator that writes it. The gateway reads it with eyes
of its own (`s3_policies`).
"""

from typing import TypeGuard

from portcullis.activation.release import InForce, LockSource, Upload
from portcullis.errors import StrictJsonError
from portcullis.policy.document import revision_of
from portcullis.policy.model import Policy
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject, JsonValue

FORMAT = 1
MAXIMUM_BYTES = 1 << 20
_LATEST = 1 << 33  # seconds; a time beyond it is none that we wrote


def envelope(
    upload: Upload, policy: Policy, facts: JsonMapping, *, now_seconds: int
) -> tuple[JsonObject, InForce]:
    """The object that puts a policy in force, and what it then says."""
    active = InForce(
        revision=policy.revision,
        source_version=upload.version,
        uploaded_at=upload.uploaded_at,
        activated_at=now_seconds,
        document=policy.document,
        release=facts,
        lock=upload.lock,
    )
    tree: JsonObject = {
        "format": FORMAT,
        "server": upload.server,
        "source_version": active.source_version,
        "uploaded_at": active.uploaded_at,
        "activated_at": active.activated_at,
        "revision": active.revision,
        "release": dict(facts),
        "document": dict(policy.document),
    }
    if upload.lock is not None:
        tree["lock"] = lock_tree(upload.lock)
    return tree, active


def read_envelope(body: bytes) -> InForce:
    """What an active object says; one of an earlier release of ours lacks the newer members."""
    try:
        tree = parse(body, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError:
        tree = None
    known = tree if isinstance(tree, dict) else {}
    revision, source = known.get("revision"), known.get("source_version")
    uploaded_at, activated_at = known.get("uploaded_at", 0), known.get("activated_at", 0)
    release, document = known.get("release", {}), known.get("document")
    lock = _lock(known.get("lock"))
    if (
        not isinstance(revision, str)
        or not isinstance(source, str)
        or not isinstance(release, dict)
        or not isinstance(document, dict)
        or revision_of(document) != revision  # somebody else wrote it
        or not _is_time(uploaded_at)
        or not _is_time(activated_at)
        or (lock is None) is ("lock" in document)  # a lock without its source, or the reverse
    ):
        return InForce(is_readable=False)
    return InForce(
        revision=revision,
        source_version=source,
        uploaded_at=uploaded_at,
        activated_at=activated_at,
        document=document,
        release=release,
        lock=lock,
    )


def lock_tree(lock: LockSource) -> JsonObject:
    """Where a lock came from, as objects of ours say it."""
    return {
        "source_version": lock.version,
        "uploaded_at": lock.uploaded_at,
        "digest": f"sha256:{lock.digest}",
    }


def _lock(tree: JsonValue) -> LockSource | None:
    known = tree if isinstance(tree, dict) else {}
    version, at, digest = (known.get(key) for key in ("source_version", "uploaded_at", "digest"))
    if not isinstance(version, str) or not isinstance(digest, str) or not _is_time(at):
        return None
    return LockSource(version=version, uploaded_at=at, digest=digest.removeprefix("sha256:"))


def _is_time(value: JsonValue) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _LATEST  # a boolean is no time
