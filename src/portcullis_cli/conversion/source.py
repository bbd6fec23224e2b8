"""What another product's policy says, whichever of its dialects it was written in.

Only these values may live here. A condition keeps the sense it has where it stands: under
MUST it says what has to be true of a call that passes, under DENY_IF and APPROVE it says
when the rule applies.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from portcullis.policy.faults import NodePath
from portcullis.values import JsonValue

EVERY_TOOL: Final = "*"


class Dialect(Enum):
    """The dialects that can be converted."""

    INTERCEPT = "intercept"
    HOSTED = "hosted"
    CATALOGUE = "catalogue"


class Sense(Enum):
    """What a rule does with its conditions, all of which are joined by `and`."""

    DENY = "deny"  # no conditions: every call is refused
    MUST = "must"  # a call is refused unless all are true
    DENY_IF = "deny_if"  # a call is refused where all are true
    APPROVE = "approve"  # a call needs an approval where all are true


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTest:
    """One condition: a walk through objects of the arguments, an operator, its operand."""

    keys: tuple[str, ...]
    op: str
    value: JsonValue
    place: NodePath


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRule:
    """A rule of a tool."""

    sense: Sense
    name: str | None
    tests: tuple[SourceTest, ...]
    message: str | None
    place: NodePath
    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimit:
    """So many calls, or so much of an argument, in a window of `window_seconds`."""

    name: str | None
    maximum: int
    window_seconds: int
    scope: str  # a word of this language: `tool`, `principal`, …
    amount: tuple[str, ...] | None  # the argument that is added up; None: calls are counted
    message: str | None
    place: NodePath


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTool:
    """A tool that has an entry; `EVERY_TOOL` for the rules of all."""

    name: str
    rules: tuple[SourceRule, ...]
    limits: tuple[SourceLimit, ...]
    place: NodePath


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePolicy:
    """A whole policy. `permits`: what the default says of tools without an entry."""

    dialect: Dialect
    permits: bool
    hidden: tuple[str, ...]
    tools: tuple[SourceTool, ...]
    description: str | None = None


def exact(number: JsonValue) -> Decimal | None:
    """A number's value, None of what is no number."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return None
    return Decimal(number)
