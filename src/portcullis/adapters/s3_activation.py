"""From `incoming/` to `active/`: an uploaded policy is validated and, if sound, put in force.

S3 tells of uploads at least once and in no order, so the notice is only a reason to look:
the newest upload is read, validated, and written with a condition on the ETag that was seen
before it was read. Two activators at once end at the newest upload (S3 user guide,
"Conditional writes").
"""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from portcullis.activation import status
from portcullis.activation.release import Everyone, InForce, Refused, Release, Upload, Waiting
from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.s3_policies import active_key
from portcullis.adapters.s3_snapshots import MAXIMUM_BYTES as MAXIMUM_SNAPSHOT_BYTES
from portcullis.adapters.s3_snapshots import read_snapshot, snapshot_key
from portcullis.errors import PolicyUnavailableError, SnapshotUnavailableError, StrictJsonError
from portcullis.policy.cases import failures, run_cases
from portcullis.policy.document import Loaded, revision_of
from portcullis.policy.faults import MAXIMUM_FAULTS, PolicyFaults
from portcullis.policy.policy_text import MAXIMUM_BYTES, parse_policy
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject

ATTEMPTS = 8
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})
_EVERYONE = Everyone()


class PolicyActivation:
    """Activates the newest upload of one server's policy, once `release` agrees."""

    def __init__(self, client: Client, bucket: str, *, release: Release = _EVERYONE) -> None:
        self._client = client
        self._bucket = bucket
        self._release = release

    def activate(self, server: str, *, now_seconds: int) -> JsonObject:
        """Validate and activate; answer the status object that was stored.

        Raises:
            UnavailableError: the bucket or the release did not answer, or the race was never
                won.
        """
        for _ in range(ATTEMPTS):
            etag, active = self._read_active(server)
            upload = self._read_upload(server)
            if upload is None:
                raise PolicyUnavailableError(f"there is no upload for `{server}`")
            told = self._try(upload, etag, active, now_seconds)
            if told is not None:
                told["checked_at"] = status.iso(now_seconds)
                self._put(f"status/{server}.json", told, {})
                return told
        raise PolicyUnavailableError(f"uploads for `{server}` keep changing")

    def _try(
        self, upload: Upload, etag: str | None, active: InForce | None, now_seconds: int
    ) -> JsonObject | None:
        """One attempt; None when another activator was faster."""
        try:
            loaded = _checked(upload, self._known_tools(upload.server))
        except PolicyFaults as faulty:
            return status.rejected(upload, active, faulty.faults)
        answer = self._release.decide(upload, loaded, active, now_seconds=now_seconds)
        if isinstance(answer, Refused):
            return status.rejected(upload, active, answer.faults)
        if isinstance(answer, Waiting):
            return status.waiting(upload, loaded, active, answer)
        if active is not None and active.revision == loaded.policy.revision:
            return status.active(upload, loaded)
        envelope: JsonObject = {
            "format": 1,
            "server": upload.server,
            "source_version": upload.version,
            "uploaded_at": upload.uploaded_at,
            "revision": loaded.policy.revision,
            "release": dict(answer.facts),
            "document": dict(loaded.policy.document),
        }
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        if not self._put(active_key(upload.server), envelope, condition):
            return None
        return status.active(upload, loaded)

    def _read_active(self, server: str) -> tuple[str | None, InForce | None]:
        """The ETag of the active object and what it says, each None where there is none."""
        found = self._get(active_key(server), MAXIMUM_SNAPSHOT_BYTES)
        return (None, None) if found is None else (found[0], _in_force(found[1]))

    def _read_upload(self, server: str) -> Upload | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=incoming_key(server))
            body = answer["Body"].read(MAXIMUM_BYTES + 1)
        except AwsError as error:
            if error_code(error) in _ABSENT:
                return None
            raise _unavailable(error) from error
        return Upload(
            server=server,
            version=str(answer.get("VersionId", "null")),
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


def _checked(upload: Upload, tools: Mapping[str, JsonObject] | None) -> Loaded:
    """Read an upload and run its tests.

    Raises:
        PolicyFaults: it cannot be used, or does not say what its tests say.
    """
    loaded = parse_policy(upload.body, known_tools=tools)
    failed = failures(run_cases(loaded.policy, loaded.cases, tools, server=upload.server))
    if failed:
        raise PolicyFaults(failed[:MAXIMUM_FAULTS])
    return loaded


def _unavailable(error: BaseException) -> PolicyUnavailableError:
    return PolicyUnavailableError(f"the bucket did not answer: {error_code(error)}")


def _in_force(body: bytes) -> InForce:
    """What an active object says; one from before uploads had a time has none."""
    try:
        tree = parse(body, max_bytes=MAXIMUM_SNAPSHOT_BYTES)
    except StrictJsonError:
        tree = None
    known = tree if isinstance(tree, dict) else {}
    revision, source = known.get("revision"), known.get("source_version")
    uploaded_at, release = known.get("uploaded_at", 0), known.get("release", {})
    document = known.get("document")
    if (
        not isinstance(revision, str)
        or not isinstance(source, str)
        or type(uploaded_at) is not int  # a boolean is no time
        or not isinstance(release, dict)
        or not isinstance(document, dict)
        or revision_of(document) != revision  # somebody else wrote it
    ):
        return InForce(is_readable=False)
    return InForce(
        revision=revision,
        source_version=source,
        uploaded_at=uploaded_at,
        document=document,
        release=release,
    )
