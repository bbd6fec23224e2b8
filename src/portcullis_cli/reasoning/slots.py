"""The parts of a call that conditions look at, each with one value for everything it can make true.

A slot is an argument, a group list, a tag, a claim, the caller's identity, or the time. What a
value makes of each condition is asked of the conditions themselves; values alike in
everything are one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final, TypeAlias

from portcullis.policy.amounts import InvalidAmount, amount_of
from portcullis.policy.arguments import ArgumentFault, normalise
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
from portcullis_cli.reasoning.samples import filled
from portcullis_cli.reasoning.values import GONE, Candidates, Gone, Place, candidates_of

Slot: TypeAlias = tuple[str, ...]
_IDENTITY: Final = ("principal", "identity")
_TIME: Final = ("time",)
NOON: Final = Instant(micros=1_767_614_400_000_000)  # Monday, 5 January 2026
_SOMEBODY: Final = Principal(issuer="portcullis", subject="somebody")
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    definition: JsonMapping | None = None
    caller: Principal | None = None


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
        kind=Kind.TOOL,
        name=question.tool,
        arguments={},
        principal=question.caller or _SOMEBODY,
        session="session",
    )
    now = NOON
    for slot, value in chosen.items():
        if slot == _TIME:
            now = value
        else:
            call = _with(call, slot, value)
    return call, now


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
    if slot[0] == "principal" and question.caller is not None:
        return _only(_of_caller(question.caller, slot))
    if slot[0] in ("tool", "server"):
        return _only(None)
    if slot == _TIME:
        return _moments(comparisons)
    if slot == _IDENTITY:
        return _identities(comparisons)
    if slot in _WHOLE:
        return replace(_only(GONE), is_whole=False)
    found = candidates_of(_place(slot, comparisons, limits))
    if slot[0] == "args":
        definition = question.definition
        return found if definition is None else _by_schema(slot[1], found, definition)
    return _kept(found, _HELD[slot[1]])


def _place(slot: Slot, comparisons: Sequence[Comparison], limits: Sequence[Limit]) -> Place:
    """The conditions and amounts of a slot, by where they lead within it."""
    place, skipped = Place(), max(1, len(slot) - 1)
    for one in comparisons:
        place.at(one.path.steps[skipped:]).comparisons.append(one)
    for limit in limits:
        if limit.amount_path is not None:
            place.at(limit.amount_path.steps[skipped:]).has_amount = True
    return place


def _only(value: Any) -> Candidates:
    found = Candidates()
    found.add([value])
    return found


def _kept(found: Candidates, test: Callable[[Any], bool]) -> Candidates:
    kept = Candidates(is_whole=found.is_whole)
    kept.add(value for value in found.values if test(value))
    return kept


def _is_group_list(value: Any) -> bool:
    if isinstance(value, Gone):
        return True
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)


# What a principal can hold there; a slot without a name of its own is looked at as a whole.
_HELD: Final[Mapping[str, Callable[[Any], bool]]] = {
    "groups": _is_group_list,
    "tags": lambda value: isinstance(value, str | Gone),
    "claims": lambda _: True,
}
_WHOLE: Final = {("args", ""), ("principal", "tags"), ("principal", "claims")}


def _of_caller(caller: Principal, slot: Slot) -> Any:
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
    texts = {
        name: [value for value in candidates_of(place).values if isinstance(value, str) and value]
        for name, place in places.items()
    }
    found = Candidates()
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


def _moments(comparisons: Sequence[Comparison]) -> Candidates:
    """Every hour of a week and of each day that is named, at every minute that is."""
    minutes, days = {0, 30, 59}, {_MONDAY + timedelta(days=day) for day in range(7)}
    found = Candidates()
    for one in comparisons:
        field = one.path.steps[0]
        for value in one.operand if isinstance(one.operand, list) else [one.operand]:
            if field == "minute" and isinstance(value, int):
                minutes |= {minute for minute in (value - 1, value, value + 1) if 0 <= minute < 60}
            elif field == "date" and isinstance(value, str):
                days |= _days_around(value)
            elif field == "epoch" and isinstance(value, int):
                found.add(Instant(micros=1_000_000 * (value + by)) for by in (-1, 0, 1))
    found.add(
        Instant(micros=(day + timedelta(hours=hour, minutes=minute) - _EPOCH) // _MICROSECOND)
        for day, hour, minute in product(sorted(days), range(24), sorted(minutes))
    )
    others = {"regex", "matches_glob", "contains", "starts_with", "ends_with"}
    if any(one.operator in others and one.path.steps[0] == "date" for one in comparisons):
        found.is_whole = False
    return found


def _days_around(text: str) -> set[datetime]:
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return set()
    return {day + timedelta(days=by) for by in (-1, 0, 1)}


def _by_schema(name: str, found: Candidates, definition: JsonMapping) -> Candidates:
    """What the gateway lets through and what it makes of it, by the tool's own schema."""
    schema = definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict):
        return found
    required = schema.get("required")
    is_required = isinstance(required, list) and name in required
    alone: dict[str, Any] = {
        **schema,
        "properties": {name: properties[name]} if name in properties else {},
        "required": [name] if is_required else [],
    }
    kept = Candidates(is_whole=found.is_whole)
    for value in [*found.values, *_declared(properties.get(name))]:
        arguments = {} if isinstance(value, Gone) else {name: value}
        checked = normalise(alone, arguments)
        if isinstance(checked, ArgumentFault) and isinstance(value, dict):
            checked = normalise(alone, {name: filled(value, properties.get(name), schema)})
            kept.is_whole &= not _lacks_something(checked)
        if not isinstance(checked, ArgumentFault):
            kept.add([checked.get(name, GONE)])
    kept.is_whole &= bool(kept.values)  # whatever it takes, none of these is it
    return kept


def _lacks_something(checked: Any) -> bool:
    """Whether an object would do if it had a member that nobody knows how to make."""
    return isinstance(checked, ArgumentFault) and checked.message == "is required"


def _declared(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    choices = schema.get("enum")
    named = [schema[key] for key in ("const", "default", "minimum", "maximum") if key in schema]
    return [*(choices if isinstance(choices, list) else []), *named]
