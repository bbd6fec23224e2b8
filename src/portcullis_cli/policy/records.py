"""What the bucket has kept of a server's policy: its uploads, activations and statuses.

Reads every version of two small objects since the oldest upload that is asked for, and never
more than `MAXIMUM_READ` of each; what is left out is noted.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from typing import Final, TypeVar

from portcullis.activation.release import InForce
from portcullis.adapters.active_object import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.active_object import read_envelope
from portcullis.adapters.aws_calls import Client
from portcullis.adapters.s3_activation import incoming_key
from portcullis.adapters.s3_policies import active_key
from portcullis.values import JsonMapping
from portcullis_cli.policy.deployment import (
    MAXIMUM_STATUS_BYTES,
    Upload,
    read_object,
    status_in,
    status_key,
)
from portcullis_cli.policy.past import Activation, Records, Told
from portcullis_cli.policy.versions import NO_VERSION, Version, Versions, versions_of

MAXIMUM_READ: Final = 200
_T = TypeVar("_T")


def read_records(client: Client, bucket: str, server: str, *, limit: int) -> Records:
    """Read what is kept of the newest `limit` uploads.

    Raises:
        CommandError: the bucket does not answer, or does not let this be read.
    """
    uploads = versions_of(client, bucket, incoming_key(server))
    kept = _Kept(client, bucket, since=_since(uploads, limit))
    policies = kept.read(active_key(server), MAXIMUM_ACTIVE_BYTES, _policy)
    statuses = kept.read(status_key(server), MAXIMUM_STATUS_BYTES, _status)
    return Records(
        uploads=uploads,
        activations=tuple(_activations(policies)),
        has_active=bool(policies) and not policies[0][0].is_deletion,
        is_status_read=not statuses or statuses[0][0].is_deletion or statuses[0][1] is not None,
        told=tuple(Told(at=one.at, status=what) for one, what in statuses if what is not None),
        notes=(*_notes(uploads), *kept.notes),
    )


def read_past(client: Client, bucket: str, server: str) -> Iterator[tuple[str, Activation | None]]:
    """What governs and governed, by the version of its object; read as far as it is asked for.

    Raises:
        CommandError: the bucket does not answer, or does not let this be read.
    """
    kept = _Kept(client, bucket, since=0)
    versions, policies = tee(kept.each(active_key(server), MAXIMUM_ACTIVE_BYTES, _policy))
    return zip((one.id for one, _ in versions), _activations(policies), strict=True)


class _Kept:
    """The versions of objects since a moment, read; `notes` say what could not be."""

    def __init__(self, client: Client, bucket: str, *, since: int) -> None:
        self._client = client
        self._bucket = bucket
        self._since = since
        self.notes: list[str] = []

    def read(
        self, key: str, maximum: int, understood: Callable[[bytes], _T | None]
    ) -> list[tuple[Version, _T | None]]:
        """Each version with what it says; None where it is a deletion, gone, or not ours."""
        found = [*self.each(key, maximum, understood)]
        unread = sum(what is None and not one.is_deletion for one, what in found)
        if unread:
            self.notes.append(
                f"{unread} of the versions of {key} cannot be understood, or went meanwhile"
            )
        return found

    def each(
        self, key: str, maximum: int, understood: Callable[[bytes], _T | None]
    ) -> Iterator[tuple[Version, _T | None]]:
        """The same, one by one."""
        listed = versions_of(self._client, self._bucket, key).listed
        wanted = [one for one in listed if one.at >= self._since or one.is_newest]
        if len(wanted) > MAXIMUM_READ:
            self.notes.append(f"only the newest {MAXIMUM_READ} versions of {key} were looked at")
        for one in wanted[:MAXIMUM_READ]:
            body = None if one.is_deletion else self._body(key, one.id, maximum)
            yield one, None if body is None else understood(body.text)

    def _body(self, key: str, version: str, maximum: int) -> Upload | None:
        return read_object(self._client, self._bucket, key, version=version, maximum=maximum)


def _notes(uploads: Versions) -> Iterator[str]:
    if not uploads.is_whole:
        yield f"only the newest {len(uploads.listed)} uploads were looked at"
    if any(one.id == NO_VERSION for one in uploads.listed):
        yield "the bucket keeps, or kept, no versions: what was before `null` is not known"


def _since(uploads: Versions, limit: int) -> int:
    """When the oldest upload that is asked for came; 0 where there are no more than asked for."""
    is_all = uploads.is_whole and len(uploads.listed) <= limit
    return 0 if is_all else uploads.listed[:limit][-1].at


def _policy(body: bytes) -> InForce | None:
    found = read_envelope(body)
    return found if found.is_readable else None


def _status(body: bytes) -> JsonMapping | None:
    """A status that names the upload it speaks of."""
    found = status_in(body)
    return found if isinstance((found or {}).get("source_version"), str) else None


def _activations(
    found: Iterable[tuple[Version, InForce | None]],
) -> Iterator[Activation | None]:
    """What governed, each until what came after it: a deletion ends it as well."""
    until: int | None = None
    for version, policy in found:
        yield None if policy is None else Activation(version=version.id, policy=policy, until=until)
        until = version.at if policy is None else policy.activated_at
