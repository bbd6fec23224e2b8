"""From `incoming/servers/` to `active/servers/`: an uploaded registration put in force.

As with policies, a notice is only a reason to look: the newest upload is read, validated, and
written with a condition on what was there before it was read. A server ends by an upload that
says so, never by one that is missing: S3 may be asked to delete by whoever cleans up.
"""

from dataclasses import asdict
from datetime import UTC, datetime

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.bucket_objects import BucketObjects, Found
from portcullis.adapters.s3_registrations import MAXIMUM_BYTES as MAXIMUM_ACTIVE_BYTES
from portcullis.adapters.s3_registrations import active_server_key
from portcullis.errors import RegistrationUnavailableError, StrictJsonError
from portcullis.policy.faults import PolicyFaults
from portcullis.registration.model import Permits, Registration
from portcullis.registration.registration_text import MAXIMUM_BYTES, parse_registration_text
from portcullis.strictjson import parse
from portcullis.values import JsonObject, JsonValue

ATTEMPTS = 8


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
            active = self._objects.get(active_server_key(server), maximum=MAXIMUM_ACTIVE_BYTES)
            upload = self._objects.get(incoming_server_key(server), maximum=MAXIMUM_BYTES)
            if upload is None:
                raise RegistrationUnavailableError(f"there is no upload for `{server}`")
            told = self._try(server, upload, active)
            if told is not None:
                status = {"server": server, "source_version": upload.version, **told}
                status["checked_at"] = _iso(now_seconds)
                self._objects.put(server_status_key(server), status)
                return status
        raise RegistrationUnavailableError(f"uploads for `{server}` keep changing")

    def _try(self, server: str, upload: Found, active: Found | None) -> JsonObject | None:
        """One attempt; None when another activator was faster."""
        before = _in_force(active)
        try:
            registration = parse_registration_text(
                upload.body, server=server, permits=self._permits
            )
        except PolicyFaults as faulty:
            faults: list[JsonValue] = [asdict(fault) for fault in faulty.faults]
            return {"state": "rejected", "revision": None, "faults": faults, "in_force": before}
        if before is None or before["revision"] != registration.revision:
            envelope: JsonObject = {
                "format": 1,
                "server": server,
                "source_version": upload.version,
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


def _in_force(active: Found | None) -> JsonObject | None:
    """What was activated before; None where nothing was, or nothing that can be read."""
    if active is None:
        return None
    try:
        tree = parse(active.body, max_bytes=MAXIMUM_ACTIVE_BYTES)
    except StrictJsonError:
        return None
    if not isinstance(tree, dict):
        return None
    revision, source = tree.get("revision"), tree.get("source_version")
    if not isinstance(revision, str) or not isinstance(source, str):
        return None
    return {"revision": revision, "source_version": source}


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
