"""Sessions and uses of limits, for programs and for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portcullis.adapters.kept_sessions import KeptSession
from portcullis.policy.model import Principal
from portcullis.values import JsonObject
from portcullis_cli.ages import long
from portcullis_cli.kept_grants import utc
from portcullis_cli.rendering import plain
from portcullis_cli.servers.tool_words import limit_words
from portcullis_cli.sessions.limits import Use
from portcullis_cli.sessions.reading import AtServer
from portcullis_cli.untold import Untold

_DIGITS: Final = 16  # of the digest of a principal whose name is not known


def state_of(session: KeptSession, now: int) -> str:
    """What has become of a session."""
    if session.is_closed:
        return "closed"
    return "open" if session.is_open(now_seconds=now) else "over"


def session_tree(session: KeptSession, now: int, names: Mapping[str, str]) -> JsonObject:
    """One session, for programs. `names` are those of principals, by their digests."""
    return {
        "id": session.id,
        "principal": names.get(session.principal),
        "principal_digest": session.principal,
        "server": session.server,
        "slot": session.slot,
        "state": state_of(session, now),
        "opened_at": None if session.opened_at is None else utc(session.opened_at),
        "expires_at": utc(session.expires_at),
        "kept_by_server": session.has_upstream,
    }


def use_tree(use: Use) -> JsonObject:
    """How much of one limit is used, for programs. Amounts are exact, as texts."""
    counter, limit = use.counter, use.counter.take.limit
    return {
        "rule": counter.take.rule,
        "per": limit.scope.value,
        "slot": counter.slot,
        "tool": counter.tool or None,
        "max": str(limit.maximum),
        "window_seconds": limit.window_seconds,
        "used": str(use.used),
        "remaining": str(use.remaining),
        "clear_at": None if use.clear_at is None else utc(use.clear_at),
        "shared": counter.is_shared,
        "shadow": counter.take.shadow,
    }


def show_sessions(
    console: Console, sessions: Sequence[KeptSession], now: int, names: Mapping[str, str]
) -> None:
    """One line a session."""
    table = _table(
        "SESSION", "PRINCIPAL", "SERVER", "SLOT", "STATE", "OPENED", "EXPIRES", "KEPT BY"
    )
    for one in sessions:
        table.add_row(
            Text(plain(one.id)),
            Text(plain(names.get(one.principal) or f"{one.principal[:_DIGITS]}…")),
            Text(plain(one.server)),
            str(one.slot),
            state_of(one, now),
            "not recorded" if one.opened_at is None else utc(one.opened_at),
            utc(one.expires_at),
            "the server, too" if one.has_upstream else "the gateway",
        )
    console.print(table)


def show_at(console: Console, found: AtServer, principal: Principal, now: int) -> None:
    """What a principal has at one server."""
    console.print(Text(f"\n{found.server}", style="bold"))
    if found.kept.sessions:
        name = {one.principal: principal.subject for one in found.kept.sessions}
        show_sessions(console, found.kept.sessions, now, name)
        console.print()
    if isinstance(found.uses, Untold) or (found.untold and not found.uses):
        console.print(Text("limits: could not tell", style="magenta"))
    elif found.uses:
        _show_uses(console, found.uses, now)
    else:
        console.print(Text("no limits: no policy is in force, or it has none"))


def _show_uses(console: Console, uses: Sequence[Use], now: int) -> None:
    table = _table("LIMIT", "BY RULE", "COUNTS", "USED", "LEFT", "ALL FREE IN")
    for one in uses:
        clear = "" if one.clear_at is None else long(max(0, one.clear_at - now))
        table.add_row(
            Text(plain(limit_words(one.counter.take.limit))),
            Text(plain(one.counter.take.rule)),
            Text(_counts(one)),
            str(one.used),
            Text(str(one.remaining), style="" if one.remaining else "bold red"),
            clear,
        )
    console.print(table)


def _counts(use: Use) -> str:
    counter = use.counter
    whose = "everybody's calls" if counter.is_shared else "its calls"
    if counter.slot is not None:
        whose = f"slot {counter.slot}"
    shadow = ", shadow" if counter.take.shadow else ""
    return f"{whose}{f' of {plain(counter.tool)}' if counter.tool else ''}{shadow}"


def _table(first: str, *more: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in more:
        table.add_column(column, overflow="fold")
    return table
