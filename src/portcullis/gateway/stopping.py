"""A person's word that stops everything, as the denial that it comes to.

Asked before a request goes any way that leads to a server, and once more right before it is
sent. What cannot be told is a denial too, in the name of what did not answer.
"""

from typing import Final

from portcullis.errors import KillSwitchUnavailableError
from portcullis.gateway.ports import KillSwitch, Stop
from portcullis.policy.decision import Deny, Outcome
from portcullis.policy.model import Instant

STOPPED: Final = "A person has stopped all calls to this server"
UNREADABLE: Final = (
    "The kill switch of this gate holds something that cannot be read, which counts as stopped"
)
UNTOLD: Final = "Whether a person has stopped this gate cannot be told. Try again shortly."


def stopped(kill_switch: KillSwitch, server: str, *, now: Instant) -> Deny | None:
    """Answer the denial of a call that is stopped, None where it provably is not."""
    try:
        stop = kill_switch.stop(server, now=now)
    except KillSwitchUnavailableError:
        return Deny(outcome=Outcome.STORE_UNAVAILABLE, rule=None, reason=UNTOLD)
    return None if stop is None else Deny(outcome=Outcome.STOPPED, rule=None, reason=_words(stop))


def _words(stop: Stop) -> str:
    if not stop.is_readable:
        return UNREADABLE
    return f"{STOPPED}: {stop.reason}" if stop.reason else STOPPED
