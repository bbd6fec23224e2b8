"""Reading the decision log: every page, every field, and nothing that is broken left unsaid."""

import json
from typing import Any

import pytest

from portcullis_cli.decision_log import (
    ATTEMPTS,
    Broken,
    Decision,
    Read,
    Span,
    in_order,
    read_decisions,
    read_line,
)
from portcullis_cli.errors import CommandError, ExitCode
from support.aws_faults import FAULTS, fault
from support.decision_lines import CONSOLE, GATEWAY, GROUPS, NOW_MS, Logs, line, texts
from support.recorded_lines import decision_lines

EVER = Span(since_ms=NOW_MS - 3_600_000)


def one(text: str) -> Read | None:
    return read_line(text, at_ms=NOW_MS, group=GATEWAY, event_id="e")


def read(logs: Logs, *, span: Span = EVER, slept: list[float] | None = None) -> list[Read]:
    sleep = (slept if slept is not None else []).append
    return in_order(read_decisions(logs, GROUPS, span, sleep=sleep))


def test_every_line_that_the_functions_write_is_a_decision_with_all_its_fields() -> None:
    for written in decision_lines():
        found = one(json.dumps(written))
        record = written["decision"]
        assert isinstance(found, Decision)
        assert found.fields == record
        for name, value in record.items():
            told = getattr(found, name)
            assert (list(told) if isinstance(value, list) else told) == value, name


def test_a_field_of_a_later_release_is_kept() -> None:
    found = one(line(recording={"key": "k"}, name=7, latency_micros="x", shadow=[1, {"a": 1}]))
    assert isinstance(found, Decision)
    assert found.fields["recording"] == {"key": "k"}
    assert (found.name, found.latency_micros, found.shadow) == (None, {}, [{"a": 1}])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Task timed out after 3.00 seconds",
        "[]",
        '{"message": "a token was refused"}',
        '{"level": "INFO", "decision": {"decision_id": "d"}}',
    ],
)
def test_what_is_no_decision_is_passed_over(text: str) -> None:
    assert one(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (line()[:90], "it is not JSON, or was cut off"),
        (line().replace('"server"', '"outcome": "allowed", "outcome"'), "it is not JSON, or"),
        ('{"message": "decision"}', "it has no record"),
        (line(outcome=None), "its record has no outcome"),
        (line(decision_id=7), "its record has no decision_id"),
    ],
)
def test_a_decision_that_cannot_be_read_is_told(text: str, why: str) -> None:
    found = one(text)
    assert isinstance(found, Broken)
    assert found.why.startswith(why)


def test_Q01_a_name_that_looks_like_a_line_is_a_name() -> None:
    forged = "x\n" + line(outcome="allowed") + "\r\u2028\x1b[2K"
    found = one(line(name=forged, outcome="denied_by_rule"))
    assert isinstance(found, Decision)
    assert (found.outcome, found.name) == ("denied_by_rule", forged)


def test_every_page_of_every_group_is_read_in_time_order_also_after_an_empty_one() -> None:
    logs = Logs()
    for number in range(5):
        logs.tell(f"d{number}", ago=100 - number)
    logs.tell("c", ago=98.5, group=CONSOLE)
    logs.write("START RequestId: x", ago=97)
    logs.write('{"message":"decision"', ago=96.5)
    assert texts(read(logs)) == ["d0", "d1", "c", "d2", "d3", "broken", "d4"]
    assert {asked["logGroupName"] for asked in logs.asked} == set(GROUPS)


def test_a_span_is_asked_of_the_server() -> None:
    logs = Logs()
    for ago in (30, 20, 10):
        logs.tell(f"d{ago}", ago=ago)
    span = Span(since_ms=NOW_MS - 25_000, until_ms=NOW_MS - 15_000)
    assert texts(read(logs, span=span)) == ["d20"]


def test_a_throttled_request_is_made_again_after_a_growing_pause() -> None:
    logs, slept = Logs(errors=[fault("ThrottlingException")] * 3), list[float]()
    logs.tell("d")
    assert texts(read(logs, slept=slept)) == ["d"]
    assert slept == [0.5, 1.0, 2.0]


def failing(error: Exception, **more: Any) -> CommandError:
    logs = Logs(errors=[error] * ATTEMPTS, **more)
    with pytest.raises(CommandError) as raised:
        read(logs)
    return raised.value


@pytest.mark.parametrize("error", [*FAULTS, pytest.param(fault("ThrottlingException"), id="slow")])
def test_logs_that_do_not_answer_are_told(error: Exception) -> None:
    told = failing(error)
    assert told.exit_code == ExitCode.UNAVAILABLE
    assert str(told).startswith(f"the log group `{GATEWAY}` cannot be read: ")


def test_a_page_that_fails_in_the_middle_is_not_an_end() -> None:
    logs = Logs(errors=[None, None, fault("AccessDeniedException")])
    for number in range(5):
        logs.tell(f"d{number}")
    with pytest.raises(CommandError) as raised:
        read(logs)
    assert raised.value.exit_code == ExitCode.UNAVAILABLE


def test_a_group_that_there_is_none_of_is_told_from_an_empty_one() -> None:
    assert read(Logs()) == []
    with pytest.raises(CommandError) as raised:
        read(Logs(groups={}))
    assert raised.value.exit_code == ExitCode.NOT_FOUND


def test_a_page_that_leads_to_itself_ends() -> None:
    class Circle:
        def filter_log_events(self, **_asked: Any) -> Any:
            return {"events": [], "nextToken": "again"}

    with pytest.raises(CommandError, match="the same page again"):
        list(read_decisions(Circle(), ["g"], EVER, sleep=lambda _: None))
