"""A recorded call as JSON: what is sealed into a line of the decision log."""

from portcullis import strictjson
from portcullis.adapters.principal_json import NAMES as PRINCIPAL
from portcullis.adapters.principal_json import principal_of, principal_tree
from portcullis.adapters.stored_objects import StoredObject
from portcullis.approvals.redaction import Steps
from portcullis.errors import StrictJsonError
from portcullis.gateway.recording import RecordedCall
from portcullis.policy.model import Call, Instant, Kind
from portcullis.values import JsonValue

_NAMES = ("name", "arguments", "redacted", "principal", "session", "at")


def written_recording(recorded: RecordedCall) -> bytes:
    """The bytes of a recorded call of a tool; its server is told by its line."""
    call = recorded.call
    return strictjson.dump(
        {
            "name": call.name,
            "arguments": dict(call.arguments),
            "redacted": [[*steps] for steps in recorded.removed],
            "principal": principal_tree(call.principal),
            "session": call.session,
            "at": recorded.at.micros,
        }
    )


def read_recording(content: bytes, server: str) -> RecordedCall:
    """The recorded call.

    Raises:
        ValueError: something else was sealed.
    """
    try:
        stored = StoredObject(strictjson.parse(content), _NAMES)
    except StrictJsonError as error:
        raise ValueError("it is no strict JSON") from error
    return RecordedCall(
        call=Call(
            server=server,
            kind=Kind.TOOL,
            name=stored.text("name"),
            arguments=stored.members("arguments"),
            principal=principal_of(stored.object("principal", PRINCIPAL)),
            session=stored.text("session"),
        ),
        at=Instant(micros=stored.whole("at")),
        removed=tuple(_steps(one) for one in stored.elements("redacted")),
    )


def _steps(value: JsonValue) -> Steps:
    if not isinstance(value, list):
        raise ValueError("a way is no list")  # noqa: TRY004 - as the rest of what is stored
    return tuple(_step(one) for one in value)


def _step(value: JsonValue) -> str | int:
    if isinstance(value, str) or type(value) is int:
        return value
    raise ValueError("a step is neither a name nor a number")
