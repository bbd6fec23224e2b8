"""The one reader of the decision log: lines of CloudWatch log groups as values.

A line is a decision, something else that a function wrote, or a decision that cannot be read.
The last is told and never left out: it may be the one that is looked for.

Sources: CloudWatch Logs API reference, FilterLogEvents; CloudWatch Logs user guide, "Filter
pattern syntax for metric filters, subscription filters, filter log events, and Live Tail".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.errors import StrictJsonError
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject, JsonValue
from portcullis_cli.errors import CommandError, ExitCode, unavailable
from portcullis_cli.rendering import plain

MARK: Final = "decision"  # what the line of a decision says as its message
# A word and no JSON pattern: that would keep back the lines that are no JSON any more.
EVERY_DECISION: Final = '"decision"'
ATTEMPTS: Final = 6  # of one request that is throttled, besides the SDK's own
PAUSE_SECONDS: Final = 0.5  # before the second attempt, and twice as long before each further one
_MAXIMUM_LINE_BYTES: Final = 4 << 20
_THROTTLED: Final = {
    "LimitExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_MARKED: Final = re.compile(r'"message"\s*:\s*"decision"')
_WORDS: Final = ("decision_id", "server", "method", "outcome")  # what no decision lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision. `fields` is the whole record, fields unknown to this release included.

    `at_ms` is when it was written, in epoch milliseconds. What a record does not say is None.
    """

    at_ms: int
    group: str
    event_id: str
    decision_id: str
    server: str
    method: str
    outcome: str
    fields: JsonMapping
    stack: str | None = None  # whose line it is
    name: str | None = None
    principal: str | None = None
    session: str | None = None
    rule: str | None = None
    revision: str | None = None
    argument_digest: str | None = None
    upstream_outcome: str | None = None
    approval: str | None = None
    recorded: str | None = None  # the call itself, sealed
    recording: str | None = None
    upstream_status: int | None = None
    status: int | None = None

    @property
    def latency_micros(self) -> Mapping[str, int]:
        """Microseconds by part."""
        return _numbers(self.fields.get("latency_micros"))

    @property
    def age_seconds(self) -> Mapping[str, int]:
        """How old what the call was judged by was, by part."""
        return _numbers(self.fields.get("age_seconds"))

    @property
    def shadow(self) -> Sequence[JsonMapping]:
        """What rules in shadow mode would have said."""
        return _objects(self.fields.get("shadow"))

    @property
    def remaining(self) -> Sequence[JsonMapping]:
        """What is left of each limit the call took from."""
        return _objects(self.fields.get("remaining"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The line of a decision that cannot be read; `why` never quotes it."""

    at_ms: int
    group: str
    event_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time range in epoch milliseconds, both ends included; `until_ms` None: up to now."""

    since_ms: int
    until_ms: int | None = None


Read: TypeAlias = Decision | Broken


def read_line(text: str, *, at_ms: int, group: str, event_id: str) -> Read | None:
    """What one line says; None where it is the line of no decision."""
    place: dict[str, Any] = {"at_ms": at_ms, "group": group, "event_id": event_id}
    try:
        tree = parse(text.encode("utf-8", "surrogatepass"), max_bytes=_MAXIMUM_LINE_BYTES)
    except StrictJsonError:
        if _MARKED.search(text):
            return Broken(**place, why="it is not JSON, or was cut off")
        return None
    if not isinstance(tree, dict) or tree.get("message") != MARK:
        return None
    record = tree.get("decision")
    if not isinstance(record, dict):
        return Broken(**place, why="it has no record")
    return _decision(record, place, stack=_text(tree.get("service")))


def read_decisions(
    client: Client,
    groups: Sequence[str],
    span: Span,
    *,
    sleep: Callable[[float], None],
    pattern: str = EVERY_DECISION,
) -> Iterator[Read]:
    """Every decision of these groups in a span, group by group, as CloudWatch gives them.

    `pattern` spares lines on the way; it promises nothing, so whoever wants some decisions looks
    at each again.

    Raises:
        CommandError: there is no such group, or the logs do not answer.
    """
    for group in groups:
        for event in _events(client, group, span, pattern=pattern, sleep=sleep):
            found = read_line(
                str(event.get("message", "")),
                at_ms=int(event["timestamp"]),
                group=group,
                event_id=str(event["eventId"]),
            )
            if found is not None:
                yield found


def in_order(read: Iterator[Read]) -> list[Read]:
    """In time order; lines of one millisecond by group, as they came."""
    return sorted(read, key=lambda one: (one.at_ms, one.group))


def _decision(record: JsonObject, place: Mapping[str, Any], *, stack: str | None) -> Read:
    for name in _WORDS:
        if not isinstance(record.get(name), str):
            return Broken(**place, why=f"its record has no {name}")
    told: dict[str, Any] = {
        **{name: record[name] for name in _WORDS},
        **{name: _text(record.get(name)) for name in _TEXTS},
        **{name: _number(record.get(name)) for name in ("upstream_status", "status")},
    }
    return Decision(**place, **told, stack=stack, fields=record)


_TEXTS: Final = (
    "name",
    "principal",
    "session",
    "rule",
    "revision",
    "argument_digest",
    "upstream_outcome",
    "approval",
    "recorded",
    "recording",
)


def _events(
    client: Client, group: str, span: Span, *, pattern: str, sleep: Callable[[float], None]
) -> Iterator[Mapping[str, Any]]:
    """Every page, also after an empty one: only a page without a token is the last."""
    asked: dict[str, Any] = {"logGroupName": group, "startTime": span.since_ms}
    if span.until_ms is not None:
        asked["endTime"] = span.until_ms
    if pattern:
        asked["filterPattern"] = pattern
    while True:
        page = _page(client, asked, sleep=sleep)
        yield from page.get("events", ())
        token = page.get("nextToken")
        if not token:
            return
        if token == asked.get("nextToken"):
            raise unavailable(f"the log group `{plain(group)}` gives the same page again")
        asked["nextToken"] = token


def _page(
    client: Client, asked: Mapping[str, Any], *, sleep: Callable[[float], None]
) -> Mapping[str, Any]:
    pause = PAUSE_SECONDS
    for attempt in range(ATTEMPTS):
        try:
            answer: Mapping[str, Any] = client.filter_log_events(**asked)
        except AwsError as error:
            if error_code(error) not in _THROTTLED or attempt + 1 == ATTEMPTS:
                _refuse(error, asked["logGroupName"])
            sleep(pause)
            pause *= 2
        else:
            return answer
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _refuse(error: BaseException, group: str) -> NoReturn:
    if isinstance(error, ClientError) and error_code(error) == "ResourceNotFoundException":
        raise CommandError(
            ExitCode.NOT_FOUND,
            f"there is no log group `{plain(group)}` in this account and region",
            code="not_found",
        ) from error
    raise unavailable(
        f"the log group `{plain(group)}` cannot be read: {error_code(error)}"
    ) from error


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _numbers(value: JsonValue) -> Mapping[str, int]:
    if not isinstance(value, dict):
        return {}
    return {name: found for name, one in value.items() if (found := _number(one)) is not None}


def _objects(value: JsonValue) -> Sequence[JsonMapping]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
