"""What a run reaches besides the gate: its log, and the kill switch for the canary."""

from dataclasses import dataclass
from typing import Final

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.kill_switch_object import Order
from portcullis_cli.errors import CommandError, ExitCode, unavailable
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.kill_switch import ATTEMPTS, changed, said
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.verifying.scene import LogSearch, Switch

_PAGES: Final = 50
_REASON: Final = "portcullis verify tries the kill switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSearch(LogSearch):
    """Looks into a log group of CloudWatch, from `since` on (epoch seconds)."""

    client: Client
    group: str
    since: int

    def holds(self, text: str) -> bool:
        """See `LogSearch.holds` (CloudWatch Logs API reference, FilterLogEvents)."""
        asked = {
            "logGroupName": self.group,
            "startTime": self.since * 1000,
            "filterPattern": f'"{text}"',
        }
        for _ in range(_PAGES):
            with aws_answers():
                page = self.client.filter_log_events(**asked)
            if page.get("events"):
                return True
            if not page.get("nextToken"):
                return False
            asked["nextToken"] = page["nextToken"]
        raise unavailable("the log group holds more than can be looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSwitch(Switch):
    """The kill switch, for one server; what somebody else stopped is left alone."""

    around: Surroundings
    client: Client
    bucket: str
    server: str

    def stop(self) -> None:
        """See `Switch.stop`."""
        ours = said(self.around, servers=frozenset({self.server}), reason=_REASON)

        def stopping(order: Order) -> Order:
            if order == ours:  # written by an attempt whose answer was lost
                return ours
            if order.everything or order.servers or not order.is_readable:
                raise CommandError(
                    ExitCode.REFUSED, "something is stopped already", code="stopped_already"
                )
            return ours

        changed(self.client, self.bucket, stopping, attempts=ATTEMPTS)

    def go_on(self) -> None:
        """See `Switch.go_on`."""

        def going_on(order: Order) -> Order:
            if order.everything or not order.is_readable:
                raise CommandError(
                    ExitCode.REFUSED,
                    "somebody else stopped everything meanwhile, and it stays stopped",
                    code="everything_stopped",
                )
            left = order.servers - {self.server}
            return said(self.around, servers=left, reason=order.reason if left else "")

        changed(self.client, self.bucket, going_on, attempts=ATTEMPTS)
