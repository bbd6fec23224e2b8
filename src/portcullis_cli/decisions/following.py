"""Following the decision log: what is new, each line once, late ones too.

Lines reach CloudWatch some seconds after they were written, in no order between streams. So each
look goes back a little before the newest line there was, and what was seen already is left out.
How far is counted by the lines' own times: this machine's clock says only where to begin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.adapters.aws_calls import Client
from portcullis_cli.decision_log import Read, Span, in_order, read_decisions
from portcullis_cli.errors import CommandError, ExitCode

OVERLAP_MS: Final = 60_000  # how late a line may come after a newer one and still be told
POLL_SECONDS: Final = 2.0
TRIES: Final = 10  # looks in a row that may fail, once one has succeeded


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The logs did not answer once; `why` is one line. Nothing is lost: it is looked again."""

    why: str


def follow(
    client: Client, groups: Sequence[str], since_ms: int, *, sleep: Callable[[float], None]
) -> Iterator[Read | Interrupted]:
    """Everything from `since_ms` on, without an end.

    Raises:
        CommandError: the first look fails, or too many in a row do.
    """
    newest, failures, has_looked = since_ms, 0, False
    seen: dict[tuple[str, str], int] = {}
    while True:
        span = Span(since_ms=max(since_ms, newest - OVERLAP_MS))
        try:
            found = in_order(read_decisions(client, groups, span, sleep=sleep))
        except CommandError as error:
            failures += 1
            if not has_looked or failures > TRIES or error.exit_code is not ExitCode.UNAVAILABLE:
                raise
            yield Interrupted(str(error))
        else:
            failures, has_looked = 0, True
            for one in found:
                if (one.group, one.event_id) not in seen:
                    seen[one.group, one.event_id] = one.at_ms
                    yield one
            newest = max([newest, *(one.at_ms for one in found)])
            # Only what the next look can meet again needs to be known.
            seen = {key: at for key, at in seen.items() if at >= newest - OVERLAP_MS}
        sleep(POLL_SECONDS)
