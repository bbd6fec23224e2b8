"""The gateway's own `_meta` keys: nobody upstream may set them.

An agent can trust `_meta["portcullis/decision"]` because a key with that prefix, however
spelled, never passes from an upstream.
"""

from portcullis.protocol.known_keys import RESERVED_PREFIX, is_reserved
from portcullis.values import JsonValue

# Folding ignores case and invisible characters; ASCII JSON holds those raw (DEL) or as the
# escapes below. One pass deletes whatever they are made of, from the text and the prefix.
_LOWER = bytes(range(256)).lower()
_DELETED = b"\\\x7fbfnrtBFNRT"
_PREFIX = RESERVED_PREFIX.encode("ascii").translate(_LOWER, _DELETED)


def may_occur(body: bytes) -> bool:
    """Tell cheaply whether JSON could hold a reserved `_meta` key; False is certain."""
    if b"\\u" in body:
        return True
    if b'"_meta"' not in body:
        return False
    return not body.isascii() or _PREFIX in body.translate(_LOWER, _DELETED)


def strip(value: JsonValue) -> JsonValue:
    """Answer the value without reserved `_meta` keys at any depth; itself when it has none."""
    if isinstance(value, list):
        elements = [strip(element) for element in value]
        is_same = all(new is old for new, old in zip(elements, value, strict=True))
        return value if is_same else elements
    if not isinstance(value, dict):
        return value
    members = {key: strip(_without_reserved(key, member)) for key, member in value.items()}
    is_same = all(members[key] is value[key] for key in value)
    return value if is_same else members


def _without_reserved(key: str, member: JsonValue) -> JsonValue:
    if key != "_meta" or not isinstance(member, dict) or not any(map(is_reserved, member)):
        return member
    return {name: entry for name, entry in member.items() if not is_reserved(name)}
