"""The table of what is carried over, what becomes of it, and where the meaning differs.

Only words may live here. A reader of a dialect notes the constructs it meets by these keys;
the report and the reference page are made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from portcullis.policy.faults import NodePath


class Change(Enum):
    """How the meaning of a construct differs; what is kept or stricter refuses what was refused."""

    KEPT = "kept"
    STRICTER = "stricter"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Construct:
    """One construct of one or more dialects."""

    theirs: str
    ours: str
    change: Change
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A construct that was met at a place of the source."""

    construct: str
    place: NodePath


def _kept(theirs: str, ours: str) -> Construct:
    return Construct(theirs=theirs, ours=ours, change=Change.KEPT)


def _stricter(theirs: str, ours: str, why: str) -> Construct:
    return Construct(theirs=theirs, ours=ours, change=Change.STRICTER, why=why)


def _review(theirs: str, ours: str, why: str) -> Construct:
    return Construct(theirs=theirs, ours=ours, change=Change.REVIEW, why=why)


CONSTRUCTS: Final[Mapping[str, Construct]] = {
    # ------------------------------------------------------------ the document
    "default": _kept("`default`", "`default`"),
    "default chosen": _review(
        "no `default`",
        "the one chosen with `--default`",
        "without the key Intercept permits every tool that is not named, and the catalogue form "
        "says nothing; here it is always written",
    ),
    "hide": _kept("`hide`", "`hide`, in every kind of answer"),
    "hidden pattern": _stricter(
        "a `*` or `?` in a name under `hide`",
        "a pattern",
        "theirs is the exact name, so more tools are hidden now",
    ),
    "approvals block": _review(
        "`approvals`",
        "nothing: it is left out",
        "how long a request stands is said in each rule, and who is notified belongs to the "
        "deployment; a request stands for one hour where the rule says nothing",
    ),
    # ------------------------------------------------------------ rules
    "implicit allow": _kept("a tool without rules", "`action: allow`"),
    "allow": _kept("`action: allow`", "`action: allow`"),
    "deny": _kept("`action: deny`", "`action: deny`"),
    "evaluate": _stricter(
        "conditions that must hold",
        "`action: deny` with `when: [{not: […]}]`",
        "a condition that cannot be evaluated refuses the call; what cannot be compared by its "
        "type cannot be evaluated",
    ),
    "deny_if": _stricter(
        "`deny_if`",
        "`action: deny` with the same conditions",
        "a missing argument, or one of another type, refuses the call instead of passing it: "
        "add `exists` first where the argument may be left out",
    ),
    "require": _review(
        "`require`",
        "`action: deny` with `when: [{not: […]}]`",
        "its entries are read as those of `deny_if` are written, which its makers have not said",
    ),
    "require_approval": _stricter(
        "`action: require_approval`",
        "`action: require_approval`",
        "people are named who approve; one approval lets one call run, once, within the "
        "timeout; a condition that cannot be evaluated refuses the call",
    ),
    "approval of all": _kept(
        'an approval under `"*"`, under `default: deny`',
        "the approval in every tool that has an entry, for an approval permits",
    ),
    "approval timeout": _kept("`approval_timeout`", "`approval.timeout`"),
    "message": _kept("`on_deny`", "`reason`"),
    "several rules": _review(
        "several rules of one tool, in order",
        "rules whose order does not matter",
        "what was refused stays refused; which of several reasons the agent reads first may differ",
    ),
    "name repeated": _review(
        "a name that two rules here would have",
        "the second one is numbered",
        "counters and logs tell rules apart by their names; a rule with conditions and a counter "
        "becomes two",
    ),
    # ------------------------------------------------------------ conditions
    "eq": _stricter(
        "`eq`, `in`",
        "the same",
        "values compare by type: the text `5` is not the number 5, `true` is not the text `true`",
    ),
    "neq": _stricter(
        "`neq`, `not_in`",
        "the same; a list of several types also lists what theirs takes for the same",
        "a value of a type that the operand does not have cannot be compared, and refuses",
    ),
    "ordering": _kept("`lt`, `lte`, `gt`, `gte`", "the same, with exact numbers"),
    "regex": _kept("`regex`, found anywhere", "`regex` over the whole text: `.*`, theirs, `.*`"),
    "contains": _stricter(
        "`contains`", "the same", "elements of a list compare by type, as with `eq`"
    ),
    "exists": _kept("`exists`, where null is absent", "`exists`, and a test for null"),
    # ------------------------------------------------------------ limits
    "rate limit": _stricter(
        "`rate_limit: N/window`, or `state` with `lt` or `lte`",
        "`rate_limit` with `per: tool`, unless `--per` says another",
        "what ran stays used, whatever came of it",
    ),
    "spend": _stricter(
        "`increment_from`",
        "`spend_limit` for all callers together, unless `--per` says another",
        "amounts are exact and must be above zero: a fraction counts, a negative amount gives "
        "nothing back; what ran stays used",
    ),
    "shared limit": _stricter(
        'a limit under `"*"`, or `all_tools.limits`',
        'a limit under `"*"`: one counter for all tools, unless `--per` says another',
        "what ran stays used",
    ),
    "grant limit": _stricter(
        "`limits` with `scope: grant`",
        "`rate_limit` with `per: principal`, unless `--per` says another",
        "one person with two tokens has one quota; what ran stays used",
    ),
    "session limit": _review(
        "`rate_limit` per agent session",
        "`rate_limit` with `per: session`, unless `--per` says another",
        "sessions of one caller share a few sets of counters, so that opening sessions does not "
        "add quota without end; `--per principal` is tighter",
    ),
    "sliding window": _stricter(
        "windows that turn at the full minute, hour or day",
        "windows that slide",
        "no two of theirs can be emptied around one turn; `--windows fixed` keeps theirs",
    ),
    "scope chosen": _review(
        "whose calls a limit counts together",
        "what was chosen with `--per`",
        "where it counts fewer calls together than the file did, more calls may pass than before",
    ),
}

# Keys that a dialect has, that cannot be carried over, and what to do instead.
REFUSED: Final[Mapping[str, str]] = {
    "spend": "nothing here pays a price that a server announces: remove it, and say who approves "
    "or how often the tool may be called",
    "spend_limit": "it names no amount: write `state` with `increment_from: args.amount`, "
    "or remove it",
    "limit": "write `rate_limit`",
    "mode": "there are no modes in their language: remove it, and use `mode: shadow` afterwards",
    "log": "there is no such action in their code: remove it",
    "on_denied": "did you mean `on_deny`",
}
