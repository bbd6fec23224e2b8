"""A call that was found by reasoning, for people and for programs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from portcullis.policy.decision import Decision
from portcullis.values import JsonObject
from portcullis_cli.json_text import for_programs
from portcullis_cli.reasoning.slots import NOON
from portcullis_cli.reasoning.solve import Example, word
from portcullis_cli.rendering import plain

_LONGEST = 400


def example_text(example: Example) -> Iterator[str]:
    """The call, who makes it and when, as far as that matters, and what is decided."""
    call = example.call
    yield f"arguments: {_shortened(for_programs(_json(dict(call.arguments))))}"
    principal = call.principal
    if (principal.issuer, principal.subject) != ("portcullis", "somebody"):
        yield f"caller: {plain(principal.subject)} of {plain(principal.issuer)}"
    for name, held in (
        ("groups", principal.groups),
        ("tags", principal.tags),
        ("claims", principal.claims),
    ):
        if held:
            yield f"{name}: {_shortened(for_programs(_json(_plain_value(held))))}"
    if example.now != NOON:
        yield f"at: {_moment(example)}"
    yield f"decided: {', then '.join(map(_decided, example.decisions))}"


def example_tree(example: Example) -> JsonObject:
    """The same for programs: it can be pasted into the `tests` of a policy."""
    call, principal = example.call, example.call.principal
    return {
        "call": {
            "tool": call.name,
            "args": _json(dict(call.arguments)),
            "principal": {
                "issuer": principal.issuer,
                "subject": principal.subject,
                "groups": [*(principal.groups or ())],
                "tags": _json(dict(principal.tags)),
                "claims": _json(dict(principal.claims)),
            },
            "at": _moment(example),
        },
        "decisions": [{"decision": word(one), "rule": one.rule} for one in example.decisions],
    }


def _decided(decision: Decision) -> str:
    by = "no rule" if decision.rule is None else plain(decision.rule)
    return f"{word(decision)} by {by}"


def _moment(example: Example) -> str:
    moment = datetime.fromtimestamp(example.now.micros // 1_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain_value(held: Any) -> Any:
    return [*held] if isinstance(held, tuple) else dict(held)


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_json(member) for member in value]
    return value


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
