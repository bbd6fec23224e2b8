"""What came of a replay, for people and for programs. No argument is in it, only decisions."""

from collections.abc import Iterator
from datetime import UTC, datetime

from portcullis.values import JsonObject
from portcullis_cli.ages import exactly
from portcullis_cli.rendering import plain
from portcullis_cli.replaying.lines import LIMIT
from portcullis_cli.replaying.replay import Difference, Replay

_WORDS = {LIMIT: "deny (limit)"}


def told(found: Replay, server: str, broken: int) -> JsonObject:
    """The tree for programs."""
    return {
        "server": server,
        "calls": found.calls,
        "different": found.different,
        "wider": found.is_wider,
        "from": _moment(found.first),
        "to": _moment(found.last),
        "changes": [_tree(one) for one in found.differences],
        "cannot_tell": dict(found.untold),
        "broken_lines": broken,
        "limits_counted_from": _moment(found.first) if found.longest_window else None,
    }


def shown(found: Replay, server: str, broken: int) -> Iterator[str]:
    """The lines for people: what is wider first, then what could not be told."""
    name = plain(server)
    if found.calls:
        span = f"{_moment(found.first)} to {_moment(found.last)}"
        calls = "1 call" if found.calls == 1 else f"{found.calls} calls"
        yield f"{calls} of {name}, {span}: {found.different} decided differently"
    elif found.untold or broken:
        yield f"no call of {name} could be decided again"
    else:
        yield f"no call of {name} is in the log (--server, where the server has another name)"
    for one in found.differences:
        yield from _lines(one)
    for reason, count in found.untold:
        yield f"cannot tell  {count:>6}  {reason}"
    if broken:
        yield f"cannot tell  {broken:>6}  a line could not be read"
    if found.longest_window and found.calls:
        window = exactly(found.longest_window)
        yield (
            f"limits count from the first call on: what was taken in the {window} before is not "
            "known, so a limit may be met earlier than this says"
        )


def is_undecided(found: Replay, broken: int, *, asked: bool) -> bool:
    """Whether there is no answer: nothing could be decided again, or not all that was `asked`."""
    return not found.calls or (asked and (broken > 0 or not found.is_whole))


def _lines(one: Difference) -> Iterator[str]:
    sign = "WIDER   " if one.is_wider else "narrower"
    calls = "1 call" if one.count == 1 else f"{one.count} calls"
    before, after = one.rules
    yield f"{sign} {plain(one.tool)}: {_word(one.before)} -> {_word(one.after)}, {calls}"
    yield f"         for example {plain(one.example.decision_id)} at {_moment(one.at)}"
    yield f"         by {_rule(before)} before, by {_rule(after)} now"


def _tree(one: Difference) -> JsonObject:
    before, after = one.rules
    return {
        "tool": one.tool,
        "before": one.before,
        "after": one.after,
        "wider": one.is_wider,
        "calls": one.count,
        "example": {
            "decision_id": one.example.decision_id,
            "at": _moment(one.at),
            "rule_before": before,
            "rule_after": after,
        },
    }


def _word(decided: str) -> str:
    return _WORDS.get(decided, decided)


def _rule(name: str | None) -> str:
    return "no rule" if name is None else plain(name)


def _moment(micros: int | None) -> str | None:
    if micros is None:
        return None
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
