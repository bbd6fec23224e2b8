"""Policy text to a plain tree, strictly: the one module that reads YAML.

Only the step from bytes to values and their positions may live here; nothing on the
gateway's own path imports it. YAML is read through PyYAML's events, so no tag is ever
constructed and no alias expanded. What two readers could understand differently is
refused: duplicate keys, merge keys, anchors, aliases, tags, directives, several documents
in one file, YAML 1.1 scalars, trailing commas, invisible characters. JSON is YAML in flow
style and is read by the same rules.

A file that lost its end must not widen access: a deny rule at the end would be gone.
What is held, for every prefix of a text:

* A **sealed** text loads whole or not at all. A text is sealed when it begins with `---`,
  and must then end with a line `...`, or when it is one `{...}` mapping, as JSON is.
* Any other text must end with a line break, so a cut inside a line is refused. A cut
  exactly between two lines cannot be told from a file that was meant so: that is the
  residue. `TextTree.sealed`, its line count and its digest say what was read; they are
  shown to the author in the status of the upload.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from yaml import YAMLError
from yaml.error import Mark, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner
from yaml.tokens import FlowEntryToken, FlowMappingEndToken, FlowSequenceEndToken, Token

from portcullis.policy.characters import first_refused
from portcullis.policy.faults import (
    MAXIMUM_FAULTS,
    Fault,
    Findings,
    NodePath,
    Place,
    PolicyFaults,
    Positions,
    quoted,
)
from portcullis.policy.plain_scalars import Surprise, read_plain
from portcullis.values import JsonObject, JsonScalar, JsonValue

MAXIMUM_BYTES = 256 * 1024
MAXIMUM_DEPTH = 32
MAXIMUM_NODES = 20_000

# JSON escapes a character beyond U+FFFF as two halves (RFC 8259, section 7); YAML reads each alone.
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_HINTS = (
    ("alias", 'put a pattern in quotes: "*", "describe_*"'),
    ("anchor", "put a text that begins with `&` in quotes"),
    ("cannot start any token", "put the text in quotes"),
    ("mapping values are not allowed", "check the indentation, or put a text with `: ` in quotes"),
    ("expected <block end>", "check the indentation"),
    ("expected ',' or", "check commas and brackets; a comment begins with `#`"),
    ("could not find expected ':'", "check the indentation, and that the key ends with `:`"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTree:
    """A text that could be read: its value, positions, and what was wrong in its details.

    Where `faults` is not empty the tree holds the raw text in the faulty places and is
    good only for finding further faults. `sealed`: no part of the text loads alone.
    `digest` is "sha256:" and the hex digest of the bytes.
    """

    tree: JsonValue
    positions: Positions
    faults: tuple[Fault, ...]
    sealed: bool
    lines: int
    digest: str


def parse_text(text: bytes | str) -> TextTree:
    """Read the text of a policy file, YAML or JSON, at most `MAXIMUM_BYTES` of UTF-8.

    Raises:
        PolicyFaults: nothing can be said about its content (syntax, size, characters).
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    content = _decoded(data)
    composer = _Composer(content)
    try:
        tree = composer.compose()
    except (YAMLError, ValueError, OverflowError) as error:
        raise PolicyFaults([*composer.findings.faults, _syntax_fault(error)]) from error
    return TextTree(
        tree=tree,
        positions=composer.positions,
        faults=tuple(composer.findings.faults),
        sealed=composer.sealed,
        lines=content.count("\n") + (not content.endswith("\n")),
        digest="sha256:" + hashlib.sha256(data).hexdigest(),
    )


def _decoded(data: bytes) -> str:
    if len(data) > MAXIMUM_BYTES:
        message = f"the file is larger than {MAXIMUM_BYTES // 1024} KiB"
        raise PolicyFaults([Fault(path="", message=message)])
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = Fault(path="", message="the file is not UTF-8", line=line, column=1)
        raise PolicyFaults([fault]) from error
    faults = list(_character_faults(content))
    if faults:
        raise PolicyFaults(faults[:MAXIMUM_FAULTS])
    return content


def _character_faults(content: str) -> Iterator[Fault]:
    """The first refused character of every line."""
    for number, line in enumerate(content.replace("\r\n", "\n").split("\n"), start=1):
        refused = first_refused(line)
        if refused is not None:
            yield Fault(
                path="",
                message=refused.message,
                suggestion=refused.suggestion,
                line=number,
                column=refused.offset + 1,
            )


def _syntax_fault(error: Exception) -> Fault:
    """Tell a syntax error in one line; PyYAML's bare ValueError means an impossible escape."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Fault(path="", message="an escape in a quoted text cannot be read")
    about = f"{error.context} {error.problem}"
    place = _place(error.problem_mark)
    return Fault(
        path="",
        message=f"this is not valid yaml: {error.problem}",
        suggestion=next((hint for sign, hint in _HINTS if sign in about), None),
        line=place.line,
        column=place.column,
    )


def _start(event: Event) -> Place:
    return _place(cast("Mark", event.start_mark))  # every event of a text has one


def _place(mark: Mark) -> Place:
    return Place(line=mark.line + 1, column=mark.column + 1)


class _Events(Reader, Scanner, Parser):
    """PyYAML's events of a text; also notes commas that stand before a closing bracket."""

    def __init__(self, content: str) -> None:
        Reader.__init__(self, content)
        Scanner.__init__(self)
        Parser.__init__(self)
        self.trailing_commas: list[Place] = []
        self._last: Token | None = None

    def get_token(self) -> Token:
        """Hand the parser its next token."""
        token: Token = super().get_token()  # type: ignore[no-untyped-call]  # PyYAML has no types
        ends = isinstance(token, FlowMappingEndToken | FlowSequenceEndToken)
        if ends and isinstance(self._last, FlowEntryToken):
            self.trailing_commas.append(_place(self._last.start_mark))
        self._last = token
        return token


class _Composer:
    """Builds the tree of one text, its positions and its faults."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._events = _Events(content)
        self._nodes = 0
        self._keys: dict[NodePath, Place] = {}
        self._values: dict[NodePath, Place] = {}
        self.positions = Positions(keys=self._keys, values=self._values)
        self.findings = Findings(self.positions)
        self.sealed = False

    def compose(self) -> JsonValue:
        """Read the one document of the text."""
        self._next()  # the start of the stream says nothing
        start = self._next()
        if not isinstance(start, DocumentStartEvent):
            empty = Fault(path="", message="the file holds nothing", line=1, column=1)
            raise PolicyFaults([empty])
        self._values[()] = _start(start)
        if start.version or start.tags:
            self.findings.fault((), "a `%` directive is not allowed", "remove the line")
        root = self._next()
        tree = self._value(root, ())
        is_flow = isinstance(root, CollectionStartEvent) and root.flow_style is True
        self._require_end(start, is_flow=is_flow)
        for place in self._events.trailing_commas:
            self.findings.fault_at(place, "a comma stands before a closing bracket", "remove it")
        return tree

    def _next(self) -> Event:
        event: Event = self._events.get_event()  # type: ignore[no-untyped-call]  # as above
        if isinstance(event, ScalarEvent) and event.style == '"':
            event.value = _PAIR.sub(_character, event.value)
        return event

    def _require_end(self, start: DocumentStartEvent, *, is_flow: bool) -> None:
        """Refuse what may be the beginning of a longer text, and what follows the document."""
        end = self._next()
        ended = isinstance(end, DocumentEndEvent) and end.explicit
        self.sealed = start.explicit or is_flow
        place = _place(cast("Mark", end.end_mark))
        if start.explicit and not ended:
            message = "the file begins with `---` and does not end with a line `...`"
            self.findings.fault_at(place, message, "it may have been cut short: check its end")
        elif ended and not start.explicit:
            message = "the file ends with `...` and does not begin with a line `---`"
            self.findings.fault_at(place, message, "begin it with `---`, so that a cut is noticed")
        elif not self._content.endswith("\n") and not (is_flow and not ended):
            message = "the last line does not end with a line break"
            self.findings.fault_at(place, message, "it may have been cut short: check its end")
        if not isinstance(self._next(), StreamEndEvent):
            message = "the file holds more than one document"
            self.findings.fault_at(place, message, "keep one document a file")

    def _value(self, event: Event, path: NodePath) -> JsonValue:
        self._values[path] = _start(event)
        self._stop_at_bounds(event, path)
        if isinstance(event, AliasEvent):
            message = f"the alias `*{event.anchor}` is not allowed"
            self.findings.fault(path, message, f'quote a pattern: "*{event.anchor}"')
            return None
        self._refuse_properties(cast("NodeEvent", event), path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _stop_at_bounds(self, event: Event, path: NodePath) -> None:
        """Stop before a text can cost more than its size promises."""
        self._nodes += 1
        if self._nodes > MAXIMUM_NODES:
            self.findings.fault((), f"the file holds more than {MAXIMUM_NODES} values")
            self.findings.raise_faults()
        if isinstance(event, CollectionStartEvent) and len(path) >= MAXIMUM_DEPTH:
            self.findings.fault((), f"the file is nested more than {MAXIMUM_DEPTH} levels deep")
            self.findings.raise_faults()

    def _refuse_properties(self, event: NodeEvent, path: NodePath) -> None:
        if event.anchor is not None:
            message = f"the anchor `&{event.anchor}` is not allowed"
            self.findings.fault(path, message, "write the value out where it is needed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.findings.fault(path, f"the tag {quoted(tag)} is not allowed", "remove it")

    def _scalar(self, event: ScalarEvent, path: NodePath) -> JsonScalar:
        value: str = event.value
        if event.style is None:
            found = read_plain(value)
            if not isinstance(found, Surprise):
                return found
            self.findings.fault(path, found.message, found.suggestion)
            return value
        return self._quoted_text(value, path)

    def _quoted_text(self, value: str, path: NodePath) -> str:
        """A text after its escapes are read; half characters are replaced."""
        refused = first_refused(value, allowed="\t\n\r")
        if refused is not None:
            self.findings.fault(path, refused.message, refused.suggestion)
        return value.encode("utf-8", "replace").decode("utf-8")

    def _sequence(self, path: NodePath) -> JsonValue:
        elements: list[JsonValue] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            elements.append(self._value(event, (*path, len(elements))))
        return elements

    def _mapping(self, path: NodePath) -> JsonValue:
        members: JsonObject = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event, path)
            child = (*path, key)
            if key in members:
                message = f"{quoted(key)} is already there on line {self._keys[child].line}"
                self.findings.fault_at(_start(event), message, "keep one", path=child)
                self._value(self._next(), child)
            else:
                self._keys[child] = _start(event)
                members[key] = self._value(self._next(), child)
        return members

    def _key(self, event: Event, path: NodePath) -> str:
        """Read a key, which must be a text."""
        if not isinstance(event, ScalarEvent):
            self._value(event, (*path, "?"))
            if not isinstance(event, AliasEvent):
                self.findings.fault((*path, "?"), "a key is not a text", "write one name")
            return "?"
        child = (*path, event.value)
        self._values[child] = _start(event)
        self._refuse_properties(event, child)
        if event.style is not None:
            return self._quoted_text(event.value, child)
        found = read_plain(event.value)
        hint = f'put it in quotes: "{event.value[:40]}"'
        if isinstance(found, Surprise):
            self.findings.fault(child, found.message, hint)
        elif not isinstance(found, str):
            self.findings.fault(child, f"the key {quoted(event.value)} is not a text", hint)
        return str(event.value)


def _character(halves: re.Match[str]) -> str:
    return halves[0].encode("utf-16", "surrogatepass").decode("utf-16")
