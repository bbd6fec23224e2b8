"""A policy text as entries and comments, each comment at the entry it speaks of.

An entry is a key with its value, or an element of a list; the document is the root entry.
PyYAML tells where they stand but leaves comments out: those are what stands between its
tokens. The text was read strictly before, so it has no anchors, tags or second document.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from portcullis.policy.faults import NodePath

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*", re.MULTILINE)


class Where(StrEnum):
    """Where a comment stands: of its entry, or of the whole file (`HEAD`)."""

    HEAD = "head"
    BEFORE = "before"
    BESIDE = "beside"
    FOOT = "foot"  # the last thing inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment with its `#`. `is_apart`: an empty line follows it."""

    text: str
    at: int
    column: int
    is_beside: bool
    is_apart: bool


@dataclass(slots=True, kw_only=True)
class Entry:
    """A key or list element, what it holds, and its comments.

    `start` is where its key or its dash stands; `node` is PyYAML's, of its value.
    """

    path: NodePath
    start: int
    column: int
    node: Any
    parent: "Entry | None"
    children: list["Entry"] = field(default_factory=list)
    comments: dict[Where, list[Comment]] = field(default_factory=dict)

    @property
    def is_flow(self) -> bool:
        """Whether it holds a collection in brackets."""
        return bool(getattr(self.node, "flow_style", False))

    @property
    def is_inside_flow(self) -> bool:
        """Whether it stands in brackets itself."""
        return self.parent is not None and (self.parent.is_flow or self.parent.is_inside_flow)

    def holds(self, at: int) -> bool:
        """Whether the place is between its brackets."""
        return self.is_flow and int(self.node.start_mark.index) < at < self.node.end_mark.index

    def walk(self) -> Iterator["Entry"]:
        """It, and all within, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()

    def told(self) -> Iterator[tuple[NodePath, str, str]]:
        """Every comment: the entry it belongs to, where it stands, its text."""
        for entry in self.walk():
            for where, comments in entry.comments.items():
                for one in comments:
                    yield entry.path, where, one.text


def read_entries(text: str) -> Entry:
    """Read a policy text that `parse_text` takes, without carriage returns; place its comments."""
    tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
    dashes = [one.start_mark for one in tokens if isinstance(one, yaml.BlockEntryToken)]
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    root = Entry(path=(), start=-1, column=-1, node=node, parent=None)
    _fill(root, dashes)
    _Placing(text, root, tokens).place()
    return root


def _fill(entry: Entry, dashes: list[Any]) -> None:
    """Make the entries within."""
    if isinstance(entry.node, yaml.MappingNode):
        for key, value in entry.node.value:
            _fill(_added(entry, key.value, key.start_mark, value), dashes)
    elif isinstance(entry.node, yaml.SequenceNode):
        for number, value in enumerate(entry.node.value):
            mark = value.start_mark
            if not entry.is_flow:
                mark = [dash for dash in dashes if dash.index < mark.index][-1]
            _fill(_added(entry, number, mark, value), dashes)


def _added(entry: Entry, step: str | int, mark: Any, node: Any) -> Entry:
    child = Entry(
        path=(*entry.path, step), start=mark.index, column=mark.column, node=node, parent=entry
    )
    entry.children.append(child)
    return child


def _comments(text: str, tokens: list[Any]) -> Iterator[Comment]:
    """What stands between the tokens, and beside the head of a block of text."""
    end = 0
    for token in tokens:
        yield from _between(text, end, token.start_mark.index)
        end = token.end_mark.index
        if isinstance(token, yaml.ScalarToken) and token.style in {"|", ">"}:
            start = token.start_mark.index
            yield from _between(text, start, text.index("\n", start))
    yield from _between(text, end, len(text))


def _between(text: str, start: int, end: int) -> Iterator[Comment]:
    for found in _COMMENT.finditer(text, start, end):
        at = found.start()
        line = text.rfind("\n", 0, at) + 1
        after = text[found.end() :].split("\n", 2)
        yield Comment(
            text=found[0].rstrip(),
            at=at,
            column=at - line,
            is_beside=bool(text[line:at].strip()),
            is_apart=len(after) > 2 and not after[1].strip(),
        )


class _Placing:
    """Give every comment to an entry."""

    def __init__(self, text: str, root: Entry, tokens: list[Any]) -> None:
        self._root = root
        self._entries = list(root.walk())[1:]
        self._comments = list(_comments(text, tokens))
        starts = [
            one.start_mark.index for one in tokens if isinstance(one, yaml.DocumentStartToken)
        ]
        self._head = starts[0] if starts else self._end_of_head()

    def place(self) -> None:
        for comment in self._comments:
            entry, where = self._place_of(comment)
            entry.comments.setdefault(where, []).append(comment)

    def _end_of_head(self) -> int:
        """Without `---`, the comments at the top that an empty line follows are the file's."""
        first = self._entries[0].start
        apart = [one.at for one in self._comments if one.at < first and one.is_apart]
        return apart[-1] + 1 if apart else 0

    def _place_of(self, comment: Comment) -> tuple[Entry, Where]:
        if comment.at < self._head:
            return self._root, Where.HEAD
        brackets = [one for one in (self._root, *self._entries) if one.holds(comment.at)]
        if brackets:
            return self._in_brackets(brackets[-1], comment)
        block = [one for one in self._entries if not one.is_inside_flow]
        if comment.is_beside:
            earlier = [one for one in block if one.start < comment.at]
            return (earlier[-1], Where.BESIDE) if earlier else (self._root, Where.HEAD)
        return self._on_its_own_line(block, comment)

    @staticmethod
    def _in_brackets(holder: Entry, comment: Comment) -> tuple[Entry, Where]:
        earlier = [one for one in holder.children if one.start < comment.at]
        if comment.is_beside:
            return (earlier or [holder])[-1], Where.BESIDE
        later = [one for one in holder.children if one.start > comment.at]
        return (later[0], Where.BEFORE) if later else (holder, Where.FOOT)

    def _on_its_own_line(self, block: list[Entry], comment: Comment) -> tuple[Entry, Where]:
        """It speaks of what follows, if it is not further right than that."""
        later = [one for one in block if one.start > comment.at]
        earlier = [one for one in block if one.start < comment.at]
        if later and (not earlier or comment.column <= later[0].column):
            return later[0], Where.BEFORE
        last = earlier[-1]
        follower = later[0].column if later else -1
        while last.column > max(comment.column, follower + 1) and last.parent is not self._root:
            last = last.parent or self._root
        return last.parent or self._root, Where.FOOT
