"""What could not be told, in place of what was to be read: never an empty answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from portcullis_cli.errors import CommandError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Untold:
    """Something that could not be looked at; `why` is one line."""

    why: str


def told_or_not(read: Callable[[], _T]) -> _T | Untold:
    """What a reading answers, or why it answers nothing.

    A `CommandError` alone is caught: whatever reads turns what it meets into one.
    """
    try:
        return read()
    except CommandError as error:
        return Untold(str(error))
