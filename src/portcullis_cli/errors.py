"""How a command ends: its exit codes, and the one exception that carries one."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from portcullis.values import JsonObject


class ExitCode(IntEnum):
    """What a script learns from the command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAUTHENTICATED = 4
    UNAVAILABLE = 5
    UNDECIDED = 6
    WAITING = 7


MEANINGS: Final[Mapping[ExitCode, str]] = MappingProxyType(
    {
        ExitCode.OK: "it was done",
        ExitCode.REFUSED: "it was not done: this person may not, somebody was faster, "
        "the deadline has passed, or the question was answered with no; or somebody should act",
        ExitCode.USAGE: "the command line is not right; nothing was sent, or nothing accepted",
        ExitCode.NOT_FOUND: "there is no such request, grant or server, "
        "or this person may not see it",
        ExitCode.UNAUTHENTICATED: "the token is not (or no longer) good",
        ExitCode.UNAVAILABLE: "the console, the table, the bucket or another part did not answer, "
        "or not as it should: what is shown is not all there is to tell",
        ExitCode.UNDECIDED: "it cannot be told: a policy has more cases than can be looked at, "
        "a guarantee could not be tried, or a recorded call not be decided again",
        ExitCode.WAITING: "it was uploaded and is not in force yet: somebody has to approve it, "
        "or nobody has looked at it in time",
    }
)


class CommandError(Exception):
    """A command that did not do what it was asked to.

    `code` is for programs; `reply` is the console's own error object, where there is one.
    """

    def __init__(
        self, exit_code: ExitCode, message: str, *, code: str, reply: JsonObject | None = None
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code
        self.reply = reply


def usage_error(message: str) -> CommandError:
    """What was asked for cannot be right."""
    return CommandError(ExitCode.USAGE, message, code="usage")


def unavailable(message: str) -> CommandError:
    """What was needed did not answer as it should."""
    return CommandError(ExitCode.UNAVAILABLE, message, code="unavailable")
