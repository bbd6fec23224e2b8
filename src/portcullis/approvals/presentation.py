"""What a person sees of the arguments that will run: every value, in the order that matters.

Only the making of rows may live here; how they look is the console's business. Nothing is cut
off: where the arguments are too many or too long to list, they are shown whole as one text, and
where even that cannot be, `is_complete` says so and nobody can approve.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from portcullis import strictjson
from portcullis.approvals.json_reading import Line, read_lines
from portcullis.approvals.masking import Leaf, Mask, leaves, masked, masked_value, read_json, split
from portcullis.approvals.risk import Risk, is_agent_text, risks_of
from portcullis.approvals.visible_text import Look, Piece, oddities, pieces_of
from portcullis.errors import StrictJsonError
from portcullis.policy.model import Path
from portcullis.values import JsonMapping, JsonObject, JsonValue

MAXIMUM_BYTES: Final = 256 * 1024  # twice what the gateway lets an agent ask for
MAXIMUM_ROWS: Final = 1000
MAXIMUM_CHARACTERS: Final = 1_000_000  # of all rows, their names and readings included
MAXIMUM_NOTES: Final = 40
LONG: Final = 600  # characters; the end of a longer text is shown apart as well
ENDING: Final = 160

_MAXIMUM_PLACES = 4
_NOTED_NAME = 120
_IDENTIFIER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value. `pieces` is all of it; they are none only where a reading stands for it."""

    path: str
    kind: str
    pieces: tuple[Piece, ...] = ()
    ending: tuple[Piece, ...] = ()  # the end of a long text, once more
    reading: tuple[Line, ...] = ()  # a text that is JSON, read and indented
    length: int = 0  # characters of a text
    is_named: bool = False  # the rule names it
    is_agent_text: bool = False
    is_masked: bool = False
    risks: tuple[Risk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """All rows, those that matter first, and what is risky about any of them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    is_complete: bool = True


def present(arguments: JsonMapping, named: Sequence[Path] = ()) -> Presentation:
    """What a person sees. `named` are the arguments that the rule wants seen first."""
    tree = dict(arguments)
    if not _is_presentable(tree):
        return Presentation(rows=(), notes=(), is_complete=False)
    first = list(islice(leaves(tree), MAXIMUM_ROWS + 1)) if tree else []
    rows = _listed(first, named) if len(first) <= MAXIMUM_ROWS else None
    if rows is None:
        return Presentation(rows=(_whole(tree),), notes=_notes(leaves(tree)))
    return Presentation(rows=rows, notes=_notes(first))


def _is_presentable(tree: JsonObject) -> bool:
    try:
        return len(strictjson.dump(tree)) <= MAXIMUM_BYTES
    except StrictJsonError:
        return False


def path_text(steps: Iterable[str | int]) -> str:
    """How a value is named: `args.a.b[0]["any key"]`, nothing in it hidden."""
    return "args" + "".join(map(_step_text, steps))


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step and _IDENTIFIER.issuperset(step):
        return f".{step}"
    name = "".join(part if isinstance(part, str) else part.label for part in split(step))
    return f"[{''.join(piece.text for piece in pieces_of(_scalar(name), is_json=True))}]"


def _listed(found: Sequence[Leaf], named: Sequence[Path]) -> tuple[Row, ...] | None:
    """The rows in order, or None where they would be too much to send."""
    ranked: list[tuple[int, int, Row]] = []
    characters = 0
    for leaf in found:
        position = next((n for n, path in enumerate(named) if _leads(path, leaf)), None)
        row = _row(leaf, is_named=position is not None)
        characters += _size(row)
        if characters > MAXIMUM_CHARACTERS:
            return None
        place = len(named) if position is None else position
        ranked.append((place, _gravity(row), row))
    ranked.sort(key=lambda one: one[:2])
    missing = [_missing(path) for path in named if not any(_leads(path, one) for one in found)]
    return (*missing, *(row for _, _, row in ranked))


def _size(row: Row) -> int:
    lines = (piece for line in row.reading for piece in line.pieces)
    return len(row.path) + sum(len(piece.text) for piece in (*row.pieces, *lines))


def _gravity(row: Row) -> int:
    return min((risk.gravity for risk in row.risks), default=1000)


def _leads(path: Path, leaf: Leaf) -> bool:
    return leaf.steps[: len(path.steps)] == path.steps


def _missing(path: Path) -> Row:
    steps = (step for step in path.steps if isinstance(step, str | int))
    return Row(path=path_text(steps), kind="not given", is_named=True)


def _whole(tree: JsonObject) -> Row:
    text = strictjson.dump(masked(tree)).decode("utf-8")
    pieces = pieces_of(text, is_json=True)
    return Row(
        path="args",
        kind="all arguments as JSON: there are too many to list",
        pieces=pieces,
        ending=_end_of(pieces),
        length=len(text),
        is_masked=text != strictjson.dump(tree).decode("utf-8"),
    )


def _row(leaf: Leaf, *, is_named: bool = False) -> Row:
    value, look = leaf.value, _look(leaf)
    length = len(value) if isinstance(value, str) and not leaf.is_secret else 0
    return Row(
        path=path_text(leaf.steps),
        kind=_kind(value),
        pieces=look.pieces,
        ending=_end_of(look.pieces) if length > LONG else (),
        reading=look.reading,
        length=length,
        is_named=is_named,
        is_agent_text=is_agent_text(_name(leaf), value),
        is_masked=look.is_masked,
        risks=_risks(leaf),
    )


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "yes or no"
        case "":
            return "empty text"
        case str():
            return "text"
        case dict():
            return "empty object"
        case list():
            return "empty list"
        case _:
            return "number"


def _scalar(value: JsonValue) -> str:
    return strictjson.dump(value).decode("utf-8")


def _name(leaf: Leaf) -> str:
    return next((step for step in reversed(leaf.steps) if isinstance(step, str)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    pieces: tuple[Piece, ...]
    reading: tuple[Line, ...] = ()
    is_masked: bool = False


def _look(leaf: Leaf) -> _Look:
    """How a value is shown; a text that is JSON with secrets in it only as it reads."""
    value = leaf.value
    if leaf.is_secret:
        length = len(value) if isinstance(value, str) else len(_scalar(value))
        mask = Piece(text=Mask(length=length).label, look=Look.MASK)
        return _Look(pieces=(mask,), is_masked=True)
    if not isinstance(value, str):
        return _Look(pieces=pieces_of(_scalar(value)))
    read = read_json(value)
    inside = masked_value(read)
    reading = read_lines(inside) if read else ()  # an empty one says nothing that the text does not
    if inside != read:
        pieces = () if reading else pieces_of(_scalar(inside), is_json=True)
        return _Look(pieces=pieces, reading=reading, is_masked=True)
    pieces = _masked_pieces(value)
    is_masked = any(piece.look is Look.MASK for piece in pieces)
    return _Look(pieces=pieces, reading=reading, is_masked=is_masked)


def _masked_pieces(text: str) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for part in split(text):
        if isinstance(part, Mask):
            found.append(Piece(text=part.label, look=Look.MASK))
        else:
            found.extend(pieces_of(part))
    return tuple(found)


def _end_of(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The last pieces, of about `ENDING` characters in all; escapes and masks stay whole."""
    found: list[Piece] = []
    room = ENDING
    for piece in reversed(pieces):
        if room <= 0:
            break
        is_cut = piece.look is not Look.MASK and len(piece.text) > room
        found.append(Piece(text=piece.text[-room:], look=piece.look) if is_cut else piece)
        room -= len(piece.text)
    return tuple(reversed(found))


def _risks(leaf: Leaf) -> tuple[Risk, ...]:
    found = [Risk(gravity=0, reason=what) for what in _odd(leaf)]
    found += risks_of(_name(leaf), leaf.value)
    if isinstance(leaf.value, str) and not leaf.is_secret:
        found += _inner_risks(leaf.value)
    return tuple(sorted(found))


def _inner_risks(text: str) -> Iterator[Risk]:
    """What is risky inside a text that is JSON: each reason once, with where it applies."""
    places: dict[Risk, list[str]] = {}
    for leaf in leaves(read_json(text)):
        for risk in risks_of(_name(leaf), leaf.value):
            places.setdefault(risk, []).append(_inner_path(leaf))
    for risk, paths in places.items():
        more = len(paths) - _MAXIMUM_PLACES
        named = ", ".join(paths[:_MAXIMUM_PLACES]) + (f" and {more} more" if more > 0 else "")
        yield Risk(gravity=risk.gravity, reason=f"{risk.reason} (inside, at {named})")


def _inner_path(leaf: Leaf) -> str:
    return _shortened(path_text(leaf.steps).removeprefix("args").removeprefix("."))


def _odd(leaf: Leaf) -> tuple[str, ...]:
    names = {what for step in leaf.steps if isinstance(step, str) for what in _odd_name(step)}
    text = leaf.value if isinstance(leaf.value, str) and not leaf.is_secret else ""
    return (*sorted(names), *oddities(text))


@lru_cache(maxsize=256)
def _odd_name(name: str) -> tuple[str, ...]:
    return tuple(f"has a name that {what}" for what in oddities(name))


def _notes(found: Iterable[Leaf]) -> tuple[str, ...]:
    noted = [(risk.gravity, leaf, risk.reason) for leaf in found for risk in _risks(leaf)]
    noted.sort(key=lambda one: one[0])
    notes = [
        f"{_shortened(path_text(leaf.steps))} {reason}" for _, leaf, reason in noted[:MAXIMUM_NOTES]
    ]
    if len(noted) > MAXIMUM_NOTES:
        notes.append(f"and {len(noted) - MAXIMUM_NOTES} more like these")
    return tuple(notes)


def _shortened(path: str) -> str:
    return path if len(path) <= _NOTED_NAME else f"{path[:_NOTED_NAME]}…"
