"""Which earlier policy is meant by going back, told from what governed before."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis_cli.errors import CommandError, ExitCode, usage_error
from portcullis_cli.policy.past import Activation
from portcullis_cli.rendering import plain

_REVISION: Final = "sha256:"
_DIGITS: Final = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPoint:
    """An upload to go back to; `governed` None: no record says that it ever was in force."""

    version: str
    governed: Activation | None


def return_point(
    now: Activation | None, past: Iterator[Activation | None], wanted: str
) -> ReturnPoint:
    """The upload that is meant.

    `past` is what governed before `now`, the newest first, None where that cannot be understood;
    no more of it is taken than is needed. `wanted` is a revision, a version of an upload, or
    nothing: then it is the last other revision that was in force.

    Raises:
        CommandError: there is none, it cannot be told, or several are meant.
    """
    if not wanted:
        return _before(now, past)
    known = [one for one in (now, *past) if one is not None]
    if wanted.startswith(_REVISION):
        return _of_revision(known, wanted)
    of_upload = [one for one in known if one.policy.source_version == wanted]
    return ReturnPoint(version=wanted, governed=of_upload[0] if of_upload else None)


def _before(now: Activation | None, past: Iterator[Activation | None]) -> ReturnPoint:
    for one in past:
        if one is None:
            raise CommandError(
                ExitCode.REFUSED,
                "what was in force before cannot be understood, or was deleted; "
                "look at `policy history` and name what you mean with --to",
                code="unknown_past",
            )
        if now is None or one.policy.revision != now.policy.revision:
            return ReturnPoint(version=one.policy.source_version, governed=one)
    raise CommandError(
        ExitCode.NOT_FOUND, "no other revision was in force before", code="not_found"
    )


def _of_revision(known: Sequence[Activation], wanted: str) -> ReturnPoint:
    if not _DIGITS.fullmatch(wanted.removeprefix(_REVISION)):
        raise usage_error("a revision is `sha256:` and at least 8 of its hexadecimal digits")
    found = [one for one in known if one.policy.revision.startswith(wanted)]
    if len({one.policy.revision for one in found}) > 1:
        raise usage_error(f"`{plain(wanted)}` begins more than one revision: write more of it")
    if not found:
        raise CommandError(
            ExitCode.NOT_FOUND,
            f"no record says that revision `{plain(wanted)}` was ever in force",
            code="not_found",
        )
    return ReturnPoint(version=found[0].policy.source_version, governed=found[0])
