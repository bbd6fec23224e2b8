"""A person looks at requests and decides them, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Trap
from browser.console_server import ConsoleServer
from browser.signing_in import sign_in, token_field
from portcullis.approvals.states import State
from portcullis.policy.model import Approval
from support.console_fakes import (
    AGENT_TOKEN,
    ALICE_TOKEN,
    CAROL_TOKEN,
    DAVE_TOKEN,
    EVE_TOKEN,
    ConsoleWorld,
)

NewPage = Callable[..., Page]
TWO = Approval(
    approvers=("group:platform", "carol@example.com"), timeout_seconds=1800, min_approvals=2
)


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def any_page(new_page: NewPage, request: pytest.FixtureRequest) -> Page:
    """Pages run no script of their own; the browser may or may not be able to."""
    return new_page(java_script_enabled=request.param)


def test_a_person_follows_the_link_signs_in_and_approves(
    any_page: Page, world: ConsoleWorld, trap: Trap
) -> None:
    record = world.ask()
    sign_in(any_page, CAROL_TOKEN, record)
    expect(any_page).to_have_url(re.compile(f"/approvals/{record.id}$"))
    expect(any_page.get_by_role("heading", level=1)).to_contain_text("put_user_policy")
    any_page.get_by_label("Comment").fill("as agreed\nin the review")
    any_page.get_by_role("button", name="Approve").click()
    expect(any_page.get_by_role("heading", name="Approved")).to_be_visible()
    expect(any_page.get_by_text("carol@example.com approved")).to_be_visible()
    expect(any_page.get_by_role("button", name="Approve")).to_have_count(0)
    (vote,) = world.record(record).approvals
    assert (vote.person, vote.comment) == ("carol@example.com", "as agreed\nin the review")
    assert trap.is_empty


def test_a_person_denies_with_a_comment(any_page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    sign_in(any_page, DAVE_TOKEN)
    any_page.get_by_role("link", name="put_user_policy on aws-iam").click()
    any_page.get_by_label("Comment").fill("not today")
    any_page.get_by_role("button", name="Deny").click()
    expect(any_page.get_by_role("heading", name="Denied")).to_be_visible()
    expect(any_page.get_by_text("not today")).to_be_visible()
    assert world.record(record).state is State.DENIED


def test_going_back_and_deciding_again_does_nothing(page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    sign_in(page, CAROL_TOKEN, record)
    other = page.context.new_page()
    other.goto(f"/approvals/{record.id}")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    other.get_by_role("button", name="Deny").click()
    expect(other.get_by_role("alert")).to_contain_text("has been decided")
    expect(other.get_by_role("heading", name="Approved")).to_be_visible()
    assert world.record(record).state is State.APPROVED


def test_N21_an_expired_request_offers_no_decision(page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    sign_in(page, CAROL_TOKEN, record)
    world.clock.seconds = 1800
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("deadline")
    expect(page.get_by_role("heading", name="Expired")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Approve|Deny"))).to_have_count(0)
    assert world.record(record).state is State.PENDING


def test_N09_a_person_reads_why_they_cannot_decide_their_own_request(
    page: Page, world: ConsoleWorld
) -> None:
    record = world.ask()
    sign_in(page, ALICE_TOKEN, record)
    expect(page.get_by_text("This request is your own")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Approve|Deny"))).to_have_count(0)


def test_a_person_whom_it_does_not_concern_finds_nothing(page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    sign_in(page, EVE_TOKEN)
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    page.goto(f"/approvals/{record.id}")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_an_agent_s_token_signs_nobody_in(page: Page, world: ConsoleWorld) -> None:
    world.ask()
    page.goto("/approvals")
    token_field(page).fill(AGENT_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not sign anybody in")
    expect(token_field(page)).to_have_value("")


def test_two_people_approve_in_two_browsers(new_page: NewPage, world: ConsoleWorld) -> None:
    record = world.ask(terms=TWO)
    carol, dave = new_page(), new_page()
    sign_in(carol, CAROL_TOKEN, record)
    sign_in(dave, DAVE_TOKEN, record)
    carol.get_by_role("button", name="Approve").click()
    expect(carol.get_by_text("1 of 2 approvals are given")).to_be_visible()
    expect(carol.get_by_role("button", name="Approve")).to_have_count(0)
    dave.get_by_role("button", name="Approve").click()  # the page is older than Carol's word
    expect(dave.get_by_role("alert")).to_contain_text("out of date")
    dave.get_by_role("button", name="Approve: run it once").click()
    expect(dave.get_by_role("heading", name="Approved")).to_be_visible()
    assert len(world.record(record).approvals) == 2


def test_the_keyboard_alone_is_enough(page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    page.goto(f"/approvals/{record.id}")
    keyboard = page.keyboard
    keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(token_field(page)).to_be_focused()
    keyboard.type(CAROL_TOKEN)
    keyboard.press("Enter")
    page.get_by_role("link", name="To your decision").focus()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(page.get_by_label("Comment")).to_be_focused()
    keyboard.type("by hand")
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Deny")).to_be_focused()
    keyboard.press("Space")
    expect(page.get_by_role("heading", name="Denied")).to_be_visible()


def test_enter_in_the_comment_decides_nothing(page: Page, world: ConsoleWorld) -> None:
    record = world.ask()
    sign_in(page, CAROL_TOKEN, record)
    page.get_by_label("Comment").fill("x")
    page.get_by_label("Comment").press("Enter")
    expect(page.get_by_label("Comment")).to_have_value("x\n")
    assert world.record(record) == record


def test_signing_out_ends_it(page: Page, world: ConsoleWorld) -> None:
    sign_in(page, CAROL_TOKEN, world.ask())
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/approvals/login$"))
    page.goto("/approvals")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_N14_a_form_on_another_site_decides_nothing(
    page: Page, server: ConsoleServer, world: ConsoleWorld
) -> None:
    record = world.ask()
    sign_in(page, CAROL_TOKEN, record)
    token = page.locator("main input[name=csrf]").get_attribute("value")
    before = len(server.requests)
    attacker = page.context.new_page()
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    attacker.route(
        f"{elsewhere}/evil",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{server.url}/approvals/{record.id}">'
            f'<input name="word" value="approve"><input name="csrf" value="{token}">'
            "<button>Win a prize</button></form>",
        ),
    )
    attacker.goto(f"{elsewhere}/evil")
    attacker.get_by_role("button", name="Win a prize").click()
    expect(attacker.get_by_text("another site")).to_be_visible()
    assert ("POST", f"/approvals/{record.id}") in server.requests[before:]
    assert world.record(record) == record


def test_N15_a_page_cannot_be_framed(
    page: Page, server: ConsoleServer, world: ConsoleWorld
) -> None:
    record = world.ask()
    sign_in(page, CAROL_TOKEN, record)
    attacker = page.context.new_page()
    attacker.route(
        f"{server.url}/evil",
        lambda route: route.fulfill(
            content_type="text/html", body=f'<iframe src="/approvals/{record.id}"></iframe>'
        ),
    )
    attacker.goto(f"{server.url}/evil")
    (frame,) = attacker.frames[1:]
    frame.wait_for_load_state()
    assert "put_user_policy" not in frame.content()


def test_who_comes_from_another_site_goes_on_signed_in(
    page: Page, server: ConsoleServer, world: ConsoleWorld
) -> None:
    """The session's cookie is not sent on the first step; the page takes the second by itself."""
    record = world.ask()
    sign_in(page, CAROL_TOKEN)
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    link = f'<a href="{server.url}/approvals/{record.id}">Look</a>'
    page.route(
        f"{elsewhere}/mail", lambda route: route.fulfill(content_type="text/html", body=link)
    )
    page.goto(f"{elsewhere}/mail")
    page.get_by_role("link", name="Look").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("put_user_policy")
    assert server.requests[-2:] == [("GET", f"/approvals/{record.id}")] * 2
