"""What became of each upload of a policy, told from what the bucket has kept of it.

Nothing is guessed: what no record tells is unknown, and says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from portcullis.activation.release import InForce
from portcullis.activation.status import REJECTED, WAITING
from portcullis.values import JsonMapping
from portcullis_cli.policy.versions import Version, Versions


class Became(Enum):
    """What became of an upload; the value is what programs read."""

    IN_FORCE = "in_force"
    WAS_IN_FORCE = "was_in_force"
    REJECTED = "rejected"
    WAITING = "waiting"
    OVERTAKEN = "overtaken"  # it waited until a newer upload, or a deletion, took its place
    NOT_LOOKED_AT = "not_looked_at"
    DELETED = "deleted"  # no upload: a deletion, after which the object is as if it were not there
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One time at which a policy governed; `until` None: it does now, in epoch seconds."""

    version: str  # of the active object
    policy: InForce
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one status object said of an upload, and when it was written, in epoch seconds."""

    at: int
    status: JsonMapping

    @property
    def source(self) -> str:
        """The version of the upload it speaks of."""
        return str(self.status.get("source_version"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the bucket tells of a server's policy, the newest first of each.

    `activations` has None for an object in `active/` that cannot be understood, or is deleted;
    `has_active`: there is such an object now; `is_status_read`: the status of now is understood,
    or there is none. `notes` say what could not be looked at.
    """

    uploads: Versions
    activations: tuple[Activation | None, ...]
    told: tuple[Told, ...]
    has_active: bool = True
    is_status_read: bool = True
    notes: tuple[str, ...] = ()

    @property
    def in_force(self) -> Activation | None:
        """What governs now, None where nothing does or it cannot be understood."""
        return self.activations[0] if self.activations else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One upload. `is_kept`: its text is still there; None: that cannot be told.

    `at` puts it in order, in epoch seconds; it is when it was uploaded, unless that is not known.
    """

    version: str
    at: int
    became: Became
    is_time_known: bool = True
    is_newest: bool = False
    is_kept: bool | None = True
    activations: tuple[Activation, ...] = ()
    status: JsonMapping = field(default_factory=dict)  # the last that spoke of it


def entries(records: Records, *, limit: int) -> tuple[Entry, ...]:
    """The newest `limit` uploads that are listed, and those since of which only traces are left."""
    shown = records.uploads.listed[:limit]
    rows = [_entry(one, records) for one in shown]
    is_all = records.uploads.is_whole and len(shown) == len(records.uploads.listed)
    oldest = 0 if is_all else shown[-1].at
    rows += [one for one in _gone(records) if one.at >= oldest]
    return tuple(sorted(rows, key=lambda one: (not one.is_newest, -one.at)))


def last_word(records: Records, version: str) -> JsonMapping:
    """The last status that spoke of an upload, empty where none did."""
    return next((one.status for one in records.told if one.source == version), {})


def _entry(upload: Version, records: Records) -> Entry:
    if upload.is_deletion:
        return Entry(
            version=upload.id, at=upload.at, became=Became.DELETED, is_newest=upload.is_newest
        )
    activations = tuple(_activations(records, upload.id))
    status = last_word(records, upload.id)
    return Entry(
        version=upload.id,
        at=upload.at,
        became=_became(activations, status, records, is_newest=upload.is_newest),
        is_newest=upload.is_newest,
        activations=activations,
        status=status,
    )


def _gone(records: Records) -> Iterator[Entry]:
    """Uploads that are not listed any more: what was in force of them, or said of them, is."""
    listed = {one.id for one in records.uploads.listed}
    governed = (one.policy.source_version for one in records.activations if one is not None)
    for source in dict.fromkeys([*governed, *(one.source for one in records.told)]):
        if source not in listed:
            activations = tuple(_activations(records, source))
            told = next((one for one in records.told if one.source == source), None)
            status = {} if told is None else told.status
            yield Entry(
                version=source,
                at=activations[0].policy.uploaded_at if activations else told.at if told else 0,
                is_time_known=bool(activations),
                became=_became(activations, status, records, is_newest=False),
                is_kept=False if records.uploads.is_whole else None,
                activations=activations,
                status=status,
            )


def _activations(records: Records, source: str) -> Iterator[Activation]:
    for one in records.activations:
        if one is not None and one.policy.source_version == source:
            yield one


def _became(
    activations: Sequence[Activation], status: JsonMapping, records: Records, *, is_newest: bool
) -> Became:
    if activations:
        return Became.IN_FORCE if activations[0].until is None else Became.WAS_IN_FORCE
    state = status.get("state")
    if not status and is_newest:
        return Became.NOT_LOOKED_AT if records.is_status_read else Became.UNKNOWN
    if state == WAITING:
        return Became.WAITING if is_newest else Became.OVERTAKEN
    return Became.REJECTED if state == REJECTED else Became.UNKNOWN
