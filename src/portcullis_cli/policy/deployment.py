"""The policies of a deployment: its newest uploads, what is in force, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from portcullis.activation.release import InForce
from portcullis.adapters.active_object import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.active_object import read_envelope
from portcullis.adapters.aws_calls import AwsError, Client, error_code, was_never_sent
from portcullis.adapters.kill_switch_object import is_server_name
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.errors import StrictJsonError
from portcullis.policy.faults import Fault
from portcullis.policy.policy_text import MAXIMUM_BYTES
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import aws_answers

MAXIMUM_STATUS_BYTES: Final = 1 << 20
ANOTHER_UPLOAD: Final = "another_upload"
_MOVED: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_HIDDEN: Final = {"AccessDenied", "403"}
_MISSING: Final = {"NoSuchKey", "NoSuchVersion", "404"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One version of an object of the bucket."""

    text: bytes
    version: str
    etag: str


def require_server(name: str) -> None:
    """Refuse a name that no server can have.

    Raises:
        CommandError: no server can have it.
    """
    if not is_server_name(name):
        raise usage_error("a server's name has lower-case letters, digits and `-`")


def read_object(
    client: Client, bucket: str, key: str, *, version: str = "", maximum: int = MAXIMUM_BYTES
) -> Upload | None:
    """An object as it is, or as a version of it was; None where there is none.

    Raises:
        CommandError: the bucket does not answer, or the object is longer than `maximum` bytes.
    """
    which = {"VersionId": version} if version else {}
    with aws_answers():
        try:
            answer = client.get_object(Bucket=bucket, Key=key, **which)
            text: bytes = answer["Body"].read(maximum + 1)
        except ClientError as error:
            if error_code(error) in _MISSING:
                return None
            raise
    if len(text) > maximum:
        raise unavailable(f"{key} has more than {maximum} bytes")
    return Upload(text=text, version=version_of(answer), etag=str(answer["ETag"]))


def find_object(
    client: Client, bucket: str, key: str, *, maximum: int = MAXIMUM_BYTES
) -> Upload | None:
    """An object as it is, None where there is none, for those who may list some prefixes only.

    They are refused what is not there as if it were hidden (S3 API reference, GetObject,
    "Permissions"): then the list below its own name tells.

    Raises:
        CommandError: the bucket does not answer, or the object is longer than `maximum` bytes.
    """
    try:
        return read_object(client, bucket, key, maximum=maximum)
    except CommandError as refused:
        if not _is_refusal(refused):
            raise
    try:
        with aws_answers():
            found = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except CommandError as refused:
        if not _is_refusal(refused):
            raise
        message = f"{key} is not there, or you may not read it: S3 says which with s3:ListBucket"
        raise unavailable(message) from refused
    if key in {one["Key"] for one in found.get("Contents", ())}:
        raise unavailable(f"{key} is there, and you may not read it")
    return None


def _is_refusal(error: CommandError) -> bool:
    return error.__cause__ is not None and error_code(error.__cause__) in _HIDDEN


def write_upload(
    client: Client,
    bucket: str,
    server: str,
    *,
    text: bytes,
    condition: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Upload a policy under a condition (S3 API reference, PutObject); answers its version.

    Raises:
        CommandError: the condition does not hold, or the bucket does not answer.
    """
    beside = {"Metadata": metadata} if metadata else {}
    try:
        answer = client.put_object(
            Bucket=bucket, Key=incoming_key(server), Body=text, **beside, **condition
        )
    except AwsError as error:
        code = error_code(error)
        if _was_refused(error):
            if code in _MOVED:
                raise not_the_newest(server) from error
            raise unavailable(f"the bucket did not take it: {code}") from error
        if was_never_sent(error):
            raise unavailable(f"nothing was uploaded: {code}") from error
        raise unavailable(f"whether it was uploaded cannot be told: {code}") from error
    return version_of(answer)


def not_the_newest(server: str) -> CommandError:
    """Somebody uploaded meanwhile, or nobody said what this takes the place of."""
    return CommandError(
        ExitCode.REFUSED,
        f"nothing was replaced: `{server}` has another upload; read it with `policy pull {server}` "
        "and name its version with --over, or replace whatever there is with --replace",
        code=ANOTHER_UPLOAD,
    )


def read_status(client: Client, bucket: str, server: str) -> JsonObject | None:
    """What became of the newest upload that was looked at; None where none was.

    Raises:
        CommandError: the bucket does not answer, or the status cannot be understood.
    """
    key = status_key(server)
    return _understood(key, read_object(client, bucket, key, maximum=MAXIMUM_STATUS_BYTES))


def find_status(client: Client, bucket: str, server: str) -> JsonObject | None:
    """The same, found as `find_object` finds.

    Raises:
        CommandError: the bucket does not answer, or the status cannot be understood.
    """
    key = status_key(server)
    return _understood(key, find_object(client, bucket, key, maximum=MAXIMUM_STATUS_BYTES))


def _understood(key: str, found: Upload | None) -> JsonObject | None:
    if found is None:
        return None
    tree = status_in(found.text)
    if tree is None:
        raise unavailable(f"{key} cannot be understood")
    return tree


def read_in_force(client: Client, bucket: str, server: str) -> InForce | None:
    """What governs, None where nothing does; it may be something that cannot be understood.

    Raises:
        CommandError: the bucket does not answer.
    """
    found = find_object(client, bucket, active_key(server), maximum=MAXIMUM_ACTIVE_BYTES)
    return None if found is None else read_envelope(found.text)


def status_key(server: str) -> str:
    """Where it is told what became of the newest upload."""
    return f"status/{server}.json"


def status_in(text: bytes) -> JsonObject | None:
    """A status object, None where it is none."""
    try:
        tree = parse(text, max_bytes=MAXIMUM_STATUS_BYTES)
    except StrictJsonError:
        return None
    return tree if isinstance(tree, dict) else None


def faults_of(status: JsonMapping, key: str) -> list[Fault]:
    """The faults or the warnings of a status."""
    listed = status.get(key)
    return [_fault(one) for one in (listed if isinstance(listed, list) else [])]


def version_of(answer: Mapping[str, Any]) -> str:
    """The version that S3 answers, `null` in a bucket that keeps none."""
    return str(answer.get("VersionId") or "null")


def _was_refused(error: BaseException) -> bool:
    """Whether S3 said no to the only attempt.

    An attempt before may have been written, and its answer lost: then a condition fails by it.
    """
    told = error.response.get("ResponseMetadata") if isinstance(error, ClientError) else None
    if not told:
        return False
    return told.get("HTTPStatusCode", 500) < 500 and not told.get("RetryAttempts")


def _fault(tree: Any) -> Fault:
    told = tree if isinstance(tree, dict) else {"message": "it is not told what"}
    suggestion = told.get("suggestion")
    return Fault(
        path=str(told.get("path") or ""),
        message=str(told.get("message")),
        line=_number(told.get("line")),
        column=_number(told.get("column")),
        suggestion=None if suggestion is None else str(suggestion),
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
