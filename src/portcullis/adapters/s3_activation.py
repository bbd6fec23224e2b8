"""From `incoming/` to `active/`: an uploaded policy is validated and, if sound, put in force.

S3 tells of uploads at least once and in no order, so the notice is only a reason to look: the
newest upload is read with its version id, validated, and written with a condition on the ETag
that was seen before it was read. Two activators at once end at the newest upload (S3 user
guide, "Conditional writes"). An upload that is older than what is in force is refused: it can
be the newest only because the one that was activated has been deleted. The status object is
written likewise, so the last word in it is about the newest upload.

A server may have a lock beside its policy. The newest uploads of both are judged together and
become one document with one revision: there is no moment at which the policy of one pair is in
force with the lock of another. A fault of either leaves what is in force as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from botocore.exceptions import ClientError

from portcullis.activation import status
from portcullis.activation.history import iso
from portcullis.activation.notices import NoNotices, Notices
from portcullis.activation.release import (
    Everyone,
    InForce,
    LockSource,
    Refused,
    Release,
    Upload,
    Waiting,
)
from portcullis.adapters.active_object import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.active_object import envelope, read_envelope
from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.s3_snapshots import MAXIMUM_BYTES as MAXIMUM_SNAPSHOT_BYTES
from portcullis.adapters.s3_snapshots import read_snapshot, snapshot_key
from portcullis.errors import PolicyUnavailableError, SnapshotUnavailableError, StrictJsonError
from portcullis.policy.cases import failures, run_cases
from portcullis.policy.document import Loaded
from portcullis.policy.faults import MAXIMUM_FAULTS, Fault, PolicyFaults
from portcullis.policy.lock_file import MAXIMUM_BYTES as MAXIMUM_LOCK_BYTES
from portcullis.policy.lock_file import read_lock_file
from portcullis.policy.lock_text import lock_document
from portcullis.policy.policy_text import MAXIMUM_BYTES, parse_policy
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject

ATTEMPTS = 8
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})
_EVERYONE = Everyone()
_NOBODY_TOLD = NoNotices()
_TOO_OLD = Fault(
    path="",
    message="the upload is older than the one that is in force",
    suggestion="upload it again to go back to it",
)


_LOCK_GONE = Fault(
    path="lock",
    message="the lock that is in force was deleted",
    suggestion="upload it again; `drift: {changed: allow, added: allow}` goes without it",
)
_NO_VERSION = "null"  # of an object from a time when its bucket kept no versions
_UNVERSIONED = Fault(
    path="",
    message="the bucket gave the upload no version id",
    suggestion="turn the bucket's versioning on, and upload it again",
)


class PolicyActivation:
    """Activates the newest upload of one server's policy, once `release` agrees."""

    def __init__(
        self,
        client: Client,
        bucket: str,
        *,
        release: Release = _EVERYONE,
        notices: Notices = _NOBODY_TOLD,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._release = release
        self._notices = notices

    def activate(
        self,
        server: str,
        *,
        now_seconds: int,
        seen: str | None = None,
        seen_lock: str | None = None,
    ) -> JsonObject:
        """Validate and activate; answer the status object as it is now stored.

        `seen` is the version id of the upload that a notice speaks of, `seen_lock` the same of
        a lock. A lock without a policy waits for one: nothing is written.

        Raises:
            UnavailableError: the bucket or the release did not answer, the upload that was seen
                is not shown yet, or the race was never won.
        """
        for _ in range(ATTEMPTS):
            told = self._attempt(server, (seen, seen_lock), now_seconds)
            if told is not None:
                return told
        raise PolicyUnavailableError(f"uploads for `{server}` keep changing")

    def _attempt(
        self, server: str, seen: tuple[str | None, str | None], now_seconds: int
    ) -> JsonObject | None:
        """Look once, and tell what is new; None when another activator was faster.

        What is replaced is read before what replaces it: whoever was faster has then moved an
        ETag, or uploaded before the upload is read.
        """
        status_etag, before = self._read_status(server)
        active_etag, active = self._read_active(server)
        upload = self._read_upload(server)
        if upload is None and seen[1] is not None:
            return {"state": "ignored"}
        if upload is None:
            raise PolicyUnavailableError(f"there is no upload for `{server}`")
        self._require_not_behind(upload, incoming_key(server), seen[0])
        lock = self._read_newest(server, lock_key(server), MAXIMUM_LOCK_BYTES)
        if lock is not None:
            upload = replace(upload, lock=_source(lock))
            self._require_not_behind(lock, lock_key(server), seen[1])
        decided = self._decide(upload, active_etag, active, lock=lock, now_seconds=now_seconds)
        if decided is None:
            return None
        told = status.completed(decided[0], decided[1], before)
        if before is not None and not status.is_news(told, before):
            return before  # the same notice again
        told["checked_at"] = iso(now_seconds)
        if not self._put(_status_key(server), told, _unmoved(status_etag)):
            return None
        self._notices.tell(told)
        return told

    def _decide(
        self,
        upload: Upload,
        etag: str | None,
        active: InForce | None,
        *,
        lock: Upload | None,
        now_seconds: int,
    ) -> tuple[JsonObject, InForce | None] | None:
        """What becomes of an upload, and what is in force then; None after a lost race."""
        stale = _stale(upload, active)
        if stale is not None:
            return status.rejected(upload, [stale]), active
        is_active = (
            active is not None
            and active.source_version == upload.version
            and active.lock == upload.lock
        )
        try:
            tools = self._known_tools(upload.server)
            loaded = _checked(upload, lock, tools, is_tested=not is_active)
        except PolicyFaults as faulty:
            return status.rejected(upload, faulty.faults), active
        if is_active:
            return status.active(upload, loaded), active
        answer = self._release.decide(upload, loaded, active, now_seconds=now_seconds)
        if isinstance(answer, Refused):
            return status.rejected(upload, answer.faults), active
        if isinstance(answer, Waiting):
            return status.waiting(upload, loaded, answer), active
        facts = dict(answer.facts)
        if active is not None and active.revision == loaded.policy.revision:
            facts = {**active.release, **facts}  # what released these very words still does
        tree, now_active = envelope(upload, loaded.policy, facts, now_seconds=now_seconds)
        if not self._put(active_key(upload.server), tree, _unmoved(etag)):
            return None
        return status.active(upload, loaded), now_active

    def _require_not_behind(self, upload: Upload, key: str, seen: str | None) -> None:
        """The newest upload is the one that was seen, or a later one; or that one is gone.

        Raises:
            PolicyUnavailableError: S3 shows an earlier one than it told of.
        """
        if seen is None or seen == upload.version:
            return
        try:
            answer = self._client.head_object(Bucket=self._bucket, Key=key, VersionId=seen)
        except AwsError as error:
            if error_code(error) in _GONE:
                return
            raise _unavailable(error) from error
        if int(answer["LastModified"].timestamp()) > upload.uploaded_at:
            raise PolicyUnavailableError(f"the bucket shows no upload `{seen}` yet")

    def _read_status(self, server: str) -> tuple[str | None, JsonObject | None]:
        """The ETag of the status object and what it says, each None where there is none."""
        found = self._get(_status_key(server), MAXIMUM_ACTIVE_BYTES)
        if found is None:
            return None, None
        try:
            tree = parse(found[1], max_bytes=MAXIMUM_ACTIVE_BYTES)
        except StrictJsonError:
            tree = None
        return found[0], tree if isinstance(tree, dict) else None

    def _read_active(self, server: str) -> tuple[str | None, InForce | None]:
        """The ETag of the active object and what it says, each None where there is none."""
        found = self._get(active_key(server), MAXIMUM_ACTIVE_BYTES)
        return (None, None) if found is None else (found[0], read_envelope(found[1]))

    def _read_upload(self, server: str) -> Upload | None:
        return self._read_newest(server, incoming_key(server), MAXIMUM_BYTES)

    def _read_newest(self, server: str, key: str, maximum: int) -> Upload | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            body = answer["Body"].read(maximum + 1)
        except AwsError as error:
            if error_code(error) in _ABSENT:
                return None
            raise _unavailable(error) from error
        return Upload(
            server=server,
            version=str(answer.get("VersionId", _NO_VERSION)),
            uploaded_at=int(answer["LastModified"].timestamp()),
            body=body,
            metadata=answer.get("Metadata") or {},
        )

    def _known_tools(self, server: str) -> Mapping[str, JsonObject] | None:
        """The tools the gateway last saw; None before it ever saw any."""
        found = self._get(snapshot_key(server), MAXIMUM_SNAPSHOT_BYTES)
        if found is None:
            return None
        try:
            return read_snapshot(found[1]).tools
        except (StrictJsonError, SnapshotUnavailableError):
            return None

    def _get(self, key: str, maximum: int) -> tuple[str, bytes] | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return str(answer["ETag"]), answer["Body"].read(maximum + 1)
        except AwsError as error:
            if error_code(error) in _ABSENT:
                return None
            raise _unavailable(error) from error

    def _put(self, key: str, tree: JsonObject, condition: Mapping[str, str]) -> bool:
        """Write an object; False where the condition no longer holds."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=dump(tree),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error_code(error) in _MOVED:
                return False
            raise _unavailable(error) from error
        except AwsError as error:
            raise _unavailable(error) from error
        return True


def incoming_key(server: str) -> str:
    """Where an author uploads the policy of `server`."""
    return f"incoming/policies/{server}.yaml"


def lock_key(server: str) -> str:
    """Where the lock of `server` is uploaded."""
    return f"incoming/locks/{server}.json"


def _status_key(server: str) -> str:
    return f"status/{server}.json"


def _unmoved(etag: str | None) -> Mapping[str, str]:
    """The condition that an object is still what was read."""
    return {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}


def _stale(upload: Upload, active: InForce | None) -> Fault | None:
    """What keeps an upload from taking its turn, whatever it holds."""
    if upload.version == _NO_VERSION:  # two such uploads cannot be told apart
        return _UNVERSIONED
    if active is not None and upload.uploaded_at < active.uploaded_at:
        return _TOO_OLD
    return _stale_lock(upload.lock, None if active is None else active.lock)


def _stale_lock(lock: LockSource | None, active: LockSource | None) -> Fault | None:
    """The same of its lock. To go without one is a word of the policy, and no deletion."""
    if lock is not None and lock.version == _NO_VERSION:
        return replace(_UNVERSIONED, path="lock")
    if active is None:
        return None
    if lock is None:
        return _LOCK_GONE
    return replace(_TOO_OLD, path="lock") if lock.uploaded_at < active.uploaded_at else None


def _source(lock: Upload) -> LockSource:
    return LockSource(version=lock.version, uploaded_at=lock.uploaded_at, digest=lock.digest)


def _checked(
    upload: Upload,
    lock: Upload | None,
    tools: Mapping[str, JsonObject] | None,
    *,
    is_tested: bool,
) -> Loaded:
    """Read an upload and its lock, and run its tests; of one that is in force they have passed.

    Raises:
        PolicyFaults: it cannot be used, or does not say what its tests say.
    """
    pins, faults = _pins(lock)
    try:
        loaded = parse_policy(upload.body, known_tools=tools, lock=pins)
    except PolicyFaults as faulty:
        raise PolicyFaults([*faulty.faults, *faults][:MAXIMUM_FAULTS]) from faulty
    if faults:
        raise PolicyFaults(faults)
    if is_tested:
        failed = failures(run_cases(loaded.policy, loaded.cases, tools, server=upload.server))
        if failed:
            raise PolicyFaults(failed[:MAXIMUM_FAULTS])
    return loaded


def _pins(lock: Upload | None) -> tuple[JsonObject | None, Sequence[Fault]]:
    """What a lock pins, and its faults; a faulty one is taken for one that pins nothing."""
    if lock is None:
        return None, ()
    try:
        return read_lock_file(lock.body, server=lock.server).document(), ()
    except PolicyFaults as faulty:
        return lock_document({}), faulty.faults


def _unavailable(error: BaseException) -> PolicyUnavailableError:
    return PolicyUnavailableError(f"the bucket did not answer: {error_code(error)}")
