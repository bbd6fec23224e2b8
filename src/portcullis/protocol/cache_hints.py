"""How long, and by whom, a modern result may be kept (2026-07-28 server/utilities/caching).

What a caller sees depends on who it is, so every result is private, on all pages, and no
older than the policy behind it can be.
"""

from decimal import Decimal

from portcullis.values import JsonObject, JsonValue


def privatise(result: JsonObject, *, max_ttl_ms: int) -> JsonObject:
    """Answer a complete result marked private, its ttl bounded; others stay as they are."""
    if result.get("resultType", "complete") != "complete":
        return result
    return {**result, "cacheScope": "private", "ttlMs": _bounded(result.get("ttlMs"), max_ttl_ms)}


def _bounded(ttl_ms: JsonValue, max_ttl_ms: int) -> int:
    """Answer the smaller one; an absent or unusable ttl says nothing may be kept."""
    if isinstance(ttl_ms, bool) or not isinstance(ttl_ms, int | Decimal):
        return 0
    return max(0, min(int(ttl_ms), max_ttl_ms))
