"""Requests as a terminal shows them; colours only where it is one.

What an agent or an approver wrote is data: no markup, no control characters, nothing cut off.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.masking import leaves, read_json
from portcullis.approvals.policy_change import lines_of
from portcullis.approvals.presentation import path_text
from portcullis.approvals.states import State
from portcullis.approvals.visible_text import visible
from portcullis.console.kind_words import WORDS
from portcullis.values import JsonObject, JsonValue
from portcullis_cli.json_text import for_people, for_programs, unhidden

_WIDTH_OF_A_FILE: Final = 200  # columns, where nobody has a window
_LABELS: Final = 13  # columns
_LOOK_AT: Final = "look at"
_STYLES: Final[Mapping[str, str]] = {
    State.PENDING.value: "yellow",
    State.APPROVED.value: "cyan",
    State.EXECUTING.value: "cyan",
    State.DONE.value: "green",
    State.FAILED.value: "red",
    State.UNKNOWN.value: "bold red",
    State.DENIED.value: "red",
    State.EXPIRED.value: "dim",
    State.CANCELLED.value: "dim",
}


def terminal(stream: TextIO | None = None) -> Console:
    """A console for a stream, stdout where none is given."""
    stream = stream or sys.stdout
    is_terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=is_terminal,
        width=None if is_terminal else _WIDTH_OF_A_FILE,
        markup=False,
        highlight=False,
        emoji=False,
    )


def show_list(console: Console, requests: Iterable[JsonObject]) -> None:
    """One line a request."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("ID", no_wrap=True)
    for name in ("STATE", "SERVER", "TOOL", "ASKED BY", "EXPIRES", "APPROVALS"):
        table.add_column(name, overflow="fold")
    for request in requests:
        table.add_row(
            Text(plain(request.get("id"))),
            _state(request),
            Text(plain(request.get("server"))),
            Text(plain(request.get("tool"))),
            Text(_requester(request)),
            Text(plain(request.get("expires_at"))),
            Text(_counted(request)),
        )
    console.print(table)


def show_request(console: Console, request: JsonObject) -> None:
    """Everything about one request: the facts, the risks, and every argument."""
    _print_fact(console, "request", Text(plain(request.get("id"))))
    _print_fact(console, "state", _state(request))
    for label, text in _facts(request):
        if text:
            _print_fact(console, label, Text(text))
    arguments, file = _apart(request)
    _print_block(console, "arguments", arguments)
    if file is not None:
        console.print(Text("\npolicy, the whole file", style="bold"), soft_wrap=True)
        console.print(Text(_file(file)), soft_wrap=True)
    for leaf in leaves(arguments):
        inside = read_json(leaf.value) if isinstance(leaf.value, str) else None
        if inside:
            _print_block(console, f"{path_text(leaf.steps)}, read as JSON", inside)


def question(request: JsonObject) -> str:
    """What is asked before a yes, with what the eye should not have to look up."""
    if _kind(request) is RequestKind.POLICY:
        return f"Put {_requester(request)} in force, as revision {plain(request.get('revision'))}?"
    return f"Let {_call(request)} run once for {_requester(request)}?"


def outcome(request: JsonObject) -> str:
    """What came of a decision, in a sentence."""
    state = plain(request.get("state"))
    if state == State.PENDING.value:
        return f"{state}: {_counted(request)} approvals. It runs when enough people have approved."
    words = WORDS[_kind(request)].states.get(State(state)) if state in _STYLES else None
    return f"{state}: {words.meaning}" if words else state


def plain(value: JsonValue) -> str:
    """A value on one line, nothing in it hidden."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) else for_programs(value)


def told(text: JsonValue) -> str:
    """What the gate wrote itself: it has escaped what it quotes."""
    return unhidden(text) if isinstance(text, str) else plain(text)


def _print_fact(console: Console, label: str, text: Text) -> None:
    style = "bold yellow" if label == _LOOK_AT else "bold"
    line = Text.assemble((f"{label:<{_LABELS}}", style), text)
    console.print(line, soft_wrap=True)


def _print_block(console: Console, title: str, value: JsonValue) -> None:
    console.print(Text(f"\n{title}", style="bold"), soft_wrap=True)
    console.print(Text(for_people(value)), soft_wrap=True)


def _facts(request: JsonObject) -> Iterable[tuple[str, str]]:
    yield "call", _call(request)
    yield "asked by", _requester(request)
    yield "asked at", plain(request.get("asked_at"))
    yield "expires at", plain(request.get("expires_at"))
    yield "rule", plain(request.get("rule"))
    yield "reason", plain(request.get("reason"))
    for note in _items(request.get("notes")):
        yield _LOOK_AT, told(note)
    yield "approvers", ", ".join(map(plain, _items(request.get("approvers"))))
    yield "approvals", _counted(request)
    for vote in _items(request.get("approvals")):
        yield "approved by", _vote(vote)
    yield "denied by", _vote(request.get("denial"))
    yield "note", plain(request.get("note"))
    yield "policy", plain(request.get("revision"))
    yield "digest", plain(request.get("digest"))
    yield "link", plain(request.get("link"))
    yield "you", _you(request)


def _kind(request: JsonObject) -> RequestKind:
    is_policy = request.get("kind") == RequestKind.POLICY.value
    return RequestKind.POLICY if is_policy else RequestKind.CALL


def _apart(request: JsonObject) -> tuple[JsonValue, str | None]:
    """The arguments, and apart from them the file of a policy, which is read line by line."""
    arguments = request.get("arguments")
    if _kind(request) is RequestKind.POLICY and isinstance(arguments, dict):
        file = arguments.get("policy")
        if isinstance(file, str):
            return {name: one for name, one in arguments.items() if name != "policy"}, file
    return arguments, None


def _file(text: str) -> str:
    """A file behind a margin, so that no line of it can pass for one of ours."""
    shown = "".join(piece.text for piece in lines_of(text))
    return "\n".join(f"  | {line}" for line in shown.split("\n"))


def _you(request: JsonObject) -> str:
    if request.get("can_decide") is True:
        return "can decide this"
    return f"cannot decide this: {told(request.get('cannot_decide'))}"


def _call(request: JsonObject) -> str:
    return f"{plain(request.get('server'))} {plain(request.get('tool'))}"


def _counted(request: JsonObject) -> str:
    votes = len(_items(request.get("approvals")))
    return f"{votes} of {plain(request.get('min_approvals'))}"


def _requester(request: JsonObject) -> str:
    requester = request.get("requester")
    if not isinstance(requester, dict):
        return plain(requester)
    subject, person = plain(requester.get("subject")), plain(requester.get("person"))
    return subject if person in ("", subject) else f"{person} ({subject})"


def _vote(vote: JsonValue) -> str:
    if not isinstance(vote, dict):
        return plain(vote)
    comment = plain(vote.get("comment"))
    said = f"{plain(vote.get('by'))}, {plain(vote.get('at'))}"
    return f"{said}: {comment}" if comment else said


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _state(request: JsonObject) -> Text:
    state = plain(request.get("state"))
    return Text(state, style=_STYLES.get(state, ""))


def span(seconds: int) -> str:
    """A length of time as policies write it: `45s`, `30m`, `1h`, `2d`; whole units only."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
