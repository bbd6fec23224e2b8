"""Names of arguments: their place in a path, and spellings an upstream may take for them.

Only the comparison of argument names may live here. Some servers drop case, spaces or
underscores, or take a field by two names (`broker_id`, `brokerId`), so an undeclared name
that differs from a declared one in nothing else is a second door to the same argument.
"""

import re
import unicodedata

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEPT = "LMNS"  # letters, marks, numbers and symbols
_DROPPED_OF_ASCII = {
    code: None for code in range(128) if unicodedata.category(chr(code))[0] not in _KEPT
}


def spelling(name: str) -> str:
    """A name without case, width, spaces, invisible signs, hyphens and underscores."""
    if name.isascii():
        return name.lower().translate(_DROPPED_OF_ASCII)  # the same, told at once
    signs = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in signs if unicodedata.category(sign)[0] in _KEPT)


def place(path: str, name: str) -> str:
    """The path of a member; a name that is not plain is left out of messages."""
    return f"{path}.{name}" if _PLAIN.fullmatch(name) else f'{path}["…"]'
