"""Lists of tools, prompts, resources: what a caller may see of a page.

Entries are removed, never changed: order, unknown fields and the cursor stay. A page left
empty with a cursor is legal (2026-07-28 server/utilities/pagination).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from portcullis.protocol.cache_hints import privatise
from portcullis.protocol.known_keys import KnownKeys
from portcullis.protocol.messages import Request, Subject
from portcullis.protocol.methods import METHODS, Method, SubjectKind
from portcullis.protocol.params import is_subject_name
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

_TOOLS = METHODS["tools/list"]


def filter_list(
    result: JsonObject, request: Request, *, is_visible: Callable[[str], bool], max_ttl_ms: int
) -> JsonObject | None:
    """Answer a page holding only sound entries the caller may see.

    Args:
        result: the upstream's result.
        request: the list request it answers.
        is_visible: asked with the name, URI or URI template of each sound entry.
        max_ttl_ms: how long a modern client may keep the page at most.

    Returns:
        None when the result is no list of its kind, or could be read as another one.
    """
    entries = _entries(result, request.method)
    if entries is None or request.method.list_key is None:
        return None
    kept: list[JsonValue] = [
        entry for name, entry in _sound(entries, request.method) if is_visible(name)
    ]
    page: JsonObject = {**result, request.method.list_key: kept}
    return privatise(page, max_ttl_ms=max_ttl_ms) if request.era is Era.MODERN else page


def tools_of(results: Sequence[JsonObject]) -> dict[str, JsonObject] | None:
    """Answer the sound tools of all pages of a list by name, in order.

    None when a page is no tools/list result. A name that occurs twice, on whatever pages,
    is left out altogether: nobody could say which of the two a call would reach.
    """
    entries: list[JsonValue] = []
    for result in results:
        page = _entries(result, _TOOLS)
        if page is None:
            return None
        entries.extend(page)
    return dict(_sound(entries, _TOOLS))


def next_cursor(result: JsonObject) -> str | None:
    """Answer the cursor of the next page, "" included; None on the last one."""
    cursor = result.get("nextCursor")
    return cursor if isinstance(cursor, str) else None


def _entries(result: JsonObject, method: Method) -> list[JsonValue] | None:
    if method.list_key is None:
        return None
    known = KnownKeys((method.list_key, "nextCursor", "resultType", "cacheScope", "ttlMs"))
    entries = result.get(method.list_key)
    return entries if isinstance(entries, list) and not known.has_lookalike(result) else None


def _sound(entries: Iterable[JsonValue], method: Method) -> list[tuple[str, JsonObject]]:
    """Pair the entries with their names, without the malformed and the ambiguous ones."""
    known = KnownKeys((method.listed_name,))
    named = []
    for entry in entries:
        if isinstance(entry, dict) and not known.has_lookalike(entry):
            name = entry.get(method.listed_name)
            if isinstance(name, str) and _is_name(name, method):
                named.append((name, entry))
    times = Counter(_identity(name, method) for name, _ in named)
    return [(name, entry) for name, entry in named if times[_identity(name, method)] == 1]


def _is_name(name: str, method: Method) -> bool:
    return method.subject is not None and is_subject_name(Subject(kind=method.subject, name=name))


def _identity(name: str, method: Method) -> str:
    """Tools that differ only in case are one to a careless reader; URIs and prompts are not."""
    return name.casefold() if method.subject is SubjectKind.TOOL else name
