"""The gateway's own `_meta` keys: nobody upstream may set them.

An agent can trust `_meta["portcullis/decision"]` because a key with that prefix, however
spelled, never passes from an upstream.
"""

from portcullis.protocol.known_keys import is_reserved
from portcullis.values import JsonValue

_PREFIX_WORD = b"portcullis"
# How ASCII JSON can hold the invisible characters that folding removes, `\\u` escapes aside.
_INVISIBLE = (b"\\b", b"\\f", b"\\n", b"\\r", b"\\t", b"\x7f")


def may_occur(body: bytes) -> bool:
    """Tell cheaply whether JSON could hold a reserved key; False is certain."""
    if not body.isascii() or b"\\u" in body:
        return True
    visible = body.lower()
    for escape in _INVISIBLE:
        visible = visible.replace(escape, b"")
    return _PREFIX_WORD in visible


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
