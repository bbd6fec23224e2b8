"""Which arguments a tool's schema calls secret: `writeOnly`, and `format: password`.

A server writes its schemas and may mean harm, so the time is linear in the schema however its
references run. What cannot be read is taken for secret.

Sources: JSON Schema validation 2020-12, 9.4 (writeOnly); OpenAPI format registry (password).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from portcullis.values import JsonMapping

_APART: Final = frozenset({"properties", "$defs", "definitions"})  # these have names of their own
_NOT_FOLLOWED: Final = frozenset({"$dynamicRef", "$recursiveRef"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a schema says of its value, less what has a name of its own."""

    is_secret: bool
    refs: frozenset[str] = frozenset()


_UNREADABLE: Final = _Said(is_secret=True)


def secret_properties(schema: JsonMapping) -> frozenset[str] | None:
    """The names of secret properties, wherever they stand; None where everything is secret."""
    whole = _said(schema)
    named = [(name, _said(one)) for name, one in _properties(schema)]
    secret = _secret_refs({*whole.refs}.union(*(said.refs for _, said in named)), schema)

    def hides(said: _Said) -> bool:
        return said.is_secret or not secret.isdisjoint(said.refs)

    return None if hides(whole) else frozenset(name for name, said in named if hides(said))


def _properties(schema: JsonMapping) -> Iterator[tuple[str, object]]:
    waiting: list[object] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            properties = node.get("properties")
            if isinstance(properties, dict):
                yield from properties.items()
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _said(schema: object) -> _Said:
    waiting, refs, is_secret = [schema], set[str](), False
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            ref = node.get("$ref", "#")
            is_secret |= node.get("writeOnly") is True or node.get("format") == "password"
            is_secret |= not isinstance(ref, str) or not _NOT_FOLLOWED.isdisjoint(node)
            if "$ref" in node:
                refs.add(str(ref))
            waiting.extend(value for key, value in node.items() if key not in _APART)
    return _Said(is_secret=is_secret, refs=frozenset(refs))


def _secret_refs(refs: Iterable[str], root: JsonMapping) -> set[str]:
    """The references, and those behind them, that lead to something secret."""
    known: dict[str, _Said] = {}
    users: dict[str, list[str]] = {}
    waiting = [*refs]
    while waiting:
        ref = waiting.pop()
        if ref not in known:
            known[ref] = _behind(ref, root)
            for used in known[ref].refs:
                users.setdefault(used, []).append(ref)
            waiting.extend(known[ref].refs)
    secret = {ref for ref, said in known.items() if said.is_secret}
    waiting = [*secret]
    while waiting:
        more = set(users.get(waiting.pop(), ())) - secret
        secret |= more
        waiting.extend(more)
    return secret


def _behind(ref: str, root: JsonMapping) -> _Said:
    """What a reference inside the schema (`#/$defs/name`) points at says."""
    start, *parts = ref.split("/")
    found: object = root
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return _UNREADABLE
        found = found[name]
    return _said(found) if start == "#" else _UNREADABLE
