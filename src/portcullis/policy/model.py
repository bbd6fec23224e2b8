"""What a policy says and what it is asked about: frozen values, no behaviour.

Everything here is already checked and compiled (patterns, paths, operands); the
loader in `document.py` is the only maker of a `Policy`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from portcullis.values import JsonMapping, JsonValue


class Effect(Enum):
    """What a rule says when it applies."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


class Kind(Enum):
    """The three kinds of resources a policy names."""

    TOOL = "tool"
    RESOURCE = "resource"
    PROMPT = "prompt"


class Scope(Enum):
    """Whose calls a counter counts together."""

    SESSION = "session"
    PRINCIPAL = "principal"
    TOOL = "tool"
    SERVER = "server"


class Algorithm(Enum):
    """How a counter's window moves."""

    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class Truth(Enum):
    """The outcome of a condition. INDETERMINATE (could not be evaluated) is never FALSE."""

    TRUE = "true"
    FALSE = "false"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls, from a verified credential. `key` is the identity that limits are kept under.

    `person` names the human being behind the credential, "" where nobody said so;
    `credential` the credential itself (a digest, never the secret). Neither is part of `key`.
    `groups` is None where the credential does not say, which is not the same as none.
    """

    issuer: str
    subject: str
    person: str = ""
    credential: str = ""
    groups: tuple[str, ...] | None = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    claims: JsonMapping = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Issuer and subject, length-prefixed so that no two pairs share a key."""
        return f"{len(self.issuer)}:{self.issuer}|{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request for a decision.

    `name` is the tool name, resource URI or prompt name; `arguments` are normalised
    (defaults materialised); `session` is the label counters of scope session use.
    """

    server: str
    kind: Kind
    name: str
    arguments: JsonMapping
    principal: Principal
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """The time of a decision: UTC microseconds since the epoch."""

    micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `maximum` units in any `window_seconds` (sliding) or in each one (fixed).

    `amount_path` is None for a rate limit (one unit a call) and the compiled path of
    the amount for a spend limit. `identity` survives reordering, renaming the reason
    and a changed `maximum`; it is the counter's name in the store.
    """

    identity: str
    maximum: Decimal
    window_seconds: int
    scope: Scope
    algorithm: Algorithm
    amount_path: "Path | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A compiled selector: `root` (args, principal, tool, server, time) and its steps.

    A step is a key (str), an index (int) or EACH (`[*]`).
    """

    text: str
    root: str
    steps: tuple["str | int | Each", ...] = ()


class Each(Enum):
    """The `[*]` step."""

    EACH = "[*]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One condition: a path, an operator's test, and how many elements must pass (`match`)."""

    path: Path
    operator: str
    operand: JsonValue
    test: Callable[[JsonValue], Truth]
    match: str | None = None  # "any" | "all" where the path has a [*]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part is true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Some part is true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part is false."""

    part: "Condition"


Condition: TypeAlias = Comparison | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who may approve, for how long the request stands, how many must agree.

    `show` are the arguments that matter: first on the page, and the only values that
    notifications hold.
    """

    approvers: tuple[str, ...]
    timeout_seconds: int
    min_approvals: int = 1
    show: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of an entry.

    `label` names it in decisions ("create_broker/private only", "create_broker/2").
    `effect` None: the rule permits nothing and only adds limits.
    """

    label: str
    effect: Effect | None
    when: Condition | None = None
    limits: tuple[Limit, ...] = ()
    reason: str | None = None
    approval: Approval | None = None
    shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The entries of one kind: exact names, and patterns (`describe_*`, `*`) sorted."""

    exact: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    patterns: tuple[tuple[str, Callable[[str], bool], tuple[Rule, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One tool as it was when somebody looked at it: its category, and digests (64 hex digits)."""

    category: str  # of `words.CATEGORIES`
    definition: str  # of all of it
    description: str
    schema: str
    annotations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The tools of a server by name, and the rules for one that is not as it was, or is new."""

    pins: Mapping[str, Pin]
    changed: Rule
    added: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A compiled policy. `revision` names exactly this document (sha256 of its canonical form)."""

    revision: str
    default: Effect  # ALLOW or DENY
    hidden: Callable[[str], bool]
    sections: Mapping[Kind, Section]
    document: JsonMapping  # the canonical document it was compiled from
    lock: Lock | None = None
    redact: tuple[Path, ...] = ()  # arguments that no recording may hold
