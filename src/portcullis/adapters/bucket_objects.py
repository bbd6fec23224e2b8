"""Objects of the bucket that are read whole and written on a condition.

Source: S3 user guide, "Conditional writes": a write whose condition no longer holds is refused
with 412, one that meets another write with 409.
"""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.errors import UnavailableError
from portcullis.strictjson import dump
from portcullis.values import JsonObject

NO_VERSION = "null"  # of an object from a time when its bucket kept no versions
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object that is there: its tag, its version id, when it was written, its bytes.

    `version` is `NO_VERSION` where the bucket gave it none; `written_at` is in epoch seconds.
    """

    etag: str
    version: str
    written_at: int
    body: bytes


class BucketObjects:
    """One bucket. Whatever it does not answer is raised as `error`."""

    def __init__(self, client: Client, bucket: str, error: type[UnavailableError]) -> None:
        self._client = client
        self._bucket = bucket
        self._error = error

    def get(self, key: str, *, maximum: int) -> Found | None:
        """Read an object; None where there is none. At most one byte more than `maximum`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return Found(
                etag=str(answer["ETag"]),
                version=str(answer.get("VersionId", NO_VERSION)),
                written_at=int(answer["LastModified"].timestamp()),
                body=answer["Body"].read(maximum + 1),
            )
        except AwsError as error:
            if error_code(error) in _ABSENT:
                return None
            raise self._unavailable(error) from error

    def replace(self, key: str, tree: JsonObject, *, found: Found | None) -> bool:
        """Write what takes the place of `found`, None: of nothing; False where it has moved."""
        condition = {"IfNoneMatch": "*"} if found is None else {"IfMatch": found.etag}
        try:
            self._put(key, tree, condition)
        except ClientError as error:
            if error_code(error) in _MOVED:
                return False
            raise self._unavailable(error) from error
        except AwsError as error:
            raise self._unavailable(error) from error
        return True

    def _put(self, key: str, tree: JsonObject, condition: dict[str, str]) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=dump(tree),
            ContentType="application/json",
            **condition,
        )

    def _unavailable(self, error: BaseException) -> UnavailableError:
        return self._error(f"the bucket did not answer: {error_code(error)}")
