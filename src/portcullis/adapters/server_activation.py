"""From `incoming/servers/` to `active/servers/`: an uploaded registration put in force.

As with policies, a notice is only a reason to look: the newest upload is read, validated, and
written with a condition on what was there before it was read; its status likewise. An upload
that is older than what is in force is refused: it is the newest only because the one that was
activated has been deleted. A server ends by an upload that says so, never by one that is
missing: S3 may be asked to delete by whoever cleans up.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.bucket_objects import NO_VERSION, BucketObjects, Found
from portcullis.adapters.s3_registrations import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.s3_registrations import active_server_key
from portcullis.errors import RegistrationUnavailableError, StrictJsonError
from portcullis.policy.faults import Fault, PolicyFaults
from portcullis.registration.model import Permits, Registration
from portcullis.registration.registration_text import MAXIMUM_BYTES, parse_registration_text
from portcullis.strictjson import parse
from portcullis.values import JsonObject, JsonValue

ATTEMPTS = 8
TOO_OLD = Fault(
    path="",
    message="the upload is older than the one that is in force",
    suggestion="upload it again to go back to it",
)
UNVERSIONED = Fault(
    path="",
    message="the bucket gave the upload no version id",
    suggestion="turn the bucket's versioning on, and upload it again",
)


class ServerActivation:
    """Activates the newest upload of one server's registration."""

    def __init__(self, client: Client, bucket: str, *, permits: Permits) -> None:
        self._objects = BucketObjects(client, bucket, RegistrationUnavailableError)
        self._permits = permits

    def activate(self, server: str, *, now_seconds: int) -> JsonObject:
        """Validate and activate; answer the status object that was stored.

        Raises:
            RegistrationUnavailableError: the bucket did not answer, or the race was never won.
        """
        for _ in range(ATTEMPTS):
            told = self._attempt(server, now_seconds)
            if told is not None:
                return told
        raise RegistrationUnavailableError(f"uploads for `{server}` keep changing")

    def _attempt(self, server: str, now_seconds: int) -> JsonObject | None:
        """Look once, and tell what is new; None when another activator was faster."""
        before = self._objects.get(server_status_key(server), maximum=MAXIMUM_ACTIVE_BYTES)
        active = self._objects.get(active_server_key(server), maximum=MAXIMUM_ACTIVE_BYTES)
        upload = self._objects.get(incoming_server_key(server), maximum=MAXIMUM_BYTES)
        if upload is None:
            raise RegistrationUnavailableError(f"there is no upload for `{server}`")
        told = self._try(server, upload, active)
        if told is None:
            return None
        known = _members(before)
        status: JsonObject = {"server": server, "source_version": upload.version, **told}
        if {**known, "checked_at": None} == {**status, "checked_at": None}:
            return known  # the same notice again
        status["checked_at"] = _iso(now_seconds)
        is_told = self._objects.replace(server_status_key(server), status, found=before)
        return status if is_told else None

    def _try(self, server: str, upload: Found, active: Found | None) -> JsonObject | None:
        """One attempt; None when another activator was faster."""
        before = _members(active)
        in_force = _in_force(before)
        stale = _stale(upload, before)
        if stale is not None:
            return _rejected([stale], in_force)
        try:
            registration = parse_registration_text(
                upload.body, server=server, permits=self._permits
            )
        except PolicyFaults as faulty:
            return _rejected(faulty.faults, in_force)
        same = (before.get("source_version"), before.get("revision"))
        if same != (upload.version, registration.revision):
            envelope: JsonObject = {
                "format": 1,
                "server": server,
                "source_version": upload.version,
                "uploaded_at": upload.written_at,
                "revision": registration.revision,
                "document": registration.document,
            }
            if not self._objects.replace(active_server_key(server), envelope, found=active):
                return None
        return _activated(registration, upload)


def incoming_server_key(server: str) -> str:
    """Where a registrar uploads the registration of `server`."""
    return f"incoming/servers/{server}.yaml"


def server_status_key(server: str) -> str:
    """Where it is told what became of the newest upload."""
    return f"status/servers/{server}.json"


def _activated(registration: Registration, upload: Found) -> JsonObject:
    return {
        "state": "removed" if registration.is_removed else "active",
        "revision": registration.revision,
        "faults": [],
        "in_force": {"revision": registration.revision, "source_version": upload.version},
    }


def _rejected(faults: Iterable[Fault], in_force: JsonValue) -> JsonObject:
    told: list[JsonValue] = [asdict(fault) for fault in faults]
    return {"state": "rejected", "revision": None, "faults": told, "in_force": in_force}


def _stale(upload: Found, active: JsonObject) -> Fault | None:
    """What keeps an upload from taking its turn, whatever it holds."""
    if upload.version == NO_VERSION:  # two such uploads cannot be told apart
        return UNVERSIONED
    uploaded_at = active.get("uploaded_at")
    return TOO_OLD if isinstance(uploaded_at, int) and upload.written_at < uploaded_at else None


def _in_force(active: JsonObject) -> JsonValue:
    """What was activated before; None where nothing was, or nothing that can be read."""
    revision, source = active.get("revision"), active.get("source_version")
    if not isinstance(revision, str) or not isinstance(source, str):
        return None
    return {"revision": revision, "source_version": source}


def _members(found: Found | None) -> JsonObject:
    """The members of an object of ours; none where it is not there, or not one."""
    if found is None:
        return {}
    try:
        tree = parse(found.body, max_bytes=MAXIMUM_ACTIVE_BYTES)
    except StrictJsonError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
