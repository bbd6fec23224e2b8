"""What compiling a piece of a policy raises: a message, and what to write instead.

Only errors of compilation live here; evaluation answers values and never raises.
"""

from portcullis.errors import PortcullisError


class CompileError(PortcullisError):
    """A path, operand or pattern of a policy cannot be used.

    Attributes:
        message: lower case, one line, without a full stop.
        suggestion: what the author may have meant, or None.
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


class PathError(CompileError):
    """A path is not written in the path language or leads nowhere."""


class OperandError(CompileError):
    """An operator is unknown, or its operand is of no use to it."""


class PatternError(CompileError):
    """A name pattern cannot be used."""


def shown(text: str) -> str:
    """A piece of a policy as messages quote it: in backticks, on one line, at most 80 signs."""
    line = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return f"`{line if len(line) <= 80 else line[:79] + '…'}`"
