"""From the agent's call to its result through the whole local gateway, decided on the real page.

Everything runs as `make run` starts it: the state machine, the executor, the console, the table.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.signing_in import token_field
from e2e.asking_stack import AskingStack, asking_stack, decision, some_arguments


@pytest.fixture(scope="module")
def stack() -> Iterator[AskingStack]:
    with asking_stack() as stack:
        yield stack


@pytest.fixture
def window(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def follow(page: Page, link: str, token: str) -> None:
    """Open the link of a request and sign in with the token of a grant."""
    page.goto(link)
    token_field(page).fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def link_in(text: str) -> str:
    """The address that an agent is told to give to its user."""
    found = re.search(r"http://\S+/approvals/[0-9a-f]{32}", text)
    assert found is not None, text
    return found[0]


def test_an_agent_asks_a_person_approves_on_the_page_and_the_agent_gets_the_result(
    stack: AskingStack, window: Page
) -> None:
    arguments = some_arguments()
    asked = stack.call(arguments)
    follow(window, link_in(asked["content"][0]["text"]), stack.ready["approver_token"])
    expect(window.get_by_text(arguments["user_name"]).first).to_be_visible()
    assert stack.executed(arguments) == 0
    window.get_by_label("Comment").fill("as agreed")
    window.get_by_role("button", name="Approve").click()
    expect(window.get_by_role("button", name="Approve")).to_have_count(0)
    assert stack.call(arguments)["content"][0]["text"] == "executed"
    assert stack.executed(arguments) == 1
    window.reload()
    expect(window.get_by_role("heading", name="Executed")).to_be_visible()


def test_an_agent_asks_a_person_denies_on_the_page_and_the_agent_reads_why(
    stack: AskingStack, window: Page
) -> None:
    arguments = some_arguments()
    asked = stack.call(arguments)
    follow(window, link_in(asked["content"][0]["text"]), stack.ready["approver_token"])
    window.get_by_label("Comment").fill("Use the group instead.")
    window.get_by_role("button", name="Deny").click()
    expect(window.get_by_role("heading", name="Denied")).to_be_visible()
    told = stack.call(arguments)
    assert decision(told)["outcome"] == "approval_denied"
    assert "Use the group instead." in told["content"][0]["text"]
    assert stack.executed(arguments) == 0


def test_the_agents_own_token_does_not_open_the_page(stack: AskingStack, window: Page) -> None:
    asked = stack.call(some_arguments())
    link = link_in(asked["content"][0]["text"])
    window.goto(link)
    token_field(window).fill(stack.ready["agent_token"])
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_text("does not sign anybody in here")).to_be_visible()
    approval = link.rpartition("/")[2]
    assert stack.view(approval)["state"] == "PENDING"
