"""Log streams that do not grow for ever: the emulator lives in memory.

moto knows no filter pattern in braces and answers every line then, as if none had been given:
who reads filters again. A reader must in any case, because AWS filters by what a line says and
not by what wrote it.
"""

from typing import Any, Final

from moto.logs.models import LogStream

KEPT: Final = 20_000  # lines of one stream


def install() -> None:
    """Let every stream keep its newest lines alone."""
    put = LogStream.put_log_events

    def put_and_forget(self: LogStream, log_events: list[dict[str, Any]]) -> str:
        token = put(self, log_events)
        del self.events[:-KEPT]
        return token

    LogStream.put_log_events = put_and_forget  # type: ignore[method-assign]  # moto has no such setting
