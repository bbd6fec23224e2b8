"""The versions that the bucket keeps of one object, the newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis_cli.errors import unavailable

NO_VERSION: Final = "null"  # of an object from a time when its bucket kept no versions
MAXIMUM_PAGES: Final = 10  # of a thousand versions each


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version; `at` is the second (UTC, since the epoch) at which S3 took it.

    `is_deletion`: it is no object, it hides those before it.
    """

    id: str
    at: int
    is_newest: bool
    is_deletion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one object; `is_whole`: there is none beyond them."""

    listed: tuple[Version, ...]
    is_whole: bool


def versions_of(client: Client, bucket: str, key: str) -> Versions:
    """List the versions of an object (S3 API reference, ListObjectVersions).

    A prefix finds longer keys as well; they stand behind the key itself.

    Raises:
        CommandError: the bucket does not answer.
    """
    found: list[Version] = []
    where: dict[str, str] = {}
    for _ in range(MAXIMUM_PAGES):
        try:
            page = client.list_object_versions(Bucket=bucket, Prefix=key, **where)
        except AwsError as error:
            raise unavailable(
                f"the versions of {key} cannot be listed: {error_code(error)}"
            ) from error
        found += _on(page, key)
        where = _after(page)
        if where.get("KeyMarker") != key:
            return Versions(listed=_in_order(found), is_whole=True)
    return Versions(listed=_in_order(found), is_whole=False)


def _on(page: Any, key: str) -> Iterator[Version]:
    for members, is_deletion in (("Versions", False), ("DeleteMarkers", True)):
        for one in page.get(members, ()):
            if one["Key"] == key:
                yield Version(
                    id=str(one.get("VersionId") or NO_VERSION),
                    at=int(one["LastModified"].timestamp()),
                    is_newest=one.get("IsLatest") is True,
                    is_deletion=is_deletion,
                )


def _after(page: Any) -> dict[str, str]:
    """Where the next page begins; nothing where there is none."""
    if not page.get("IsTruncated"):
        return {}
    told = {
        "KeyMarker": page.get("NextKeyMarker"),
        "VersionIdMarker": page.get("NextVersionIdMarker"),
    }
    return {name: str(value) for name, value in told.items() if value}


def _in_order(found: Iterable[Version]) -> tuple[Version, ...]:
    """The newest first: objects and deletions are listed apart."""
    return tuple(sorted(found, key=lambda one: (not one.is_newest, -one.at)))
