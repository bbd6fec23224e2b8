"""Servers as programs read them and as a terminal shows them. Pure but for the printing."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis.values import JsonObject, JsonValue
from portcullis_cli.ages import ago, long
from portcullis_cli.kept_grants import utc
from portcullis_cli.rendering import plain
from portcullis_cli.servers.facts import Drift, InForce, Kind, Server, Told, Tools, Upload
from portcullis_cli.servers.notes import Note, drift_words, notes_of
from portcullis_cli.servers.registered import Registered
from portcullis_cli.servers.tool_words import ALLOWED, APPROVAL, DENIED, ToolWord
from portcullis_cli.untold import Untold

UNTOLD: Final = "could not tell"
NO_LIST: Final = "none is stored yet; the gateway reads it before the first call"
OWN_CREDENTIAL: Final = "the gateway's own role"
_LABEL: Final = 13  # columns
_DIGITS: Final = 12  # of a revision or a digest
_STYLES: Final = {ALLOWED: "green", DENIED: "red", APPROVAL: "yellow"}

_T = TypeVar("_T")


def tree_of(server: Server, *, now: int, url: str) -> JsonObject:
    """One server, for programs. What could not be told is `{"untold": why}`."""
    kind = server.kind
    known = server.registered if isinstance(server.registered, Registered) else None
    notes: list[JsonValue] = [{"what": one.what, "do": one.do} for one in notes_of(server)]
    return {
        "server": server.name,
        "kind": _untold(kind) if isinstance(kind, Untold) else kind.value,
        "address": _address(server),
        "credential": _credential(server),
        "era": _era(server),
        "timeout_seconds": known.timeout_seconds if known else None,
        "description": known.description if known else "",
        "url": url or None,
        "registration": _part(server.registration, _upload_tree),
        "policy": _part(server.policy, lambda one: _policy_tree(one, now)),
        "upload": _part(server.upload, _upload_tree),
        "tools": _part(server.tools, lambda one: _tools_tree(one, now)),
        "lock": _part(server.drift, _drift_tree),
        "notes": notes,
    }


def word_tree(word: ToolWord) -> JsonObject:
    """What the policy says of one tool, for programs."""
    return {
        "tool": word.tool,
        "word": word.word,
        "why": word.why,
        "limits": [*word.limits],
        "drift": word.drift or None,
    }


def show_list(console: Console, servers: Sequence[Server], *, now: int) -> None:
    """One line a server, and below what somebody should look at."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("SERVER", no_wrap=True)
    for column in ("KIND", "REGISTRATION", "POLICY", "IN FORCE", "NEWEST UPLOAD", "TOOLS", "LOCK"):
        table.add_column(column, overflow="fold")
    for one in servers:
        table.add_row(
            Text(one.name),
            _kind(one),
            _cell(one.registration, lambda found: plain(found.state), none=""),
            _cell(one.policy, lambda found: short(found.revision)),
            _cell(one.policy, lambda found: _since(found, now), none=""),
            _cell(one.upload, lambda found: plain(found.state)),
            _cell(one.tools, lambda found: _tools_words(found, now)),
            _cell(one.drift, drift_words),
        )
    console.print(table)
    show_notes(console, [note for one in servers for note in notes_of(one)])


def show_notes(console: Console, notes: Sequence[Note]) -> None:
    """What somebody should look at, and what to do about each."""
    for note in notes:
        console.print(Text(f"\n{note.server}: {note.what}", style="yellow"), soft_wrap=True)
        console.print(Text(f"  next: {note.do}"), soft_wrap=True)


def show_server(console: Console, server: Server, *, now: int, url: str) -> None:
    """Everything about one server but its tools."""
    for label, text in _facts(server, now=now, url=url):
        console.print(Text.assemble((f"{label:<{_LABEL}}", "bold"), text), soft_wrap=True)
    show_notes(console, [*notes_of(server)])


def show_words(console: Console, words: Sequence[ToolWord]) -> None:
    """What the policy says of each tool to a caller of whom nothing is known."""
    if not words:
        return
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("TOOL", no_wrap=True)
    is_drifted = any(one.drift for one in words)
    for column in ("POLICY SAYS", "WHY", "LIMITS", *(["SINCE THE LOCK"] if is_drifted else [])):
        table.add_column(column, overflow="fold")
    for one in words:
        cells = [
            Text(plain(one.tool)),
            Text(one.word, style=_STYLES.get(one.word, "")),
            Text(plain(one.why)),
            Text("; ".join(map(plain, one.limits))),
        ]
        table.add_row(*cells, *([Text(one.drift)] if is_drifted else []))
    console.print(Text(""))
    console.print(table)


def short(digest: str) -> str:
    """The first digits of a revision or a digest, without its algorithm."""
    return digest.removeprefix("sha256:")[:_DIGITS]


def _facts(server: Server, *, now: int, url: str) -> Iterator[tuple[str, Text]]:
    known = server.registered if isinstance(server.registered, Registered) else None
    yield "server", Text(server.name)
    yield "kind", _kind(server)
    if known and known.description:
        yield "description", Text(plain(known.description))
    yield "goes to", Text(plain(_address(server)) or "nowhere")
    yield "is told", Text(plain(_credential(server)))
    yield "era", Text(plain(_era(server)))
    if known and known.timeout_seconds is not None:
        yield "time-out", Text(long(known.timeout_seconds))
    yield "agents use", Text(url or "not known: say --stack or --url")
    if server.registration is not None:
        yield "registration", _cell(server.registration, _upload_words)
    yield "policy", _cell(server.policy, lambda one: _policy_words(one, now))
    for entry in server.history[1:4]:
        at, revision = plain(entry.get("activated_at")), short(plain(entry.get("revision")))
        yield "  before", Text(f"{revision}, in force from {at}")
    yield "upload", _cell(server.upload, _upload_words)
    yield "tool list", _cell(server.tools, lambda one: _list_words(one, now), none=NO_LIST)
    yield "lock", _cell(server.drift, drift_words)
    if isinstance(server.drift, Drift) and server.drift.missing:
        yield "  missing", Text(", ".join(map(plain, server.drift.missing)))


def _policy_words(found: InForce, now: int) -> str:
    return f"{found.revision}, in force since {_instant(found.since)} ({_since(found, now)})"


def _upload_words(told: Upload) -> str:
    checked = "" if told.checked_at is None else f", looked at {utc(told.checked_at)}"
    return f"{plain(told.state)}{checked}"


def _list_words(found: Tools, now: int) -> str:
    earlier = "" if found.is_current else ", of an earlier registration: read anew at the next call"
    return f"{_tools_words(found, now)}, sha256 {short(found.digest)}{earlier}"


def _tools_words(found: Tools, now: int) -> str:
    return f"{len(found.snapshot.tools)}, {ago(found.snapshot.taken_at, now)}"


def _since(found: InForce, now: int) -> str:
    return ago(found.since, now) if found.since else "not recorded"


def _instant(seconds: int) -> str:
    return utc(seconds) if seconds else "some time that is not recorded"


def _kind(server: Server) -> Text:
    kind = server.kind
    if isinstance(kind, Untold):
        return Text(UNTOLD, style="magenta")
    return Text(kind.value, style="red" if kind is Kind.NONE else "")


def _cell(told: Told[_T], words: Callable[[_T], str], *, none: str = "none") -> Text:
    if isinstance(told, Untold):
        return Text(UNTOLD, style="magenta")
    return Text(none) if told is None else Text(words(told))


def _part(told: Told[_T], tree: Callable[[_T], JsonObject]) -> JsonValue:
    if isinstance(told, Untold):
        return _untold(told)
    return None if told is None else tree(told)


def _untold(told: Untold) -> JsonObject:
    return {"untold": told.why}


def _policy_tree(found: InForce, now: int) -> JsonObject:
    since = found.since or None
    return {
        "revision": found.revision,
        "source_version": found.source_version,
        "since": None if since is None else utc(since),
        "age_seconds": None if since is None else max(0, now - since),
    }


def _upload_tree(told: Upload) -> JsonObject:
    return {
        "state": told.state,
        "checked_at": None if told.checked_at is None else utc(told.checked_at),
        "first_fault": told.fault or None,
        "faults": told.faults,
    }


def _tools_tree(found: Tools, now: int) -> JsonObject:
    return {
        "count": len(found.snapshot.tools),
        "taken_at": utc(found.snapshot.taken_at),
        "age_seconds": max(0, now - found.snapshot.taken_at),
        "digest": f"sha256:{found.digest}",
        "is_current": found.is_current,
    }


def _drift_tree(found: Drift) -> JsonObject:
    return {
        "locked": found.locked,
        "changed": [*found.changed],
        "added": [*found.added],
        "missing": [*found.missing],
    }


def _address(server: Server) -> str:
    if server.kind is Kind.OWN:
        return "a function of this stack"
    known = server.registered
    return (known.function or known.address) if isinstance(known, Registered) else ""


def _credential(server: Server) -> str:
    if server.kind in (Kind.OWN, Kind.FUNCTION):
        return OWN_CREDENTIAL
    known = server.registered
    return known.credential if isinstance(known, Registered) else ""


def _era(server: Server) -> str:
    if server.kind is Kind.OWN:
        return "auto"
    known = server.registered
    return known.era if isinstance(known, Registered) else ""
