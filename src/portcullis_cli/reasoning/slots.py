"""The parts of a call that conditions look at, each with one value for everything it can make true.

A slot is an argument, a group list, a tag, a claim, the caller's identity, or the time. What a
value makes of each condition is asked of the conditions themselves; values alike in
everything are one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, TypeAlias

from portcullis.policy.amounts import InvalidAmount, amount_of
from portcullis.policy.conditions import holds
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Condition,
    Instant,
    Kind,
    Limit,
    Not,
    Path,
    Principal,
    Rule,
    Truth,
)
from portcullis.policy.paths import Context
from portcullis.values import JsonMapping
from portcullis_cli.reasoning.moments import moments_of
from portcullis_cli.reasoning.places import GONE, Candidates, Gone, Place
from portcullis_cli.reasoning.shapes import ANYTHING, Shape
from portcullis_cli.reasoning.values import candidates_of

Slot: TypeAlias = tuple[str, ...]
_IDENTITY: Final = ("principal", "identity")
_TIME: Final = ("time",)
NOON: Final = Instant(micros=1_767_614_400_000_000)  # Monday, 5 January 2026
_SOMEBODY: Final = Principal(issuer="portcullis", subject="somebody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of a slot, and what it makes of the conditions and amounts there."""

    value: Any
    truths: Mapping[int, Truth]  # by the id of the comparison
    is_amount: Mapping[int, bool]  # by the id of the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is fixed: the tool, its schema where it is known, and the caller where one is."""

    server: str
    tool: str
    kind: Kind = Kind.TOOL
    definition: JsonMapping | None = None
    caller: Principal | None = None  # without a subject: anybody with these groups and tags

    def is_told(self, slot: Slot) -> bool:
        """Whether the question says what a principal has there; of claims none does."""
        if self.caller is None or slot[1] == "claims":
            return False
        return slot != _IDENTITY or bool(self.caller.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Every slot with its options; `is_whole` False: a class of values may be missing."""

    options: Mapping[Slot, tuple[Option, ...]]
    is_whole: bool


def comparisons_of(condition: Condition | None) -> Iterable[Comparison]:
    """Every comparison in a condition."""
    match condition:
        case Comparison():
            yield condition
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from comparisons_of(part)
        case Not():
            yield from comparisons_of(condition.part)
        case None:
            return


def slots_of(rules: Sequence[Rule], question: Question) -> Slots:
    """The slots that some rules look at."""
    comparisons = [one for rule in rules for one in comparisons_of(rule.when)]
    limits = [limit for rule in rules for limit in rule.limits if limit.amount_path is not None]
    by_slot: dict[Slot, tuple[list[Comparison], list[Limit]]] = {}
    for one in comparisons:
        by_slot.setdefault(_slot(one.path), ([], []))[0].append(one)
    for limit in limits:
        assert limit.amount_path is not None  # noqa: S101 - chosen so above
        by_slot.setdefault(_slot(limit.amount_path), ([], []))[1].append(limit)
    found = {
        slot: _options(slot, here, amounts, question) for slot, (here, amounts) in by_slot.items()
    }
    return Slots(
        options={slot: options for slot, (options, _) in found.items()},
        is_whole=all(is_whole for _, is_whole in found.values()),
    )


def built(question: Question, chosen: Mapping[Slot, Any]) -> tuple[Call, Instant]:
    """The call, and its moment, that has these values; GONE is left out."""
    call = Call(
        server=question.server,
        kind=question.kind,
        name=question.tool,
        arguments={},
        principal=_asking(question.caller),
        session="session",
    )
    now = NOON
    for slot, value in chosen.items():
        if slot == _TIME:
            now = value
        else:
            call = _with(call, slot, value)
    return call, now


def _asking(caller: Principal | None) -> Principal:
    if caller is None or caller.subject:
        return caller or _SOMEBODY
    return replace(caller, subject=_SOMEBODY.subject)


def _slot(path: Path) -> Slot:
    first = str(path.steps[0]) if path.steps else ""
    if path.root == "args":
        return ("args", first)
    if path.root == "time":
        return _TIME
    if path.root != "principal":
        return (path.root,)
    if first in ("tags", "claims") and len(path.steps) > 1:
        return ("principal", first, str(path.steps[1]))
    return ("principal", first) if first in ("groups", "tags", "claims") else _IDENTITY


def _with(call: Call, slot: Slot, value: Any) -> Call:
    is_there = not isinstance(value, Gone)
    if slot[0] == "args":
        return replace(call, arguments={**call.arguments, slot[1]: value}) if is_there else call
    if slot[0] != "principal":
        return call
    principal = call.principal
    if slot == _IDENTITY:
        return replace(call, principal=replace(principal, issuer=value[0], subject=value[1]))
    if slot[1] == "groups":
        groups = tuple(value) if is_there else None
        return replace(call, principal=replace(principal, groups=groups))
    if not is_there or len(slot) < 3:
        return call
    if slot[1] == "tags":
        return replace(call, principal=replace(principal, tags={**principal.tags, slot[2]: value}))
    claims = {**principal.claims, slot[2]: value}
    return replace(call, principal=replace(principal, claims=claims))


def _options(
    slot: Slot, comparisons: Sequence[Comparison], limits: Sequence[Limit], question: Question
) -> tuple[tuple[Option, ...], bool]:
    found = _candidates(slot, comparisons, limits, question)
    options: dict[tuple[Any, ...], Option] = {}
    for value in found.values:
        call, now = built(question, {slot: value})
        context = Context(call, now)
        option = Option(
            value=value,
            truths={id(one): holds(one, context) for one in comparisons},
            is_amount={
                id(one): not isinstance(amount_of(one, context), InvalidAmount) for one in limits
            },
        )
        options.setdefault((*option.truths.values(), *option.is_amount.values()), option)
    return tuple(options.values()), found.is_whole


def _candidates(
    slot: Slot, comparisons: Sequence[Comparison], limits: Sequence[Limit], question: Question
) -> Candidates:
    if slot[0] in ("tool", "server"):
        return _only(None)
    if slot == _TIME:
        return moments_of(comparisons)
    if slot[0] == "principal" and question.is_told(slot):
        return _only(_of_caller(question.caller, slot))
    if slot == _IDENTITY:
        return _identities(comparisons)
    if slot in _WHOLE:
        return replace(_only(GONE), is_whole=False)
    place = _place(slot, comparisons, limits)
    if slot[0] == "args":
        return _argument(slot[1], place, question)
    return candidates_of(place, _HELD[slot[1]])


def _argument(name: str, place: Place, question: Question) -> Candidates:
    """What the gateway lets through and what it makes of it, by the tool's own schema."""
    if question.definition is None:
        return candidates_of(place)
    schema = question.definition.get("inputSchema")
    shape = Shape(schema, schema)
    found = candidates_of(place, shape.at(name))
    kept = Candidates(is_whole=found.is_whole)
    kept.add(one.get(name, GONE) for one in shape.absent(name))
    kept.add(value for value in found.values if not isinstance(value, Gone))
    kept.is_whole &= bool(kept.values)  # whatever it takes, none of these is it
    return kept


def _place(slot: Slot, comparisons: Sequence[Comparison], limits: Sequence[Limit]) -> Place:
    """The conditions and amounts of a slot, by where they lead within it."""
    place, skipped = Place(), max(1, len(slot) - 1)
    for one in comparisons:
        place.at(one.path.steps[skipped:]).comparisons.append(one)
    for limit in limits:
        if limit.amount_path is not None:
            place.at(limit.amount_path.steps[skipped:]).limits.append(limit)
    return place


def _only(value: Any) -> Candidates:
    found = Candidates()
    found.add([value])
    return found


# What a principal can hold there; a slot without a name of its own is looked at as a whole.
_HELD: Final[Mapping[str, Shape]] = {
    "groups": Shape({"type": "array", "items": {"type": "string"}}, {}),
    "tags": Shape({"type": "string"}, {}),
    "claims": ANYTHING,
}
_WHOLE: Final = {("args", ""), ("principal", "tags"), ("principal", "claims")}


def _of_caller(caller: Principal | None, slot: Slot) -> Any:
    if caller is None:
        return GONE
    if slot == _IDENTITY:
        return (caller.issuer, caller.subject)
    if slot[1] == "groups":
        return GONE if caller.groups is None else list(caller.groups)
    held: Mapping[str, Any] = caller.tags if slot[1] == "tags" else caller.claims
    return held.get(slot[2], GONE) if len(slot) > 2 else GONE


def _identities(comparisons: Sequence[Comparison]) -> Candidates:
    """Issuers and subjects; of keys, which are made of both, only some."""
    places = {name: Place() for name in ("issuer", "subject", "key")}
    for one in comparisons:
        places[str(one.path.steps[0])].comparisons.append(one)
    held = {
        name: candidates_of(place, Shape({"type": "string"}, {})) for name, place in places.items()
    }
    texts = {
        name: [value for value in one.values if isinstance(value, str) and value]
        for name, one in held.items()
    }
    found = Candidates(is_whole=all(one.is_whole for one in held.values()))
    found.add(product(texts["issuer"] or ["portcullis"], texts["subject"] or ["somebody"]))
    if places["key"].comparisons:
        found.is_whole = False
        found.add(_from_key(key) for key in texts["key"])
    return found


def _from_key(key: str) -> tuple[str, str]:
    length, _, rest = key.partition(":")
    if length.isdigit() and rest[int(length) :].startswith("|"):
        return rest[: int(length)], rest[int(length) + 1 :] or "somebody"
    return "portcullis", "somebody"
