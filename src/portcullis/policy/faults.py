"""Faults: what is wrong with a policy, where, and what to write instead.

Only fault values, their places, and the error that carries all of them may live here.
A warning is a value of the same shape that stops nothing.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from portcullis.errors import PolicyError

MAXIMUM_FAULTS = 100

NodePath: TypeAlias = tuple[str | int, ...]

_PLAIN_STEP = re.compile(r"[A-Za-z0-9_*?-]{1,128}")
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position in the text: line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Where the keys and the values of a document stand in its text."""

    keys: Mapping[NodePath, Place] = field(default_factory=dict)
    values: Mapping[NodePath, Place] = field(default_factory=dict)

    def of_value(self, path: NodePath) -> Place | None:
        """The place of a value; of the nearest thing around it where it is missing."""
        if path in self.values:
            return self.values[path]
        return self.of_key(path[:-1]) if path else None

    def of_key(self, path: NodePath) -> Place | None:
        """The place of a key; of the value itself for what has no key (list elements)."""
        return self.keys[path] if path in self.keys else self.of_value(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault or warning.

    `path` reads like `tools.create_broker.rules[0].action` and is empty for the whole
    document; `line` and `column` count from 1 and are None when there was no text.
    """

    path: str
    message: str
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}, column {self.column}: "
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{place}{path}{self.message}{hint}"


class PolicyFaults(PolicyError):  # noqa: N818 - it is the plural of what it carries
    """A policy cannot be used.

    Attributes:
        faults: everything that is wrong, in the order of the text, never empty.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=_in_text_order))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"the policy has {count}: {self.faults[0]}")


class Findings:
    """Gathers the faults and warnings of one document, so that all are told at once.

    At most `MAXIMUM_FAULTS` faults are kept, so that a hostile file cannot make a report
    larger than itself.
    """

    def __init__(self, positions: Positions | None = None) -> None:
        self._positions = positions or Positions()
        self._left_out = 0
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    @property
    def count(self) -> int:
        """How many faults there were, kept or not."""
        return len(self.faults) + self._left_out

    def fault(self, path: NodePath, message: str, suggestion: str | None = None) -> None:
        """Record a fault of the value at `path`."""
        self._record(_at(path, self._positions.of_value(path), message, suggestion))

    def key_fault(self, path: NodePath, message: str, suggestion: str | None = None) -> None:
        """Record a fault of the key at `path`."""
        self._record(_at(path, self._positions.of_key(path), message, suggestion))

    def fault_at(
        self, place: Place, message: str, suggestion: str | None = None, *, path: NodePath = ()
    ) -> None:
        """Record a fault at a place of the text that is no key or value of the document."""
        self._record(_at(path, place, message, suggestion))

    def warn(self, path: NodePath, message: str, suggestion: str | None = None) -> None:
        """Record a warning about the thing whose key is at `path`."""
        self.warnings.append(_at(path, self._positions.of_key(path), message, suggestion))

    def described(self, path: NodePath, message: str) -> Fault:
        """A fault of the value at `path`, for whoever may need it later; none is recorded."""
        return _at(path, self._positions.of_value(path), message, None)

    def raise_faults(self) -> None:
        """End here if anything was wrong.

        Raises:
            PolicyFaults: with every fault recorded so far.
        """
        if self._left_out:
            self.faults.append(Fault(path="", message=f"and {self._left_out} more faults"))
        if self.faults:
            raise PolicyFaults(self.faults)

    def _record(self, fault: Fault) -> None:
        if len(self.faults) < MAXIMUM_FAULTS:
            self.faults.append(fault)
        else:
            self._left_out += 1


def path_text(path: NodePath) -> str:
    """Write a path the way messages show it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_STEP.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(_shortened(step))}]"
    return text


def quoted(text: str) -> str:
    """Put the author's own words into a message: one line of ASCII, in backticks, not too long."""
    return f"`{json.dumps(_shortened(text))[1:-1]}`"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, or None."""
    candidates = sorted(known)
    plain = {_plain(candidate): candidate for candidate in candidates}
    if _plain(word) in plain:
        return plain[_plain(word)]
    found = difflib.get_close_matches(word.lower()[:128], candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."


def _at(path: NodePath, place: Place | None, message: str, suggestion: str | None) -> Fault:
    return Fault(
        path=path_text(path),
        message=message,
        suggestion=suggestion,
        line=place.line if place else None,
        column=place.column if place else None,
    )


def _in_text_order(fault: Fault) -> tuple[bool, int, int]:
    """By place; what has none comes last, in the order it was found."""
    return (fault.line is None, fault.line or 0, fault.column or 0)
