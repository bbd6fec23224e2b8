"""Entries and their comments to the text of the one layout."""

import re
from typing import Any, Final

import yaml

from portcullis.policy.plain_scalars import read_plain
from portcullis_cli.policy.layout.order import in_order
from portcullis_cli.policy.layout.reading import Comment, Entry, Where

WIDTH: Final = 100
STEP: Final = 2
_SPACED = frozenset({"tools", "resources", "prompts", "categories"})

_WORD = re.compile(r"[^\W\d](?:[\w .;()/+'-]|,(?!$)|:(?=[A-Za-z0-9]))*(?<! )|[1-9][0-9]*[smhd]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def write_entries(root: Entry) -> str:
    """The whole text: sealed by `---` and `...`, so that a file cut short is refused."""
    head = _without_end(_own_lines(root.comments.get(Where.HEAD, []), 0))
    return "\n".join([*head, "---", *_block(root, 0), "..."]) + "\n"


def _block(entry: Entry, indent: int) -> list[str]:
    """What an entry holds, one entry a line, and the comments at its end."""
    lines: list[str] = []
    was_long = False
    spaced = entry.path == () or (len(entry.path) == 1 and entry.path[0] in _SPACED)
    for child in in_order(entry):
        before = _own_lines(child.comments.get(Where.BEFORE, []), indent)
        made = _entry(child, indent)
        if lines and spaced and (before or was_long or len(made) > 1):
            lines.append("")
        was_long = len(made) > 1
        lines += [*before, *made]
    return [*lines, *_without_end(_own_lines(entry.comments.get(Where.FOOT, []), indent))]


def _without_end(lines: list[str]) -> list[str]:
    """The lines without an empty one at the end."""
    return lines[:-1] if lines and not lines[-1] else lines


def _own_lines(comments: list[Comment], indent: int) -> list[str]:
    lines: list[str] = []
    for one in comments:
        lines += [" " * indent + one.text, *([""] if one.is_apart else [])]
    return lines


def _entry(entry: Entry, indent: int) -> list[str]:
    """One entry: its first line, and what it holds below where that is no line's work."""
    margin = " " * indent
    is_element = isinstance(entry.path[-1], int)
    start = margin + ("-" if is_element else f"{_text(str(entry.path[-1]), in_flow=False)}:")
    beside = "".join(f"  {one.text}" for one in entry.comments.get(Where.BESIDE, []))
    block = _block_text(entry.node)
    if block is not None:
        inner = " " * (indent + STEP)
        body = [f"{inner}{line}" if line else "" for line in block[1]]
        return [f"{start} {block[0]}{beside}", *body]
    in_line = _in_line(entry, len(start) + 1)
    if in_line is not None:
        return [f"{start} {in_line}{beside}"]
    body = _block(entry, indent + STEP)
    first = body[0].lstrip()
    if is_element and not beside and not first.startswith(("#", "- ")):
        return [f"{start} {first}", *body[1:]]
    return [start + beside, *body]


def _in_line(entry: Entry, column: int) -> str | None:
    """What an entry holds, within its line; None where it must be below."""
    if isinstance(entry.node, yaml.ScalarNode):
        return _scalar(entry.node, in_flow=False)
    if any(one.comments for child in entry.children for one in child.walk()):
        return None
    if Where.FOOT in entry.comments or not (entry.is_flow or not entry.children):
        return None
    made = _flow(entry)
    return made if column + len(made) <= WIDTH or not entry.children else None


def _flow(entry: Entry) -> str:
    if isinstance(entry.node, yaml.ScalarNode):
        return _scalar(entry.node, in_flow=True)
    if isinstance(entry.node, yaml.SequenceNode):
        return "[" + ", ".join(_flow(one) for one in entry.children) + "]"
    members = (f"{_text(str(one.path[-1]), in_flow=True)}: {_flow(one)}" for one in in_order(entry))
    return "{" + ", ".join(members) + "}"


def _scalar(node: Any, *, in_flow: bool) -> str:
    value = str(node.value)
    if node.style is None and not isinstance(read_plain(value), str):
        return value  # a number, a boolean or null, as it was written
    return _text(value, in_flow=in_flow)


def _text(value: str, *, in_flow: bool) -> str:
    """A text without quotes where every reader takes it for that text, else in double ones."""
    is_word = _WORD.fullmatch(value) is not None and read_plain(value) == value
    if is_word and value.isprintable() and not (in_flow and "," in value):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _block_text(node: Any) -> tuple[str, list[str]] | None:
    """A text of several lines, as `|` and its lines, where its author wrote it as a block."""
    if not isinstance(node, yaml.ScalarNode) or node.style not in {"|", ">"}:
        return None
    lines = str(node.value).removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[-1] or lines[0][:1] in {"", " "}:
        return None
    return ("|" if str(node.value).endswith("\n") else "|-"), lines
