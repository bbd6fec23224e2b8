"""From `incoming/` to `active/`: an uploaded policy is validated and, if sound, put in force.

S3 tells of uploads at least once and in no order, so the notice is only a reason to look:
the newest upload is read, validated, and written with a condition on the ETag that was seen
before it was read. Two activators at once end at the newest upload (S3 user guide,
"Conditional writes").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.s3_snapshots import MAXIMUM_BYTES as MAXIMUM_SNAPSHOT_BYTES
from portcullis.adapters.s3_snapshots import read_snapshot, snapshot_key
from portcullis.errors import PolicyUnavailableError, SnapshotUnavailableError, StrictJsonError
from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault, PolicyFaults
from portcullis.policy.policy_text import MAXIMUM_BYTES, parse_policy
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject, JsonValue

ATTEMPTS = 8
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    version: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Active:
    etag: str | None
    revision: JsonValue
    source_version: JsonValue


class PolicyActivation:
    """Activates the newest upload of one server's policy."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def activate(self, server: str, *, now_seconds: int) -> JsonObject:
        """Validate and activate; answer the status object that was stored.

        Raises:
            PolicyUnavailableError: the bucket did not answer, or the race was never won.
        """
        for _ in range(ATTEMPTS):
            active = self._read_active(server)
            upload = self._read_upload(server)
            if upload is None:
                raise PolicyUnavailableError(f"there is no upload for `{server}`")
            status = self._try(server, upload, active)
            if status is not None:
                status["checked_at"] = _iso(now_seconds)
                self._put(f"status/{server}.json", status, {})
                return status
        raise PolicyUnavailableError(f"uploads for `{server}` keep changing")

    def _try(self, server: str, upload: _Upload, active: _Active) -> JsonObject | None:
        """One attempt; None when another activator was faster."""
        try:
            loaded = parse_policy(upload.body, known_tools=self._known_tools(server))
        except PolicyFaults as faulty:
            return _rejected(server, upload, active, faulty.faults)
        if active.revision == loaded.policy.revision:
            return _activated(server, upload, loaded)
        envelope: JsonObject = {
            "format": 1,
            "server": server,
            "source_version": upload.version,
            "revision": loaded.policy.revision,
            "document": dict(loaded.policy.document),
        }
        condition = {"IfNoneMatch": "*"} if active.etag is None else {"IfMatch": active.etag}
        if not self._put(active_key(server), envelope, condition):
            return None
        return _activated(server, upload, loaded)

    def _read_active(self, server: str) -> _Active:
        found = self._get(active_key(server), MAXIMUM_SNAPSHOT_BYTES)
        if found is None:
            return _Active(etag=None, revision=None, source_version=None)
        try:
            tree = parse(found[1], max_bytes=MAXIMUM_SNAPSHOT_BYTES)
        except StrictJsonError:
            tree = None
        known = tree if isinstance(tree, dict) else {}
        return _Active(
            etag=found[0],
            revision=known.get("revision"),
            source_version=known.get("source_version"),
        )

    def _read_upload(self, server: str) -> _Upload | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=incoming_key(server))
            body = answer["Body"].read(MAXIMUM_BYTES + 1)
        except AwsError as error:
            if error_code(error) in _ABSENT:
                return None
            raise _unavailable(error) from error
        return _Upload(version=str(answer.get("VersionId", "null")), body=body)

    def _known_tools(self, server: str) -> Sequence[str] | None:
        """Tool names the gateway last saw; None before it ever saw any."""
        found = self._get(snapshot_key(server), MAXIMUM_SNAPSHOT_BYTES)
        if found is None:
            return None
        try:
            return tuple(read_snapshot(found[1]).tools)
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

    def _put(self, key: str, tree: JsonObject, condition: dict[str, str]) -> bool:
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


def _unavailable(error: BaseException) -> PolicyUnavailableError:
    return PolicyUnavailableError(f"the bucket did not answer: {error_code(error)}")


def _activated(server: str, upload: _Upload, loaded: Loaded) -> JsonObject:
    return {
        "server": server,
        "state": "active",
        "source_version": upload.version,
        "revision": loaded.policy.revision,
        "faults": [],
        "warnings": [_told(warning) for warning in loaded.warnings],
        "in_force": {"revision": loaded.policy.revision, "source_version": upload.version},
        "read": _read(loaded),
    }


def _read(loaded: Loaded) -> JsonValue:
    """What was read, so that an author sees a file that was cut off before it was uploaded."""
    if loaded.source is None:
        return None
    return {
        "digest": loaded.source.digest,
        "lines": loaded.source.lines,
        "rules": loaded.rules,
        "sealed": loaded.source.sealed,
    }


def _rejected(server: str, upload: _Upload, active: _Active, faults: Sequence[Fault]) -> JsonObject:
    in_force: JsonValue = None
    if active.revision is not None:
        in_force = {"revision": active.revision, "source_version": active.source_version}
    return {
        "server": server,
        "state": "rejected",
        "source_version": upload.version,
        "revision": None,
        "faults": [_told(fault) for fault in faults],
        "warnings": [],
        "in_force": in_force,
    }


def _told(fault: Fault) -> JsonValue:
    return {
        "path": fault.path,
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
        "suggestion": fault.suggestion,
    }


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
