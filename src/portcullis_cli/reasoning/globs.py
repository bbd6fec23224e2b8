"""A text for each way to match some globs: all ways there are, found by walking through them.

A glob here is a sequence of signs, ANY (one sign) and MANY (any number of them). After each
sign of a text only the places matter that every glob has come to, so there are finitely many
states; one text leads to each of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

ANY: Final = "any"
MANY: Final = "many"
Glob: TypeAlias = tuple[str, ...]  # of single signs, ANY and MANY
_MOST_STATES: Final = 20_000
_PLAIN: Final = tuple("xyz0abcdefghijklmnopqrstuvw123456789_.-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Which texts there are: of some signs only, `least` to `most` of them."""

    signs: frozenset[str] | None = None
    least: int = 0
    most: int | None = None


def glob_of(pattern: str) -> Glob:
    """A pattern of `*` and `?`."""
    return tuple({"*": MANY, "?": ANY}.get(sign, sign) for sign in pattern)


def ways_to_match(
    globs: Sequence[Glob], named: Sequence[str], among: Among
) -> tuple[list[tuple[str, tuple[bool, ...]]], bool]:
    """Answer a shortest text for each way to match, and whether these are all ways.

    No text is one of the `named`.
    """
    walks = [_Walk(one) for one in globs]
    begun = {name[:length] for name in named for length in range(len(name) + 1)}
    alphabet = list(_alphabet([*globs, *map(tuple, named)], among.signs))
    found: dict[tuple[bool, ...], str] = {}
    start = tuple(walk.start for walk in walks)
    waiting, seen = [("", start)], {(start, "" if "" in begun else None, 0)}
    for text, places in waiting:  # which grows
        way = tuple(walk.is_end(place) for walk, place in zip(walks, places, strict=True))
        if text not in named and len(text) >= among.least:
            found.setdefault(way, text)
        for sign in alphabet:
            longer = text + sign
            moved = tuple(walk.moved(at, sign) for walk, at in zip(walks, places, strict=True))
            long = min(len(longer), among.least)
            state = (moved, longer if longer in begun else None, long)
            if state not in seen:
                seen.add(state)
                waiting.append((longer, moved))
        if len(waiting) > _MOST_STATES:
            return [(text, way) for way, text in found.items()], False
    return [(text, way) for way, text in found.items()], True


class _Walk:
    """The places that a text has come to in one glob, as bits."""

    def __init__(self, glob: Glob) -> None:
        self._many = sum(1 << at for at, one in enumerate(glob) if one == MANY)
        self._any = sum(1 << at for at, one in enumerate(glob) if one == ANY)
        self._of_sign: dict[str, int] = {}
        for at, one in enumerate(glob):
            self._of_sign[one] = self._of_sign.get(one, 0) | 1 << at
        self._end = 1 << len(glob)
        self.start = self._closed(1)

    def moved(self, places: int, sign: str) -> int:
        """The places after one more sign."""
        taken = places & (self._any | self._of_sign.get(sign, 0))
        return self._closed(taken << 1 | places & self._many)

    def is_end(self, places: int) -> bool:
        """Whether the text so far matches."""
        return bool(places & self._end)

    def _closed(self, places: int) -> int:
        while (more := places | (places & self._many) << 1) != places:
            places = more
        return places


def _alphabet(globs: Sequence[Sequence[str]], signs: frozenset[str] | None) -> Iterator[str]:
    """The signs that are told apart, and one that stands for all others."""
    told = {one for glob in globs for one in glob if len(one) == 1}
    others = (*_PLAIN, *map(chr, range(0x20, 0x2FFFF)))
    other = next((one for one in others if one not in told and (not signs or one in signs)), None)
    if other is not None:
        yield other
    yield from sorted(one for one in told if signs is None or one in signs)
