"""Names of tools, resources and prompts, and the patterns policies write for them.

Only matching of names by exact code points may live here: no case folding, no
normalisation. A pattern knows two signs, `*` (any characters, also none, also line
breaks and slashes) and `?` (exactly one character); every other sign is itself.
"""

import re
from collections.abc import Callable

from portcullis.policy.model import Kind
from portcullis.policy.regexes import compile_glob_fullmatch

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def is_tool_name(name: str) -> bool:
    """Whether a text can name a tool: 1 to 128 of the signs A-Z a-z 0-9 `_` `.` `-`."""
    return _TOOL_NAME.fullmatch(name) is not None


def is_name(kind: Kind, name: str) -> bool:
    """Whether a text can name a thing of this kind.

    Resources and prompts may be named by any text that is not empty, not longer than a
    pattern can be matched against, and made of whole characters.
    """
    return is_tool_name(name) if kind is Kind.TOOL else _ANY_NAME(name) is True


def is_pattern(text: str) -> bool:
    """Whether a policy key is a pattern rather than one exact name."""
    return "*" in text or "?" in text


def compile_glob(text: str) -> Callable[[str], bool]:
    """Compile a pattern to a test over the whole name, in time linear in the name.

    The test is for names that `is_name` accepts; evaluation refuses all others first.

    Raises:
        PatternError: the pattern is empty or longer than 1000 characters.
    """
    fullmatch = compile_glob_fullmatch(text)
    body = text.rstrip("*")
    if is_pattern(body):
        return lambda name: fullmatch(name) is True
    if body == text:
        return lambda name: name == text
    return lambda name: name.startswith(body)


_ANY_NAME = compile_glob_fullmatch("?*")
