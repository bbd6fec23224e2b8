"""A policy document, checked and compiled; and its canonical form.

Only the top level of the document may live here. This is the one maker of a `Policy`.
It reads values, not text: the gateway hands it the strictly parsed JSON that the
activator stored, `policy_text` the tree of an author's file. Nothing it needs reads YAML.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from portcullis.errors import StrictJsonError
from portcullis.policy.advice import advise
from portcullis.policy.cases import Case
from portcullis.policy.entries import ReadSection, compile_hidden, read_hidden, read_section
from portcullis.policy.faults import Fault, Findings, Positions, quoted
from portcullis.policy.lock_text import (
    NO_LOCK,
    NO_LOCK_HINT,
    DriftText,
    compiled_lock,
    lock_document,
    read_categories,
    read_drift,
    read_lock,
    with_categories,
)
from portcullis.policy.model import Effect, Kind, Pin, Policy
from portcullis.policy.nodes import (
    Node,
    has_keys,
    read_mapping,
    read_optional,
    read_text,
    read_word,
)
from portcullis.policy.redact_text import read_redact, redact_document
from portcullis.policy.words import (
    DEFAULT_HINTS,
    DEFAULTS,
    DOCUMENT_KEYS,
    SECTION_KEYS,
    TOP_HINTS,
    VERSION,
)
from portcullis.strictjson import canonical
from portcullis.values import JsonObject, JsonValue

MAXIMUM_DESCRIPTION = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text a policy came from, for the author to recognise it by.

    `digest` is "sha256:" and the hex digest of its bytes. `sealed`: the text marks its own
    end, so that a file cut short cannot have been taken for the whole.
    """

    digest: str
    lines: int
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A policy ready for use, what its author should look at, and the text it came from.

    `rules` is how many rules were read, `cases` the tests its author wrote into the text.
    """

    policy: Policy
    warnings: tuple[Fault, ...]
    rules: int
    source: Source | None = None
    cases: tuple[Case, ...] = ()


def parse_document(
    tree: JsonValue,
    positions: Positions | None = None,
    *,
    known_tools: Collection[str] | None = None,
) -> Loaded:
    """Check and compile a document.

    Its `tests` are neither read nor kept: they are no part of what it says.

    Args:
        tree: the document as values; numbers are int or Decimal.
        positions: where its parts stand in a text, for the faults.
        known_tools: names of the server's tools, to warn of names that none of them has.

    Raises:
        PolicyFaults: the document cannot be used; it carries every fault.
    """
    findings = Findings(positions)
    members = _read_top(Node(tree, (), findings))
    description = read_optional(members, "description", _read_description)
    default = read_optional(members, "default", _read_default)
    hidden = read_optional(members, "hide", read_hidden) or []
    sections = {
        kind: read_section(members[key], kind) if key in members else ReadSection()
        for kind, key in SECTION_KEYS.items()
    }
    locked = _read_locked(members)
    redacted = read_optional(members, "redact", read_redact) or ()
    document = {
        **_document(description, default, hidden, sections),
        **locked.document(),
        **redact_document(redacted),
    }
    revision = _revision(document, findings)
    findings.raise_faults()
    compiled = {kind: section.compiled() for kind, section in sections.items()}
    pins = locked.pins
    if pins is not None:
        compiled[Kind.TOOL] = with_categories(compiled[Kind.TOOL], locked.categories, pins)
    policy = Policy(
        revision=revision,
        default=Effect(default),
        hidden=compile_hidden(hidden),
        sections=compiled,
        document=document,
        lock=None if pins is None else compiled_lock(pins, locked.drift),
        redact=redacted,
    )
    advise(policy, hidden, findings, known_tools)
    return Loaded(policy=policy, warnings=tuple(findings.warnings), rules=_count_rules(policy))


def to_document(policy: Policy) -> JsonObject:
    """The canonical document of a policy: parsed again it gives the same policy."""
    return dict(policy.document)


def revision_of(document: JsonObject) -> str:
    """The revision that a canonical document has.

    Raises:
        StrictJsonError: it has no JSON form; nothing that was parsed is such a one.
    """
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def _read_top(node: Node) -> dict[str, Node]:
    """Read the top level; only its known keys go on."""
    members = read_mapping(node, "a policy", DOCUMENT_KEYS, TOP_HINTS)
    if members is None:
        return {}
    has_keys(node, members, ("version", "default"))
    version = members.get("version")
    if version is not None and version.value != VERSION:
        message = f"the version is not the text {quoted(VERSION)}"
        version.fault(message, f'write `version: "{VERSION}"`, with the quotes')
    return members


@dataclass(frozen=True, slots=True, kw_only=True)
class _Locked:
    """What a document says of a lock, and the lock."""

    categories: ReadSection
    drift: DriftText | None
    pins: dict[str, Pin] | None

    def document(self) -> JsonObject:
        """The parts of the canonical form."""
        said: dict[str, JsonValue] = {
            "categories": self.categories.document() or None,
            "drift": None if self.drift is None else self.drift.document(),
            "lock": None if self.pins is None else lock_document(self.pins),
        }
        return {key: value for key, value in said.items() if value is not None}


def _read_locked(members: Mapping[str, Node]) -> _Locked:
    """Read what hangs on a lock; without one, none of it would have an effect."""
    if "lock" not in members:
        for key in ("categories", "drift"):
            if key in members:
                members[key].key_fault(NO_LOCK, NO_LOCK_HINT)
    categories = read_optional(members, "categories", read_categories) or ReadSection()
    drift = read_optional(members, "drift", read_drift)
    return _Locked(
        categories=categories, drift=drift, pins=read_optional(members, "lock", read_lock)
    )


def _read_description(node: Node) -> str | None:
    return read_text(node, MAXIMUM_DESCRIPTION)


def _read_default(node: Node) -> str | None:
    return read_word(node, DEFAULTS, DEFAULT_HINTS)


def _document(
    description: str | None,
    default: str | None,
    hidden: Sequence[str],
    sections: Mapping[Kind, ReadSection],
) -> JsonObject:
    document: JsonObject = {"version": VERSION}
    if description is not None:
        document["description"] = description
    document["default"] = default
    if hidden:
        document["hide"] = list(hidden)
    for kind, section in sections.items():
        if section.documents:
            document[SECTION_KEYS[kind]] = section.document()
    return document


def _revision(document: JsonObject, findings: Findings) -> str:
    try:
        return revision_of(document)
    except StrictJsonError as error:
        findings.fault((), f"it cannot be stored: {error}")
        return ""


def _count_rules(policy: Policy) -> int:
    entries = [
        rules
        for section in policy.sections.values()
        for rules in (*section.exact.values(), *(rules for _, _, rules in section.patterns))
    ]
    return sum(map(len, entries))
