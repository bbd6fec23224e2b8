"""The page and the API of a policy that waits: its own words, its whole file, two people."""

import pytest

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.states import State
from portcullis.console.kind_words import WORDS
from support.console_fakes import CAROL_TOKEN, DAVE_TOKEN, EVE_TOKEN, ConsoleWorld
from support.policy_requests import POLICY, ask_for_policy


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


def test_every_kind_has_words_for_every_state() -> None:
    assert set(WORDS) == set(RequestKind)
    for words in WORDS.values():
        assert set(words.states) == set(State)


def test_the_page_says_which_policy_it_would_be_and_shows_all_of_it(world: ConsoleWorld) -> None:
    record = ask_for_policy(world)
    browser = world.browser(CAROL_TOKEN)
    page = browser.open(record)
    assert "wants to become the policy of amazon-mq" in page.text
    assert "What changes, and the whole file" in page.text
    assert "May permit more: tool `token` is added: allow" in page.text
    assert "token: {action: allow}" in page.text
    assert "masked:" not in page.body
    assert "run it once" not in page.text
    assert "0 of 2 approvals are given" in page.text
    assert "Policy of amazon-mq" in browser.get("/approvals").text


def test_N34_two_people_approve_it(world: ConsoleWorld) -> None:
    record = ask_for_policy(world)
    world.browser(CAROL_TOKEN).decide(record, "approve")
    browser = world.browser(DAVE_TOKEN)
    assert "Approve: put it in force" in browser.open(record).text
    browser.decide(record, "approve")
    assert world.record(record).state is State.APPROVED
    assert "It is put in force next" in browser.open(record).text


def test_the_api_tells_the_kind_and_masks_nothing_of_the_file(world: ConsoleWorld) -> None:
    record = ask_for_policy(world)
    told = world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").tree
    assert told["kind"] == "policy"
    assert told["arguments"]["policy"] == POLICY
    assert told["arguments"]["changes"][0] == {
        "text": "tool `token` is added: allow",
        "widens": True,
    }


def test_who_is_not_named_sees_nothing_of_it(world: ConsoleWorld) -> None:
    record = ask_for_policy(world)
    assert world.api(EVE_TOKEN, "GET", f"/approvals/{record.id}").status == 404


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_told_in_a_policy_s_own_words(world: ConsoleWorld, state: State) -> None:
    record = ask_for_policy(world)
    world.change(record, state=state)
    page = world.browser(CAROL_TOKEN).open(record)
    assert WORDS[RequestKind.POLICY].states[state].title in page.text
    assert "The call" not in page.text
