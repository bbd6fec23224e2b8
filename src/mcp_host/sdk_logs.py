"""What the MCP SDK may log in a host: warnings, without values and without tracebacks.

The text of an exception can hold a password (a URL that could not be parsed, an argument
that was of the wrong type). The gateway already records every call, so nothing is lost.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _ClassesOnly(logging.Formatter):
    """A record's own message, and of an exception nothing but its class names."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name logging calls
        error = ei[1] if isinstance(ei, tuple) else None
        names: list[str] = []
        while isinstance(error, BaseException) and len(names) < 5:
            names.append(type(error).__name__)
            error = error.__cause__
        return " from ".join(names)


def restrict_sdk_logs() -> None:
    """Install the rules on the SDK's own logger tree."""
    handler = logging.StreamHandler()
    handler.setFormatter(_ClassesOnly("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("mcp")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING)
    logger.propagate = False


@contextmanager
def root_logger_kept() -> Iterator[None]:
    """Undo what the SDK does to the root logger: it makes every library talk at INFO."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
