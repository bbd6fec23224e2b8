"""Recording calls, so that another policy can be asked what it would have decided.

A recording is no guarantee of the gate: where it cannot be made, the call goes on and its line
says so. Nothing here may raise.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from portcullis import strictjson
from portcullis.approvals.redaction import Steps, redact
from portcullis.errors import TooLargeToRecordError
from portcullis.gateway.governed import Governed
from portcullis.policy.model import Call, Instant, Kind

MAXIMUM_BYTES: Final = 64 * 1024  # of a call; a line of the log may have 256 KiB
UNAVAILABLE: Final = "unavailable"
TOO_LARGE: Final = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """What is needed to decide a call again; `removed` are the ways to what was taken out."""

    call: Call
    at: Instant
    removed: tuple[Steps, ...] = ()


class Recorder(Protocol):
    """Seals calls for the decision log."""

    def seal(self, recorded: RecordedCall, *, decision_id: str) -> str:
        """Answer the sealed call as a text. It opens with this decision's line and no other.

        Raises:
            TooLargeToRecordError: it is longer than a line may be.
            RecordingError: it cannot be sealed now.
        """
        ...


def record(recorder: Recorder, governed: Governed, *, at: Instant) -> None:
    """Put the sealed call, or why there is none, into what is known of the request."""
    exchange = governed.exchange
    if governed.call.kind is not Kind.TOOL:
        return
    try:
        recorded = _recorded(governed, at)
        exchange.recorded = recorder.seal(recorded, decision_id=exchange.decision_id)
    except TooLargeToRecordError:
        exchange.recording = TOO_LARGE
    except Exception:  # noqa: BLE001 - no decision hangs on it
        exchange.recording = UNAVAILABLE


def _recorded(governed: Governed, at: Instant) -> RecordedCall:
    """The call without secrets, and without what no policy reads.

    Its size comes first: secrets are looked for in every text, and an agent chooses how much it is.
    """
    call = governed.call
    if len(strictjson.dump({**call.arguments})) > MAXIMUM_BYTES:
        raise TooLargeToRecordError("the arguments are too large to be recorded")
    left = redact(call.arguments, schema=governed.input_schema or {}, paths=governed.policy.redact)
    return RecordedCall(
        call=replace(
            call,
            arguments=left.arguments,
            principal=replace(call.principal, person="", credential=""),
        ),
        at=at,
        removed=left.removed,
    )
