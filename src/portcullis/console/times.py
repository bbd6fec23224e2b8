"""Instants as people and programs read them, in UTC."""

from datetime import UTC, datetime

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def iso(seconds: int) -> str:
    """RFC 3339: `2026-11-28T00:30:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spoken(seconds: int) -> str:
    """`28 Nov 2026, 00:30:00 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y, %H:%M:%S UTC").lstrip("0")


def relative(seconds: int, *, now: int) -> str:
    """`in 25 minutes`, `3 hours ago`; never more than there is."""
    away = abs(seconds - now)
    for size, unit in _UNITS:
        count = away // size
        if count:
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if seconds > now else f"{words} ago"
    return "now"
