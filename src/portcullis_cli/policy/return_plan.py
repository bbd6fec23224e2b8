"""What going back would come to: what there is, what would take its place, and what changes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from portcullis.activation.release import InForce
from portcullis.adapters.active_object import read_envelope
from portcullis.adapters.s3_activation import incoming_key
from portcullis.policy.document import Loaded
from portcullis.values import JsonMapping, JsonObject
from portcullis_cli.kept_grants import utc
from portcullis_cli.policy.comparing import Compared
from portcullis_cli.policy.deployment import Upload
from portcullis_cli.policy.return_point import ReturnPoint
from portcullis_cli.policy.signatures import Signer
from portcullis_cli.rendering import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """How things are: the object that governs, what it says, the newest upload, its status."""

    active: Upload | None
    newest: Upload | None
    status: JsonObject

    @property
    def in_force(self) -> InForce | None:
        """What governs; it may be something that cannot be understood."""
        return None if self.active is None else read_envelope(self.active.text)

    @property
    def is_settled(self) -> bool:
        """Whether somebody has looked at the newest upload."""
        return self.newest is None or self.status.get("source_version") == self.newest.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; `lock` names the file that was read, `serial` is as it was typed."""

    to: str
    lock: Path | None
    tools: Mapping[str, JsonMapping] | None
    signer: Signer | None
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The text that is uploaded again, and what it comes to today.

    `changes` None: what is in force cannot be understood, so nobody can tell what changes.
    """

    server: str
    present: Present
    point: ReturnPoint
    text: bytes
    lock: bytes | None
    loaded: Loaded
    changes: Compared | None = None

    @property
    def in_force(self) -> InForce | None:
        """What governs now."""
        return self.present.in_force

    @property
    def revision(self) -> str:
        """The revision that the text comes to today."""
        return self.loaded.policy.revision

    @property
    def is_in_force(self) -> bool:
        """Whether there is nothing to do."""
        now = self.in_force
        return now is not None and now.is_readable and now.revision == self.revision

    @property
    def label(self) -> str:
        """What its lines are lines of."""
        return incoming_key(self.server)

    def lines(self) -> Iterator[str]:
        """What there is, and what would take its place."""
        yield from _facts("in force", _governing(self.in_force))
        yield from _facts("going back to", _target(self))
        newest, now = self.present.newest, self.in_force
        if newest is not None and (now is None or now.source_version != newest.version):
            state = plain(self.present.status.get("state")) if self.present.is_settled else ""
            upload = f"upload {plain(newest.version)}, {state or 'not looked at yet'}"
            yield from _facts("replaces", [upload])
        if self.changes is None:
            yield "what changes cannot be told: what is in force cannot be understood"


def _facts(label: str, told: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(told):
        yield f"{'' if number else label:<15}{line}"


def _governing(now: InForce | None) -> Iterator[str]:
    if now is None:
        yield "nothing, so every call is denied"
    elif not now.is_readable:
        yield "what cannot be understood, so calls are denied"
    else:
        yield f"revision {plain(now.revision)}"
        yield f"upload {plain(now.source_version)}, since {utc(now.activated_at)}"


def _target(plan: Plan) -> Iterator[str]:
    then = plan.point.governed
    upload = f"upload {plain(plan.point.version)}"
    yield f"revision {plan.revision}"
    if then is None:
        yield f"{upload}; no record says that it was ever in force"
        return
    until = "" if then.until is None else f" to {utc(then.until)}"
    yield f"{upload}, in force from {utc(then.policy.activated_at)}{until}"
    if then.policy.revision != plan.revision:
        yield f"then it was revision {plain(then.policy.revision)}, {_why(plan, then.policy)}"


def _why(plan: Plan, then: InForce) -> str:
    known = None if then.lock is None else then.lock.digest
    today = None if plan.lock is None else sha256(plan.lock).hexdigest()
    return "with the same lock" if known == today else "with another lock than today's"
