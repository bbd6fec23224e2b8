"""A policy that waits for people, as the arguments of a request, and those as a person sees them.

The arguments hold the whole uploaded text. Nothing in it is masked: a policy is no place for
secrets, and a rule that looks like one must not be hidden from who approves it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.approvals.presentation import (
    ENDING,
    LONG,
    MAXIMUM_NOTES,
    MAXIMUM_ROWS,
    Presentation,
    Row,
)
from portcullis.approvals.record import ApprovalRecord
from portcullis.approvals.risk import Risk
from portcullis.approvals.visible_text import Piece, oddities, pieces_of
from portcullis.policy.model import Approval, Path
from portcullis.policy.paths import compile_path
from portcullis.values import JsonMapping, JsonObject

NOTHING: Final = "nothing"  # stands for the revision in force where there is none
UNREADABLE: Final = "unreadable"  # where what is in force is not what an activation writes
WIDENS: Final = "may permit more than before"

_SHOWN: Final = tuple(
    compile_path(f"args.{name}") for name in ("server", "revision", "replaces", "changes")
)
_FACTS: Final = ("server", "version_id", "digest", "revision", "replaces")
_DEEPEST: Final = 60  # spaces at the start of a line that are shown as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs from the policy in force; `widens`: it may permit more."""

    text: str
    widens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """One upload, and what is in force that it would take the place of.

    `version_id` and `digest` (SHA-256, hex) name the upload's bytes, `revision` the policy they
    come to, `replaces` the revision in force.
    """

    server: str
    version_id: str
    digest: str
    revision: str
    replaces: str
    changes: tuple[Change, ...]
    text: str

    def arguments(self) -> JsonObject:
        """The arguments of the request that asks for it."""
        return {
            "server": self.server,
            "version_id": self.version_id,
            "digest": self.digest,
            "revision": self.revision,
            "replaces": self.replaces,
            "changes": [{"text": one.text, "widens": one.widens} for one in self.changes],
            "policy": self.text,
        }


def policy_terms(approvers: tuple[str, ...], *, needed: int, seconds: int) -> Approval:
    """Who may approve a policy, and what notifications hold of it."""
    return Approval(approvers=approvers, timeout_seconds=seconds, min_approvals=needed, show=_SHOWN)


def governed_server(record: ApprovalRecord) -> str:
    """The server whose policy a request is about; its record keeps it where a call has a scope."""
    return record.scope


def present_policy(arguments: JsonMapping, _named: Sequence[Path] = ()) -> Presentation:
    """What a person sees: what changes, what widens first; which upload it is; all of its text."""
    changes = [_change_row(number, one) for number, one in enumerate(_changes(arguments), start=1)]
    text = arguments.get("policy")
    is_complete = isinstance(text, str) and len(changes) < MAXIMUM_ROWS
    if not isinstance(text, str) or not is_complete:
        return Presentation(rows=(), notes=(), is_complete=False)
    facts = [_fact_row(name, str(arguments.get(name))) for name in _FACTS]
    return Presentation(rows=(*changes, *facts, _text_row(text)), notes=_notes(arguments, text))


def lines_of(text: str) -> tuple[Piece, ...]:
    """A file as it is, line by line; what does not show itself is written out.

    Spaces at the start of a line are the file's layout and stay spaces.
    """
    return tuple(piece for line in text.splitlines(keepends=True) for piece in _line(line))


def _line(line: str) -> Iterator[Piece]:
    body = line.removesuffix("\n")
    rest = body.lstrip(" ")
    indent = len(body) - len(rest)
    if not rest or indent > _DEEPEST:
        rest, indent = body, 0
    if indent:
        yield Piece(text=" " * indent)
    yield from pieces_of(rest)
    if body != line:
        yield Piece(text="\n")


def _changes(arguments: JsonMapping) -> list[Change]:
    found = arguments.get("changes")
    known = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [
        Change(text=str(one.get("text")), widens=one.get("widens") is not False) for one in known
    ]


def _change_row(number: int, change: Change) -> Row:
    return Row(
        path=f"change {number}",
        kind="of what is in force",
        pieces=pieces_of(change.text),
        length=len(change.text),
        risks=(Risk(gravity=1, reason=WIDENS),) if change.widens else (),
    )


def _fact_row(name: str, value: str) -> Row:
    return Row(path=name, kind="text", pieces=pieces_of(value), length=len(value))


def _text_row(text: str) -> Row:
    return Row(
        path="policy",
        kind=f"the whole file, {len(text.splitlines())} lines",
        pieces=lines_of(text),
        ending=lines_of(text[-ENDING:]) if len(text) > LONG else (),
        length=len(text),
        risks=tuple(Risk(gravity=0, reason=what) for what in oddities(text)),
    )


def _notes(arguments: JsonMapping, text: str) -> tuple[str, ...]:
    notes = [f"The file {what}" for what in oddities(text)]
    notes += [
        f"May permit more: {''.join(piece.text for piece in pieces_of(one.text))}"
        for one in _changes(arguments)
        if one.widens
    ]
    if len(notes) > MAXIMUM_NOTES:
        return (*notes[:MAXIMUM_NOTES], f"and {len(notes) - MAXIMUM_NOTES} more like these")
    return tuple(notes)
