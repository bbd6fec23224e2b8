"""Slots: which counters a principal's new session shares. Pure; both session stores use it.

A principal has `cap` slots at a server. A slot's counters live as long as their windows,
whatever becomes of the sessions that used it, so neither closing nor opening sessions gives
anyone a fresh counter beyond the `cap` there are. A new session gets the lowest slot nobody
uses, slot 0 last because calls without a session use it; where all are in use it shares the
one opened least recently. Nobody is locked out.
"""

import re
from dataclasses import dataclass, replace
from typing import TypeAlias

from portcullis.errors import SessionStoreError
from portcullis.policy.model import Instant

MICROS_PER_SECOND = 1_000_000
_MAXIMUM_ID_CHARS = 256
_MAXIMUM_UPSTREAM_CHARS = 2048
_SLOT = r"[0-9]{1,18}\*[0-9]{1,9}"
_TEXT = re.compile(rf"{_SLOT}(?: {_SLOT})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """When a session was last opened on a slot (0: never), and how many are not closed yet."""

    opened_micros: int = 0
    open_sessions: int = 0


Slots: TypeAlias = tuple[Slot, ...]


def require_session_id(session_id: str) -> None:
    """Refuse what cannot name a session.

    Raises:
        SessionStoreError: it is empty, too long for a key, or not ASCII.
    """
    if not 0 < len(session_id) <= _MAXIMUM_ID_CHARS or not session_id.isascii():
        raise SessionStoreError("the session id cannot name a session")


def require_upstream_session(upstream_session: str) -> None:
    """Refuse an upstream's session id that no header would carry.

    Raises:
        SessionStoreError: it is too long.
    """
    if len(upstream_session) > _MAXIMUM_UPSTREAM_CHARS:
        raise SessionStoreError("the upstream's session id is too long")


def open_slot(slots: Slots, *, cap: int, lifetime_seconds: int, now: Instant) -> tuple[int, Slots]:
    """Choose the slot of a new session; answers its number and the slots after it opened.

    `lifetime_seconds` is how long a session lives at most: a slot that opened longer ago is
    free, though its sessions were never closed.
    """
    known = (*slots[:cap], *([Slot()] * (cap - len(slots))))
    edge = now.micros - lifetime_seconds * MICROS_PER_SECOND
    free = [
        number
        for number in (*range(1, cap), 0)
        if known[number].open_sessions == 0 or known[number].opened_micros <= edge
    ]
    number = free[0] if free else min(range(cap), key=lambda n: known[n].opened_micros)
    sharing = 0 if free else known[number].open_sessions
    opened = Slot(opened_micros=now.micros, open_sessions=sharing + 1)
    return number, (*known[:number], opened, *known[number + 1 :])


def close_slot(slots: Slots, number: int) -> Slots:
    """Note that one session of a slot closed; the same slots where it had none."""
    if number >= len(slots) or slots[number].open_sessions == 0:
        return slots
    slot = slots[number]
    closed = replace(slot, open_sessions=slot.open_sessions - 1)
    return (*slots[:number], closed, *slots[number + 1 :])


def encode(slots: Slots) -> str:
    """Write slots down."""
    return " ".join(f"{slot.opened_micros}*{slot.open_sessions}" for slot in slots)


def decode(text: str) -> Slots:
    """Read slots back.

    Raises:
        ValueError: the text is not what `encode` writes.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("stored slots are not in the form slots are written in")
    pairs = [word.split("*") for word in text.split()]
    return tuple(Slot(opened_micros=int(at), open_sessions=int(count)) for at, count in pairs)
