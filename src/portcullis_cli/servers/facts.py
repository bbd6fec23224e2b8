"""The facts about one server, made of what the bucket holds. Pure: values in, values out."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias, TypeVar

from portcullis.adapters.active_object import MAXIMUM_BYTES, read_envelope
from portcullis.adapters.s3_snapshots import read_snapshot
from portcullis.errors import PolicyError, SnapshotUnavailableError, StrictJsonError
from portcullis.gateway.ports import Snapshot
from portcullis.policy.document import parse_document
from portcullis.policy.drift import drifted
from portcullis.policy.model import Policy
from portcullis.strictjson import canonical, parse
from portcullis.values import JsonObject
from portcullis_cli.ages import instant_of
from portcullis_cli.servers.bucket import REGISTRATION_UPLOAD, UPLOAD, Folder, Kept, Tree
from portcullis_cli.servers.registered import Registered, registered_of
from portcullis_cli.untold import Untold

# The servers that a deployment brings itself; the canary is there where a parameter says so.
OWN: Final = ("amazon-mq", "aws-iam")
OPTIONAL: Final = ("canary",)

_T = TypeVar("_T")
Told: TypeAlias = _T | Untold | None  # None: there is none


class Kind(Enum):
    """What stands behind a server's name."""

    OWN = "own"  # the deployment brings it
    FUNCTION = "function"  # a registered function
    URL = "url"  # a registered address
    REMOVED = "removed"  # its registration says so
    NONE = "none"  # nothing was registered under this name


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The policy in force. `since` is in epoch seconds, 0 where its object does not say."""

    policy: Policy
    revision: str
    since: int
    source_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What became of a newest upload. `fault` is the first of `faults`, "" where there is none.

    `state` is that of the status object; `unseen` where there is an upload and no status.
    """

    state: str
    checked_at: int | None = None
    fault: str = ""
    faults: int = 0
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The stored tool list. `is_current` is False where it is of an earlier registration."""

    snapshot: Snapshot
    digest: str
    is_current: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the stored tools differ from the lock in force, by name."""

    locked: int
    changed: tuple[str, ...]
    added: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Everything that is known of one server."""

    name: str
    kind: Kind | Untold
    registered: Told[Registered] = None
    registration: Told[Upload] = None
    policy: Told[InForce] = None
    upload: Told[Upload] = None
    history: tuple[JsonObject, ...] = field(default_factory=tuple)
    tools: Told[Tools] = None
    drift: Told[Drift] = None

    @property
    def untold(self) -> tuple[str, ...]:
        """Why something about it could not be told, each reason once."""
        parts = (self.kind, self.registered, self.registration, self.policy, self.upload,
                 self.tools, self.drift)  # fmt: skip
        return tuple(dict.fromkeys(one.why for one in parts if isinstance(one, Untold)))


def server_of(kept: Kept) -> Server:
    """Understand what the bucket holds of a server."""
    registered = _registered(kept)
    policy, tools = _policy(kept), _tools(kept, registered)
    return Server(
        name=kept.name,
        kind=_kind(kept.name, registered),
        registered=registered,
        registration=_upload(kept.registration_status, seen=REGISTRATION_UPLOAD in kept.uploads),
        policy=policy,
        upload=_upload(kept.status, seen=UPLOAD in kept.uploads),
        history=_history(kept.status),
        tools=tools,
        drift=_drift(kept.name, policy, tools),
    )


def names_of(known: Mapping[Folder, frozenset[str]]) -> list[str]:
    """The servers to speak of: those of the deployment, and whoever has left a trace."""
    return sorted({*OWN, *(name for names in known.values() for name in names)})


def _registered(kept: Kept) -> Told[Registered]:
    if kept.registration is None or isinstance(kept.registration, Untold):
        return kept.registration
    found = registered_of(kept.registration)
    return found or Untold(f"the registration of {kept.name} is not what was activated")


def _kind(name: str, registered: Told[Registered]) -> Kind | Untold:
    if name in (*OWN, *OPTIONAL):
        return Kind.OWN
    if isinstance(registered, Untold):
        return registered
    if registered is None:
        return Kind.NONE
    if registered.is_removed:
        return Kind.REMOVED
    return Kind.FUNCTION if registered.function else Kind.URL


def _policy(kept: Kept) -> Told[InForce]:
    if kept.policy is None or isinstance(kept.policy, Untold):
        return kept.policy
    active = read_envelope(kept.policy)
    policy: Policy | None = None
    with suppress(PolicyError, StrictJsonError):
        tree = parse(kept.policy, max_bytes=MAXIMUM_BYTES)
        if isinstance(tree, dict) and tree.get("server") == kept.name:
            policy = parse_document(dict(active.document)).policy
    if policy is None or policy.revision != active.revision:
        return Untold(f"the active policy of {kept.name} is not what was activated")
    return InForce(
        policy=policy,
        revision=active.revision,
        since=active.activated_at,
        source_version=active.source_version,
    )


def _upload(status: Tree, *, seen: bool) -> Told[Upload]:
    if isinstance(status, Untold):
        return status
    if status is None:
        return Upload(state="unseen") if seen else None
    faults = status.get("faults")
    told = faults if isinstance(faults, list) else []
    waiting = status.get("waiting")
    return Upload(
        state=str(status.get("state")),
        checked_at=instant_of(status.get("checked_at")),
        fault=_fault(told[0]) if told else "",
        faults=len(told),
        waits_for=str(waiting.get("text")) if isinstance(waiting, dict) else "",
    )


def _fault(fault: object) -> str:
    """A fault on one line, as `policy push` writes it."""
    told = fault if isinstance(fault, dict) else {}
    line = told.get("line")
    at = f"line {line}: " if isinstance(line, int) else ""
    path = f"{told.get('path')}: " if told.get("path") else ""
    return f"{at}{path}{told.get('message')}"


def _history(status: Tree) -> tuple[JsonObject, ...]:
    entries = None if status is None or isinstance(status, Untold) else status.get("history")
    return tuple(
        one for one in (entries if isinstance(entries, list) else []) if isinstance(one, dict)
    )


def _tools(kept: Kept, registered: Told[Registered]) -> Told[Tools]:
    if kept.tools is None or isinstance(kept.tools, Untold):
        return kept.tools
    try:
        snapshot = read_snapshot(kept.tools)
    except (StrictJsonError, SnapshotUnavailableError):
        return Untold(f"the stored tool list of {kept.name} cannot be understood")
    bound = registered.digest if isinstance(registered, Registered) else snapshot.registration
    return Tools(
        snapshot=snapshot,
        digest=hashlib.sha256(canonical(dict(snapshot.tools))).hexdigest(),
        is_current=snapshot.registration == bound,
    )


def _drift(name: str, policy: Told[InForce], tools: Told[Tools]) -> Told[Drift]:
    """None where nothing is locked; without a policy or a tool list nothing can be compared."""
    if not isinstance(policy, InForce):
        return policy
    lock = policy.policy.lock
    if lock is None:
        return None
    if not isinstance(tools, Tools):
        return tools or Untold(f"no tool list of {name} is stored to compare with its lock")
    shown = tools.snapshot.tools
    differing = {
        name: found
        for name, definition in shown.items()
        if (found := drifted(lock, name, definition)) is not None
    }
    return Drift(
        locked=len(lock.pins),
        changed=tuple(sorted(name for name, found in differing.items() if found.parts)),
        added=tuple(sorted(name for name, found in differing.items() if not found.parts)),
        missing=tuple(sorted(set(lock.pins) - set(shown))),
    )
