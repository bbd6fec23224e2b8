"""`portcullis approvals` as people and scripts use it, against the real console in memory.

The files in `golden` are what a person reads; look at them when one changes.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from portcullis.approvals.states import State
from portcullis.policy.model import Approval
from portcullis.values import JsonObject
from portcullis_cli.errors import MEANINGS, ExitCode
from support.approval_records import TIMEOUT_SECONDS, make_vote
from support.command_line import Ran, Terminal
from support.console_fakes import (
    ADMIN_TOKEN,
    AGENT_TOKEN,
    ALICE_TOKEN,
    CAROL_TOKEN,
    DAVE_TOKEN,
    EVE_TOKEN,
    ConsoleWorld,
)

GOLDEN = Path(__file__).parent / "golden"
TWO = Approval(
    approvers=("group:platform", "carol@example.com"), timeout_seconds=1800, min_approvals=2
)
HOSTILE: JsonObject = {
    "user_name": "bob\u202eecila",
    "note": "Pre-approved by security.\nstate        APPROVED\x1b[2K\r[bold red]x[/] :smile:",
    "policy_document": '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    "password": "hunter2",
    'a "key"\n': ["\u200b", 9007199254740993, True, None, {}],
}
MakeTerminal = Callable[..., Terminal]


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text()


def without_blanks_at_the_end(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def ends(ran: Ran, exit_code: ExitCode, said: str) -> bool:
    return (ran.exit_code, ran.stdout, ran.stderr) == (exit_code, "", f"portcullis: {said}\n")


# ---------------------------------------------------------------- list


def test_the_list_names_what_waits(world: ConsoleWorld, terminal: Terminal) -> None:
    world.ask()
    two = world.ask(terms=TWO, link="")
    world.change(two, approvals=(make_vote("dave"),))
    world.change(world.ask(), state=State.DENIED)
    ran = terminal.run("approvals", "list")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert without_blanks_at_the_end(ran.stdout) == golden("approvals-list")


def test_all_of_them_are_those_that_have_ended_too(world: ConsoleWorld, terminal: Terminal) -> None:
    asked = [world.ask() for _ in range(4)]
    for record, state in zip(asked, (State.EXECUTING, State.DONE, State.UNKNOWN), strict=False):
        world.change(record, state=state)
    waiting = terminal.run("approvals", "list", "--json").tree["approvals"]
    every = terminal.run("approvals", "list", "--json", "--all").tree["approvals"]
    assert {one["state"] for one in waiting} == {"EXECUTING", "PENDING"}
    assert {one["state"] for one in every} == {"EXECUTING", "PENDING", "DONE", "UNKNOWN"}


def test_a_state_of_a_later_release_is_taken_to_wait(answering: MakeTerminal) -> None:
    terminal = answering(200, {"approvals": [{"id": "a", "state": "PARKED"}]})
    assert len(terminal.run("approvals", "list", "--json").tree["approvals"]) == 1


def test_the_deadline_counts_before_the_workflow_says_so(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    world.ask()
    world.clock.seconds = TIMEOUT_SECONDS
    assert terminal.run("approvals", "list", "--json").tree == {"approvals": []}
    (one,) = terminal.run("approvals", "list", "--json", "--all").tree["approvals"]
    assert one["state"] == "EXPIRED"


@pytest.mark.parametrize("option,said", [((), "nothing waits"), (("--all",), "there is nothing")])
def test_an_empty_list_is_said_beside_the_output(
    terminal: Terminal, option: tuple[str, ...], said: str
) -> None:
    ran = terminal.run("approvals", "list", *option)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.endswith(", among the newest 100 requests\n")


# ---------------------------------------------------------------- show


def test_N30_N31_a_request_is_shown_whole(world: ConsoleWorld, terminal: Terminal) -> None:
    arguments: JsonObject = {"user_name": "bob", "policy_name": "p", "password": "hunter2"}
    record = world.ask(arguments, terms=TWO)
    world.change(record, approvals=(make_vote("dave", comment="fine  with\nme"),))
    ran = terminal.run("approvals", "show", record.id)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == golden("approvals-show")


def test_N16_N17_what_an_agent_wrote_cannot_hide_or_pretend(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    ran = terminal.run("approvals", "show", world.ask(HOSTILE).id)
    assert ran.stdout == golden("approvals-show-hostile")
    assert ran.stdout.replace("\n", "").isprintable()
    assert "hunter2" not in ran.stdout


def test_N17_json_for_programs_hides_nothing_and_loses_nothing(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    ran = terminal.run("approvals", "show", world.ask(HOSTILE).id, "--json")
    assert ran.stdout.rstrip("\n").isascii()
    assert ran.stdout.rstrip("\n").isprintable()
    masked = {**HOSTILE, "password": "[masked: 1 to 8 characters]"}
    assert ran.tree["arguments"] == masked


def test_json_is_what_the_api_answered(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    answer = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}")
    assert terminal.run("approvals", "show", record.id, "--json").tree == answer.tree


def test_a_number_keeps_its_digits(answering: MakeTerminal) -> None:
    name = "f" * 32
    arguments = '{"amount":1.10,"big":123456789012345678901234567890}'
    body = f'{{"id":"{name}","state":"DONE","digest":"d","arguments":{arguments}}}'
    shown = answering(200, body).run("approvals", "show", name, "--json")
    assert arguments in shown.stdout
    assert '"amount": 1.10' in answering(200, body).run("approvals", "show", name).stdout


def test_a_request_is_found_by_its_link(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    ran = terminal.run("approvals", "show", f"https://gate.example/approvals/{record.id}")
    assert ran.stdout.startswith(f"request      {record.id}\n")


@pytest.mark.parametrize(
    "token,exit_code,said",
    [
        pytest.param("pcl_unknown", ExitCode.UNAUTHENTICATED,
                     "Sign in with the credential of an approver.", id="F03-unknown"),
        pytest.param(AGENT_TOKEN, ExitCode.REFUSED,
                     "This credential is an agent's. Agents cannot see or decide requests.",
                     id="N37-agent"),
        pytest.param(EVE_TOKEN, ExitCode.NOT_FOUND,
                     "There is no such request, or it is not for you.", id="N36-somebody"),
    ],
)  # fmt: skip
def test_who_may_not_look_learns_nothing(
    world: ConsoleWorld, terminal: Terminal, token: str, exit_code: ExitCode, said: str
) -> None:
    ran = terminal.run("approvals", "show", world.ask().id, token=token)
    assert ends(ran, exit_code, said)


def test_who_may_look_and_not_decide_is_told_why(world: ConsoleWorld, terminal: Terminal) -> None:
    ran = terminal.run("approvals", "show", world.ask().id, token=ALICE_TOKEN)
    assert ran.exit_code == 0
    assert "you          cannot decide this: This request is your own." in ran.stdout
    ran = terminal.run("approvals", "show", world.ask().id, token=ADMIN_TOKEN)
    assert "you          cannot decide this: The rule does not name you" in ran.stdout


# ---------------------------------------------------------------- approve


def test_a_person_is_shown_what_will_run_and_asked(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    terminal.answers = "y\n"
    ran = terminal.run("approvals", "approve", record.id, "--comment", "as agreed")
    assert (ran.exit_code, ran.stdout) == (0, golden("approvals-approve"))
    assert ran.stderr == golden("approvals-approve-asks")
    decided = world.record(record)
    assert decided.state is State.APPROVED
    assert [(vote.person, vote.comment) for vote in decided.approvals] == [
        ("carol@example.com", "as agreed")
    ]


@pytest.mark.parametrize("answers", ["n\n", "\n", ""], ids=["no", "enter", "end of input"])
def test_without_a_yes_nothing_is_decided(
    world: ConsoleWorld, terminal: Terminal, answers: str
) -> None:
    record = world.ask()
    terminal.answers = answers
    ran = terminal.run("approvals", "approve", record.id)
    assert (ran.exit_code, ran.stdout) == (ExitCode.REFUSED, "")
    assert world.record(record) == record


def test_a_script_has_to_say_yes(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    ran = terminal.run("approvals", "approve", record.id)
    said = "there is no terminal to ask on: look with `show`, then use --yes"
    assert ends(ran, ExitCode.USAGE, said)
    assert world.record(record) == record
    ran = terminal.run("approvals", "approve", record.id, "--yes")
    assert (ran.exit_code, ran.stdout) == (0, golden("approvals-approve"))
    assert "arguments\n{\n" in ran.stderr  # so that a script's log holds what it approved


def test_a_program_gets_the_request_as_it_is_then(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    tree = terminal.run("approvals", "approve", record.id, "--yes", "--json").tree
    assert (tree["id"], tree["state"]) == (record.id, "APPROVED")
    assert tree["approvals"][0]["by"] == "carol@example.com"


def test_a_person_is_asked_before_json_too(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    terminal.answers = "y\n"
    ran = terminal.run("approvals", "approve", record.id, "--json")
    assert ran.stdout.startswith('{"id":"')
    assert "Let aws-iam put_user_policy run once" in ran.stderr


def test_N34_the_first_of_two_waits_for_the_second(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask(terms=TWO)
    ran = terminal.run("approvals", "approve", record.id, "--yes")
    said = "PENDING: 1 of 2 approvals. It runs when enough people have approved.\n"
    assert (ran.exit_code, ran.stdout) == (0, said)
    ran = terminal.run("approvals", "approve", record.id, "--yes")
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stderr.endswith("portcullis: You have approved this request already. "
                               "Another person has to approve it too.\n")  # fmt: skip
    ran = terminal.run("approvals", "approve", record.id, "--yes", token=DAVE_TOKEN)
    assert (ran.exit_code, ran.stdout) == (0, golden("approvals-approve"))


def test_N09_a_requester_is_refused_before_anything_is_sent(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    record = world.ask()
    ran = terminal.run("approvals", "approve", record.id, "--yes", token=ALICE_TOKEN)
    assert ran.exit_code == ExitCode.REFUSED
    own = "portcullis: This request is your own. Another person has to decide it.\n"
    assert ran.stderr.endswith(own)
    assert world.record(record) == record


def test_N20_N21_what_is_decided_or_over_cannot_be_approved(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    denied, late = world.ask(), world.ask()
    world.change(denied, state=State.DENIED)
    ran = terminal.run("approvals", "approve", denied.id, "--yes")
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stderr.endswith("This request has been decided, or has ended.\n")
    world.clock.seconds = TIMEOUT_SECONDS
    ran = terminal.run("approvals", "approve", late.id, "--yes")
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.stderr.endswith("The deadline of this request has passed.\n")


def test_an_agent_cannot_approve(world: ConsoleWorld, terminal: Terminal) -> None:
    ran = terminal.run("approvals", "approve", world.ask().id, "--yes", token=AGENT_TOKEN)
    assert ran.exit_code == ExitCode.REFUSED


# ---------------------------------------------------------------- deny


def test_a_request_is_denied_with_a_comment(world: ConsoleWorld, terminal: Terminal) -> None:
    record = world.ask()
    ran = terminal.run("approvals", "deny", record.id, "--comment", "not in May")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == "DENIED: The call did not run and will not.\n"
    denial = world.record(record).denial
    assert denial is not None
    assert denial.comment == "not in May"
    assert terminal.run("approvals", "show", record.id, "--json").tree["denial"]["comment"]


def test_N20_a_second_word_is_refused_with_a_code_for_programs(
    world: ConsoleWorld, terminal: Terminal
) -> None:
    record = world.ask()
    assert terminal.run("approvals", "deny", record.id).exit_code == 0
    ran = terminal.run("approvals", "deny", record.id, "--json", token=DAVE_TOKEN)
    assert ran.exit_code == ExitCode.REFUSED
    assert ran.tree["error"] == {
        "code": "not_now",
        "message": "This request has been decided, or has ended.",
        "state": "DENIED",
    }


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("word", ["approve", "deny"])
def test_a_comment_that_is_too_long_is_not_sent(
    world: ConsoleWorld, terminal: Terminal, word: str
) -> None:
    record = world.ask()
    arguments = ["approvals", word, record.id, "--comment", "x" * 1001]
    ran = terminal.run(*arguments, *(["--yes"] if word == "approve" else []))
    assert ends(ran, ExitCode.USAGE, "the comment is longer than 1000 characters")


@pytest.mark.parametrize("command", ["show", "approve", "deny"])
def test_what_is_no_id_is_not_asked_for(terminal: Terminal, command: str) -> None:
    terminal.answers = ""
    ran = terminal.run("approvals", command, "login")
    assert ran.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("command", ["list", "show", "approve", "deny"])
def test_an_address_is_needed(terminal: Terminal, command: str) -> None:
    terminal.environment["PORTCULLIS_CONSOLE_URL"] = ""
    arguments = [] if command == "list" else ["f" * 32]
    ran = terminal.run("approvals", command, *arguments)
    assert ran.exit_code == ExitCode.USAGE
    assert "--url" in ran.stderr


def test_the_option_comes_before_the_environment(terminal: Terminal) -> None:
    ran = terminal.run("approvals", "list", "--url", "http://gate.example/approvals")
    assert ran.exit_code == ExitCode.USAGE


def test_a_token_is_read_from_a_file(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{CAROL_TOKEN}\n")
    ran = terminal.run("approvals", "list", "--token-file", str(file), token="pcl_unknown")
    assert ran.exit_code == 0


@pytest.mark.parametrize("option", ["--token", "--bearer", "--password"])
def test_no_option_takes_a_token(terminal: Terminal, option: str) -> None:
    ran = terminal.run("approvals", "list", option, "pcl_secret")
    assert ran.exit_code == ExitCode.USAGE
    assert "pcl_secret" not in ran.stdout + ran.stderr


def test_P02_a_console_that_is_down_is_said_to_be(world: ConsoleWorld, terminal: Terminal) -> None:
    world.grants.is_down = True
    ran = terminal.run("approvals", "list")
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert "Something this page depends on did not answer." in ran.stderr
    tree = terminal.run("approvals", "list", "--json").tree
    assert tree["error"]["code"] == "unavailable"


def test_what_is_no_console_is_told_as_json_too(answering: MakeTerminal) -> None:
    ran = answering(200, "<html>").run("approvals", "list", "--json")
    assert ran.exit_code == ExitCode.UNAVAILABLE
    assert ran.tree == {
        "error": {
            "code": "unavailable",
            "message": "what answers there is no console: the reply has another form",
        }
    }


def test_values_of_another_kind_are_shown_as_they_are(answering: MakeTerminal) -> None:
    name = "f" * 32
    odd: JsonObject = {
        "id": name, "digest": "d", "arguments": {}, "state": "NEW", "requester": "x",
        "approvals": ["y"], "min_approvals": None, "asked_at": 5, "notes": [7], "approvers": 3,
        "denial": "z", "cannot_decide": 8,
    }  # fmt: skip
    ran = answering(200, odd).run("approvals", "show", name)
    assert ran.stdout == golden("approvals-show-odd")
    ran = answering(200, {**odd, "can_decide": True}).run("approvals", "approve", name, "--yes")
    assert ran.stdout == "NEW\n"
    ran = answering(200, odd).run("approvals", "approve", name, "--yes")
    assert ran.stderr.endswith("portcullis: 8\n")


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
