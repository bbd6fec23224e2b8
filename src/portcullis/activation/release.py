"""The last step before an upload is put in force: whether it may be.

A sound policy is not yet one that somebody is allowed to bring. A `Release` stands between
validation and the conditional write, and says so for one upload: released, still waiting for
somebody, or refused. Whoever cannot tell raises; then nothing changes and the notice is
delivered again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from portcullis.policy.document import Loaded
from portcullis.policy.faults import Fault
from portcullis.values import JsonMapping, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The newest upload of one server's policy.

    `version` is its S3 version id, `uploaded_at` the second (UTC, since the epoch) at which S3
    took it, `metadata` what its author set beside it (`x-amz-meta-...`, lower case, no prefix),
    `lock` the newest upload of the server's lock, which is judged and put in force with it.
    """

    server: str
    version: str
    uploaded_at: int
    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)
    lock: "LockSource | None" = None

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hex digits."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSource:
    """The upload that a lock came from: its S3 version id, when S3 took it, and its SHA-256."""

    version: str
    uploaded_at: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What governs a server now, as its active object says.

    `document` is the canonical policy, `uploaded_at` and `activated_at` are seconds (UTC, since
    the epoch). `release` are the facts that its own releases left (`Released.facts`), for those
    that compare the next upload with it. `lock` is the upload behind the lock in `document`, None
    where nothing is locked. `is_readable`: the object is one that an activation
    wrote; where it is not, nothing is known of what was in force.
    """

    revision: str = ""
    source_version: str = ""
    uploaded_at: int = 0
    activated_at: int = 0
    document: JsonMapping = field(default_factory=dict)
    release: JsonMapping = field(default_factory=dict)
    is_readable: bool = True
    lock: "LockSource | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """It may be put in force. `facts` are kept beside it, and are no secret."""

    facts: JsonMapping = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """It may not yet: somebody has to act, at `url` if there is one. `text` is for people."""

    text: str
    approval: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It may not; `faults` say why, without values."""

    faults: Sequence[Fault]


Answer: TypeAlias = Released | Waiting | Refused


class Release(Protocol):
    """Somebody who has to agree that an upload is put in force."""

    def decide(
        self, upload: Upload, loaded: Loaded, active: InForce | None, *, now_seconds: int
    ) -> Answer:
        """Say what becomes of a sound upload; asked again for the same one at any time.

        `active` is None where nothing was ever in force.

        Raises:
            UnavailableError: it cannot be told; nothing changes.
        """
        ...


class Everyone:
    """Whoever may upload may also put in force."""

    def decide(
        self,
        upload: Upload,  # noqa: ARG002 - part of the protocol
        loaded: Loaded,  # noqa: ARG002
        active: InForce | None,  # noqa: ARG002
        *,
        now_seconds: int,  # noqa: ARG002
    ) -> Answer:
        """Release it."""
        return Released()


class InTurn:
    """Several releases, each asked once those before it have released."""

    def __init__(self, steps: Sequence[Release]) -> None:
        self._steps = tuple(steps)

    def decide(
        self, upload: Upload, loaded: Loaded, active: InForce | None, *, now_seconds: int
    ) -> Answer:
        """The first answer that does not release; the facts of all where every one does."""
        facts: dict[str, JsonValue] = {}
        for step in self._steps:
            answer = step.decide(upload, loaded, active, now_seconds=now_seconds)
            if not isinstance(answer, Released):
                return answer
            facts |= answer.facts
        return Released(facts=facts)
