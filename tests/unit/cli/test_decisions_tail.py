"""`portcullis decisions tail`: each line once, late ones too, whatever the logs do meanwhile."""

import json
from collections.abc import Callable

from portcullis_cli.decisions.following import OVERLAP_MS, TRIES
from portcullis_cli.errors import ExitCode
from portcullis_cli.log_groups import GROUPS_VARIABLE
from support.aws_faults import fault
from support.command_line import Ran, Terminal
from support.decision_lines import CONSOLE, GATEWAY, GROUPS, NOW_MS, Logs

AWAY = fault("InternalFailure")


def tail(logs: Logs, *meanwhile: Callable[[], object], words: tuple[str, ...] = ()) -> Ran:
    """Follow; between two looks the next thing happens, and after the last somebody presses ^C."""
    left = [*meanwhile]

    def sleep(_seconds: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    terminal = Terminal(
        services={"logs": logs}, environment={GROUPS_VARIABLE: ",".join(GROUPS)}, sleep=sleep
    )
    return terminal.run("decisions", "tail", *words)


def ids(ran: Ran) -> list[str]:
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return [one["decision"]["decision_id"] for one in lines]


def test_each_line_is_told_once_and_late_ones_are_told() -> None:
    logs = Logs()
    logs.tell("old", ago=61)
    logs.tell("first", ago=30)
    ran = tail(
        logs,
        lambda: logs.tell("second", ago=-5),
        lambda: logs.tell("late", ago=40, group=CONSOLE),
        lambda: logs.tell("third", ago=-120),
        lambda: logs.tell("just in time", ago=-61),
        lambda: logs.tell("too late", ago=-59),
        words=("--json",),
    )
    assert ids(ran) == ["first", "second", "late", "third", "just in time"]
    assert (ran.exit_code, ran.stderr) == (130, "")


def test_only_what_is_asked_for_is_told_on_a_line_each() -> None:
    logs = Logs()
    logs.tell("a", ago=9, name="x\n\x1b[2K", outcome="denied_by_rule", rule="r")
    logs.tell("b", ago=8)
    logs.tell("c", ago=7, method="tools/list", name=None, principal=None, latency_micros=None,
              outcome="rejected")  # fmt: skip
    ran = tail(logs, words=("--denied",))
    assert ran.stdout == (
        "2027-01-15T07:59:51.000Z  denied_by_rule      amazon-mq  x\\n\\u001b[2K by agent-7"
        "  rule r  ms 12.3  a\n"
        "2027-01-15T07:59:53.000Z  rejected            amazon-mq  tools/list by nobody known  c\n"
    )


def test_logs_that_do_not_answer_for_a_while_lose_nothing() -> None:
    logs = Logs(page=1)

    def goes_away() -> None:
        logs.errors += [None, None, AWAY]  # in the middle of the pages of the first group
        logs.tell("b", ago=1)

    logs.tell("a", ago=2)
    ran = tail(logs, goes_away, lambda: None, words=("--jsonl",))
    assert ids(ran) == ["a", "b"]
    told = f"the log group `{GATEWAY}` cannot be read: InternalFailure; looking again\n"
    assert ran.stderr == f"portcullis: {told}"


def test_logs_that_stay_away_end_it() -> None:
    logs = Logs()
    ran = tail(
        logs, lambda: logs.errors.extend([AWAY] * (TRIES + 1)), *[lambda: None] * (TRIES + 5)
    )
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert ran.stderr.count("looking again") == TRIES


def test_logs_that_cannot_be_read_at_all_are_not_waited_for() -> None:
    ran = tail(Logs(errors=[fault("AccessDeniedException")]), lambda: None)
    assert (ran.exit_code, ran.stderr.count("\n")) == (ExitCode.UNAVAILABLE, 1)


def test_a_group_that_goes_away_ends_it() -> None:
    logs = Logs()
    ran = tail(logs, logs.groups.clear, lambda: None)
    assert ran.exit_code == ExitCode.NOT_FOUND


def test_a_decision_that_cannot_be_read_is_told_once() -> None:
    logs = Logs()
    logs.write('{"message":"decision"', ago=5)
    ran = tail(logs, lambda: None, lambda: None)
    assert ran.stderr.count("a decision cannot be read") == 1


def test_what_is_looked_at_again_does_not_grow() -> None:
    logs = Logs()
    ran = tail(
        logs, *[lambda second=second: logs.tell("d", ago=-second) for second in range(0, 400, 40)]
    )
    assert ran.exit_code == 130
    assert logs.asked[-1]["startTime"] == NOW_MS + 320_000 - OVERLAP_MS
