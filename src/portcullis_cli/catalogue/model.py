"""What is said of a tool: frozen values.

The categories and their order are those of the catalogues people know; a severity follows from
category and signals alone, so that no text can contradict it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Category(Enum):
    """What a tool does at worst."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"
    DESTRUCTIVE = "destructive"
    FINANCIAL = "financial"


class Severity(Enum):
    """How bad one wrong call is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Undo(Enum):
    """Whether another call takes it back."""

    NOTHING = "nothing to undo"
    YES = "reversible"
    UNKNOWN = "depends on what is run"
    NO = "not reversible"


class Confidence(Enum):
    """How sure the category is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


RANK: Mapping[Category | Severity, int] = {
    **{one: rank for rank, one in enumerate(Category)},
    **{one: rank for rank, one in enumerate(Severity)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing the definition says. `source` is the part of it, `quote` its own words."""

    source: str  # name | description | annotations | inputSchema | siblings | profile
    quote: str
    says: str
    points_to: Category | None = None
    undo: Undo | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A signal in one tool's definition, with where it was seen."""

    signal: str
    says: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A way in which tools are abused."""

    id: str
    name: str
    happens: str
    stopped: str
    references: tuple[str, ...]
    fits: frozenset[str]
    whole_server: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """All that is said of one tool."""

    tool: str
    category: Category
    severity: Severity
    undo: Undo
    confidence: Confidence
    summary: str
    evidence: tuple[Evidence, ...]
    signals: tuple[Found, ...]
    owasp: tuple[str, ...]
    attacks: tuple[str, ...]
    rule: Mapping[str, Any]  # an entry of a policy's `tools`
    notes: tuple[str, ...] = ()
