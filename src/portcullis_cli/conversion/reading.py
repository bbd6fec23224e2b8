"""Reading the parts that the dialects share: conditions, windows, names, tools.

Only readers of single parts may live here; which keys a dialect has is said in its module.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import re2

from portcullis.policy.compile_error import PatternError
from portcullis.policy.faults import quoted
from portcullis.policy.names import is_pattern, is_tool_name
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_elements,
    read_mapping,
    read_members,
    read_optional,
    read_text,
    read_word,
)
from portcullis.policy.regexes import compile_fullmatch
from portcullis.values import JsonValue
from portcullis_cli.conversion.constructs import REFUSED, Note
from portcullis_cli.conversion.operands import CARRIED
from portcullis_cli.conversion.source import EVERY_TOOL, SourceTest, SourceTool, exact

MAXIMUM_TEXT: Final = 1000
MAXIMUM_MANY: Final = 2000
WINDOWS: Final[Mapping[str, int]] = {"minute": 60, "hour": 3600, "day": 86_400}
_Members: TypeAlias = Mapping[str, Node]

_TEST_KEYS: Final = ("path", "op", "value")
_ARGUMENT: Final = re.compile(r"args((?:\.[^.]+)+)")
_STATE: Final = re.compile(r"state\.(?P<scope>.+)\.(?P<counter>[^.]+)")


@dataclass(slots=True, kw_only=True)
class Reader:
    """What a person chose for what the source does not say, and what was noted on the way."""

    default: str | None = None  # `allow` or `deny`, where the source has none
    scope: str | None = None  # `per:` of every limit, instead of the source's own
    notes: list[Note] = field(default_factory=list)

    def note(self, construct: str, node: Node) -> None:
        """Note that a construct stands here."""
        self.notes.append(Note(construct=construct, place=node.path))

    def permits(self, root: Node, members: Mapping[str, Node]) -> bool | None:
        """What the default says; None after a fault."""
        if "default" in members:
            self.note("default", members["default"])
            word = read_word(members["default"], ("allow", "deny"), {})
            return None if word is None else word == "allow"
        if self.default is None:
            root.fault(
                "`default` is missing, which Intercept takes for `allow`",
                "choose with `--default deny` (or `allow`) what happens to tools that no entry "
                "names",
            )
            return None
        self.note("default chosen", root)
        return self.default == "allow"

    def scope_of(self, own: str, node: Node) -> str:
        """Whose calls a limit counts together: as in the source, unless a person chose."""
        if self.scope in (None, own):
            return own
        self.note("scope chosen", node)
        return str(self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterTest:
    """A condition on a counter: what makes a `state` block a limit."""

    scope: str
    counter: str
    op: str
    bound: int
    node: Node


def keys_of(node: Node, what: str, keys: Iterable[str]) -> dict[str, Node] | None:
    """A mapping of known keys; what is known not to be carried over has its own advice."""
    return read_mapping(node, what, keys, REFUSED)


def read_version(node: Node) -> None:
    """`"1"`, or 1, which decodes to it."""
    if node.value not in ("1", 1) or isinstance(node.value, bool):
        node.fault("only version 1 is known", 'write `version: "1"`')


def read_description(members: _Members) -> str | None:
    """`description`, a text for people that may be empty."""
    return read_optional(
        members, "description", lambda node: read_text(node, MAXIMUM_TEXT) if node.value else None
    )


def read_hidden(reader: Reader, node: Node) -> tuple[str, ...]:
    """`hide`: exact names, each once; `*` hides all."""
    reader.note("hide", node)
    names: list[str] = []
    elements = [] if node.value == [] else read_elements(node, "`hide`", MAXIMUM_MANY)
    for element in elements or []:
        name = read_text(element, MAXIMUM_TEXT)
        if name is None:
            continue
        if name in names:
            element.fault(f"{quoted(name)} is hidden twice", "keep one")
        if is_pattern(name) and name != EVERY_TOOL:
            reader.note("hidden pattern", element)
        names.append(name)
    return tuple(names)


def read_tools(
    node: Node, read: Callable[[str, Node], SourceTool | None], *, every: bool
) -> tuple[SourceTool, ...]:
    """The tools by name. `every`: whether the dialect knows an entry for all of them."""
    tools: list[SourceTool] = []
    for name, entry in (read_members(node, "a mapping of tools") or {}).items():
        if not is_tool_name(name) and not (every and name == EVERY_TOOL):
            entry.key_fault(
                f"{quoted(name)} cannot be the name of a tool",
                "theirs are exact names: here it would be a pattern, or names nothing",
            )
            continue
        tool = read(name, entry)
        if tool is not None:
            tools.append(tool)
    return tuple(tools)


def read_conditions(reader: Reader, node: Node) -> tuple[list[SourceTest], list[CounterTest]]:
    """A list of conditions, those of arguments and those of counters apart."""
    tests: list[SourceTest] = []
    counters: list[CounterTest] = []
    for element in read_elements(node, "a list of conditions", MAXIMUM_MANY) or []:
        members = keys_of(element, "a condition like `{path, op, value}`", _TEST_KEYS)
        if members is None or not has_keys(element, members, _TEST_KEYS):
            continue
        path = read_text(members["path"], MAXIMUM_TEXT)
        op = read_word(members["op"], CARRIED, {})
        if path is None or op is None:
            continue
        if path.startswith("state."):
            counter = _counter_test(element, path, op, members["value"])
            counters += [] if counter is None else [counter]
        else:
            tests += _argument_test(reader, element, path, members)
    return tests, counters


def _argument_test(reader: Reader, node: Node, path: str, members: _Members) -> list[SourceTest]:
    found = _ARGUMENT.fullmatch(path)
    op, value = str(members["op"].value), members["value"]
    if found is None:
        node.fault("a path is `args.name`, or `state.tool.counter`", "only arguments are known")
        return []
    if not _is_operand(op, value):
        return []
    reader.note(CARRIED[op].construct, node)
    keys = tuple(found[1][1:].split("."))
    return [SourceTest(keys=keys, op=op, value=value.value, place=node.path)]


def _is_operand(op: str, node: Node) -> bool:
    wanted, is_one = _OPERANDS.get(op, ("", lambda _value: True))
    if not is_one(node.value):
        node.fault(f"`{op}` takes {wanted}")
        return False
    return op != "regex" or _is_pattern_text(node)


def _is_pattern_text(node: Node) -> bool:
    pattern = str(node.value)
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
        compile_fullmatch(pattern) if pattern else None
    except (re2.error, UnicodeEncodeError, PatternError):
        node.fault("the pattern is not RE2, or longer than 1000 characters")
        return False
    return True


_OPERANDS: Final[Mapping[str, tuple[str, Callable[[JsonValue], bool]]]] = {
    "in": ("a list", lambda value: isinstance(value, list)),
    "not_in": ("a list", lambda value: isinstance(value, list)),
    "lt": ("a number", lambda value: exact(value) is not None),
    "lte": ("a number", lambda value: exact(value) is not None),
    "gt": ("a number", lambda value: exact(value) is not None),
    "gte": ("a number", lambda value: exact(value) is not None),
    "regex": ("a text", lambda value: isinstance(value, str)),
    "exists": ("true or false", lambda value: isinstance(value, bool)),
}


def _counter_test(node: Node, path: str, op: str, value: Node) -> CounterTest | None:
    found = _STATE.fullmatch(path)
    bound = value.value
    if found is None:
        node.fault("a counter is `state.tool.counter`")
        return None
    if op not in ("lt", "lte"):
        node.fault(
            f"a limit with `{op}` never fired: theirs counts only under `lt` and `lte`",
            "write `lte`, or remove the rule",
        )
        return None
    if isinstance(bound, bool) or not isinstance(bound, int):
        value.fault("a limit is a whole number", "theirs cuts fractions off: write what is meant")
        return None
    return CounterTest(
        scope=found["scope"], counter=found["counter"], op=op, bound=bound, node=node
    )
