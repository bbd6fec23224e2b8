"""Signing in with a grant, staying signed in, and being let out again."""

import re

import pytest

from support.console_fakes import (
    ADMIN_TOKEN,
    AGENT_TOKEN,
    CAROL_TOKEN,
    HOST,
    ORIGIN,
    Browser,
    ConsoleWorld,
)

SESSION, START = "__Host-portcullis", "__Host-portcullis-start"


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


@pytest.mark.parametrize("token", [CAROL_TOKEN, f"  {CAROL_TOKEN}\n", ADMIN_TOKEN])
def test_an_approver_signs_in_and_comes_to_where_they_wanted(
    world: ConsoleWorld, token: str
) -> None:
    record = world.ask()
    browser = world.browser()
    answer = browser.sign_in(token, to=record.id)
    assert (answer.status, answer.header("location")) == (303, f"/prod/approvals/{record.id}")
    assert browser.open(record).status == 200
    assert world.log.outcomes == ["signed_in"]


def test_without_a_request_in_mind_one_comes_to_the_list(world: ConsoleWorld) -> None:
    assert world.browser().sign_in(CAROL_TOKEN).header("location") == "/prod/approvals"


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "../x", "0" * 31, "javascript:alert(1)", "0" * 33],
)
def test_nobody_is_sent_anywhere_else(world: ConsoleWorld, to: str) -> None:
    assert world.browser().sign_in(CAROL_TOKEN, to=to).header("location") == "/prod/approvals"
    page = world.browser().get(f"/approvals/login?to={to}")
    assert to not in page.body


@pytest.mark.parametrize("token", [AGENT_TOKEN, "pcl_unknown", "", "x" * 5000])
def test_other_tokens_sign_nobody_in_and_are_all_refused_alike(
    world: ConsoleWorld, token: str
) -> None:
    browser = world.browser()
    answer = browser.sign_in(token)
    assert answer.status == 401
    assert "This token does not sign anybody in here." in answer.text
    assert SESSION not in browser.cookies
    assert world.log.outcomes == ["sign_in_refused"]
    assert "pcl_" not in answer.body.replace("it begins with pcl_", "")


def test_cookies_are_bound_to_the_host_and_hidden_from_scripts(world: ConsoleWorld) -> None:
    page = world.browser().get("/approvals/login")
    answer = world.browser().sign_in(CAROL_TOKEN)
    for line, name, seconds in (
        (page.header("set-cookie"), START, 3600),
        (answer.header("set-cookie"), SESSION, 3600),
    ):
        assert re.fullmatch(
            rf"{name}=[\w.-]+; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict", line
        )


def test_on_the_loopback_address_cookies_go_by_plain_names() -> None:
    world = ConsoleWorld(public_url="http://127.0.0.1:8080")
    answer = world.browser().sign_in(CAROL_TOKEN)
    assert re.fullmatch(
        r"portcullis=[\w.-]+; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict",
        answer.header("set-cookie"),
    )


def test_a_sign_in_ends_with_its_time(world: ConsoleWorld) -> None:
    browser = world.browser(CAROL_TOKEN)
    world.clock.seconds = 3599
    assert browser.get("/approvals").status == 200
    world.clock.seconds = 3600
    assert browser.get("/approvals").status == 401


def test_each_sign_in_is_another_session(world: ConsoleWorld) -> None:
    first, second = world.browser(CAROL_TOKEN), world.browser(CAROL_TOKEN)
    assert first.cookies[SESSION] != second.cookies[SESSION]
    record = world.ask()
    fields = {"word": "approve", "csrf": first.open(record).form_token}
    assert second.post(f"/approvals/{record.id}", fields).status == 403
    assert first.post(f"/approvals/{record.id}", fields).status == 303


def test_a_session_holds_no_token_and_no_rights(world: ConsoleWorld) -> None:
    browser = world.browser(CAROL_TOKEN)
    assert CAROL_TOKEN not in browser.cookies[SESSION]
    world.grants.add(CAROL_TOKEN, None)  # the grant is an agent's by now
    assert browser.get("/approvals").status == 403
    world.grants.revoke(CAROL_TOKEN)
    assert browser.get("/approvals").status == 401


def test_who_is_signed_in_need_not_sign_in_again(world: ConsoleWorld) -> None:
    record = world.ask()
    answer = world.browser(CAROL_TOKEN).get(f"/approvals/login?to={record.id}")
    assert (answer.status, answer.header("location")) == (303, f"/prod/approvals/{record.id}")


def test_two_tabs_share_the_mark_that_their_forms_carry(world: ConsoleWorld) -> None:
    browser = world.browser()
    first = browser.get("/approvals/login")
    browser.get("/approvals/login")
    fields = {"token": CAROL_TOKEN, "csrf": first.form_token}
    assert browser.post("/approvals/login", fields).status == 303


def test_a_mark_that_is_not_one_of_ours_is_replaced(world: ConsoleWorld) -> None:
    browser = world.browser()
    browser.cookies[START] = "x"
    browser.get("/approvals/login")
    assert re.fullmatch("[0-9a-f]{32}", browser.cookies[START])


@pytest.mark.parametrize("missing", ["token", "csrf"])
def test_a_sign_in_form_must_be_whole(world: ConsoleWorld, missing: str) -> None:
    browser = world.browser()
    fields = {"token": CAROL_TOKEN, "csrf": browser.get("/approvals/login").form_token}
    del fields[missing]
    answer = browser.post("/approvals/login", fields)
    assert answer.status == 403
    assert "too old" in answer.text
    assert SESSION not in browser.cookies


def test_a_sign_in_form_of_another_browser_is_void(world: ConsoleWorld) -> None:
    foreign = world.browser().get("/approvals/login").form_token
    browser = world.browser()
    browser.get("/approvals/login")
    answer = browser.post("/approvals/login", {"token": CAROL_TOKEN, "csrf": foreign})
    assert answer.status == 403
    assert SESSION not in browser.cookies


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"origin": ORIGIN}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"content_type": "application/json"}, 415),
    ],
)
def test_a_sign_in_comes_from_our_own_page(
    world: ConsoleWorld, headers: dict[str, str], status: int
) -> None:
    browser = world.browser()
    fields = {"token": CAROL_TOKEN, "csrf": browser.get("/approvals/login").form_token}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    assert browser.post("/approvals/login", fields, **given).status == status


def sign_out_token(browser: Browser) -> str:
    body = browser.get("/approvals").body
    return str(re.findall(r'name="csrf" value="([^"]+)"', body)[0])


def test_signing_out_ends_the_session_in_this_browser(world: ConsoleWorld) -> None:
    browser = world.browser(CAROL_TOKEN)
    answer = browser.post("/approvals/logout", {"csrf": sign_out_token(browser)})
    assert (answer.status, answer.header("location")) == (303, "/prod/approvals/login")
    assert SESSION not in browser.cookies
    assert browser.get("/approvals").status == 401


@pytest.mark.parametrize("fields", [{}, {"csrf": ""}, {"csrf": "x"}, {"csrf": "x", "y": "z"}])
def test_nobody_is_signed_out_by_a_form_that_is_not_theirs(
    world: ConsoleWorld, fields: dict[str, str]
) -> None:
    browser = world.browser(CAROL_TOKEN)
    assert browser.post("/approvals/logout", fields).status == 403
    other = sign_out_token(world.browser(CAROL_TOKEN))
    assert browser.post("/approvals/logout", {"csrf": other}).status == 403
    foreign = browser.post("/approvals/logout", fields, **{"sec-fetch-site": "cross-site"})
    assert foreign.status == 403
    assert browser.get("/approvals").status == 200


def test_who_is_not_signed_in_can_sign_out(world: ConsoleWorld) -> None:
    assert world.browser().post("/approvals/logout", {"csrf": "x"}).status == 303


def test_who_comes_from_another_site_goes_on_once_and_is_then_known(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    session = browser.cookies.pop(SESSION)  # a browser does not send it when coming from elsewhere
    page = browser.get(f"/approvals/{record.id}", sec_fetch_site="cross-site")
    assert page.status == 401
    assert f'content="0; url=/prod/approvals/{record.id}"' in page.body
    assert "put_user_policy" not in page.body
    browser.cookies[SESSION] = session
    assert browser.open(record).status == 200


def test_who_is_not_signed_in_at_all_comes_to_the_sign_in_page_after_that(
    world: ConsoleWorld,
) -> None:
    record = world.ask()
    page = world.browser().open(record)
    assert page.status == 401
    assert "http-equiv" not in page.body
    assert f'<input type="hidden" name="to" value="{record.id}">' in page.body
    assert f'<a href="/prod/approvals/{record.id}">Go on</a>' in page.body


def test_a_program_without_a_credential_is_told_in_json(world: ConsoleWorld) -> None:
    answer = world.send("GET", "/approvals", headers={"accept": "application/json"})
    assert (answer.status, answer.code) == (401, "unauthorized")


def test_the_sign_in_page_offers_the_issuer_only_where_there_is_one(world: ConsoleWorld) -> None:
    assert "/oidc/start" not in world.browser().get("/approvals/login").body
    for path in ("/approvals/oidc/start", "/approvals/oidc/callback"):
        assert world.browser().get(path).status == 404


def test_a_grant_store_that_fails_lets_nobody_in(world: ConsoleWorld) -> None:
    browser, known = world.browser(), world.browser(CAROL_TOKEN)
    page = browser.get("/approvals/login")
    world.grants.is_down = True
    fields = {"token": CAROL_TOKEN, "csrf": page.form_token}
    assert browser.post("/approvals/login", fields).status == 503
    assert known.get("/approvals").status == 503
    assert SESSION not in browser.cookies


def test_a_forged_host_changes_no_link(world: ConsoleWorld) -> None:
    page = world.browser().get("/approvals/login", host="evil.example")
    assert "evil.example" not in page.body
    assert HOST not in page.body
