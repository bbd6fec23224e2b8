r"""The one place that meets RE2.

Only compiling a pattern to a test over a whole string may live here. RE2 runs in time
linear in the text and knows neither look-around nor back-references, so a pattern or an
argument cannot stall a decision; its memory is capped per pattern. `\d` and `\w` are
ASCII, the dot matches a line break, `^` and `$` mean the ends of the text. Under `(?i)`
RE2 folds by Unicode: the Kelvin sign matches `k`. Source: github.com/google/re2 syntax.
"""

from collections.abc import Callable

import re2

from portcullis.policy.compile_error import PatternError

MAX_PATTERN_LENGTH = 1000
MAX_TEXT_LENGTH = 100_000
MAX_MEMORY_BYTES = 1024 * 1024

_SUGGESTIONS = {
    "(?=": "RE2 has no look-ahead: use a second condition",
    "(?!": "RE2 has no look-ahead: use a second condition under `not`",
    "(?<": "RE2 has no look-behind: use a second condition",
    "invalid escape sequence": "RE2 has no back-references, and other escapes than those listed "
    "at github.com/google/re2/wiki/Syntax",
    "repetition": "a repetition counts to 1000 at most",
    "too large": "write a smaller pattern",
}


def compile_fullmatch(source: str) -> Callable[[str], bool | None]:
    """Compile a pattern to a test over the whole of a text.

    The test answers None where it cannot tell: the text is longer than 100 000
    characters or holds half a surrogate pair.

    Raises:
        PatternError: RE2 does not take the pattern, or it is longer than 1000 characters.
    """
    if len(source) > MAX_PATTERN_LENGTH:
        raise PatternError(f"a pattern is longer than {MAX_PATTERN_LENGTH} characters")
    return _fullmatch(source)


def compile_glob_fullmatch(source: str) -> Callable[[str], bool | None]:
    """Compile `*` and `?` as names know them; otherwise as `compile_fullmatch`.

    Raises:
        PatternError: the pattern is empty or longer than 1000 characters.
    """
    if not source:
        raise PatternError("a pattern is empty", "write `*` for everything")
    if len(source) > MAX_PATTERN_LENGTH:
        raise PatternError(f"a pattern is longer than {MAX_PATTERN_LENGTH} characters")
    signs = {"*": ".*", "?": "."}
    return _fullmatch("".join(signs.get(sign) or re2.escape(sign) for sign in source))


def _fullmatch(source: str) -> Callable[[str], bool | None]:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True  # only whether it matches is asked, so the automaton suffices
    options.max_mem = MAX_MEMORY_BYTES
    try:
        fullmatch = re2.compile(source, options).fullmatch
    except UnicodeEncodeError as cause:
        raise PatternError("a pattern holds half a surrogate pair") from cause
    except re2.error as cause:
        raise _refusal(cause) from cause

    def test(text: str) -> bool | None:
        if len(text) > MAX_TEXT_LENGTH:
            return None
        try:
            return fullmatch(text.encode("utf-8")) is not None
        except UnicodeEncodeError:
            return None

    return test


def _refusal(cause: Exception) -> PatternError:
    said = cause.args[0]
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    hints = (hint for sign, hint in _SUGGESTIONS.items() if sign in text)
    return PatternError(f"the pattern is not RE2: {text}", next(hints, None))
