"""The pages: what a person reads in each state, and what every reply is protected by."""

import base64
import hashlib
import re
from typing import Any

import pytest

from portcullis.approvals.states import State
from portcullis.console.replies import PROTECTION
from portcullis.console.templating import STYLE
from portcullis.console.wording import STATES
from portcullis.policy.model import Approval
from portcullis.policy.paths import compile_path
from support.approval_records import make_vote
from support.console_fakes import (
    ADMIN_TOKEN,
    ALICE_TOKEN,
    CAROL_TOKEN,
    DAVE_TOKEN,
    Answer,
    ConsoleWorld,
)

APPROVE, DENY = 'value="approve"', 'value="deny"'


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


def test_a_waiting_request_says_what_who_and_until_when(world: ConsoleWorld) -> None:
    record = world.ask()
    world.clock.seconds = 600
    page = world.browser(CAROL_TOKEN).open(record)
    for words in (
        "alice-agent (for alice@example.com) wants to run put_user_policy on aws-iam",
        "Waiting for a decision",
        "Decide until 15 Jan 2027, 08:30:00 UTC (in 20 minutes)",
        "IAM changes are looked at.",
        "put_user_policy/1",
        "4" * 64,
        record.binding.arguments,
        "group:platform, carol@example.com",
        "Signed in as carol@example.com",
    ):
        assert words in page.text
    assert '<time datetime="2027-01-15T08:30:00Z">' in page.body
    assert APPROVE in page.body
    assert DENY in page.body


ENDINGS: dict[State, dict[str, Any]] = {
    State.APPROVED: {"approvals": (make_vote("bob", comment="fine"),)},
    State.EXECUTING: {"claimed_at": 1},
    State.DONE: {"ended_at": 1, "result_parts": 1},
    State.FAILED: {"ended_at": 1, "note": "the policy denies it now"},
    State.UNKNOWN: {"ended_at": 1, "note": "nobody answered"},
    State.DENIED: {"ended_at": 1, "denial": make_vote("bob", comment="not <b>today</b>")},
    State.EXPIRED: {"ended_at": 1},
    State.CANCELLED: {"ended_at": 1, "note": "the agent cancelled it"},
}


@pytest.mark.parametrize("state", ENDINGS, ids=lambda state: state.name)
def test_every_other_state_is_explained_and_offers_no_decision(
    world: ConsoleWorld, state: State
) -> None:
    record = world.change(world.ask(), state=state, **ENDINGS[state])
    page = world.browser(CAROL_TOKEN).open(record)
    assert page.status == 200
    assert STATES[state].title in page.text
    assert STATES[state].meaning in page.text
    assert record.note in page.text
    assert APPROVE not in page.body
    assert DENY not in page.body
    for vote in (*record.approvals, *([record.denial] if record.denial else [])):
        assert vote.comment in page.text
        assert "bob@example.com" in page.text


def test_every_state_has_a_page() -> None:
    assert set(ENDINGS) | {State.PENDING} == set(State)


def test_the_deadline_counts_before_the_workflow_says_so(world: ConsoleWorld) -> None:
    record = world.ask()
    world.clock.seconds = 1800
    page = world.browser(CAROL_TOKEN).open(record)
    assert STATES[State.EXPIRED].title in page.text
    assert APPROVE not in page.body


@pytest.mark.parametrize(
    "token, why",
    [(ALICE_TOKEN, "Another person has to decide it"), (ADMIN_TOKEN, "does not name you")],
)
def test_who_cannot_decide_reads_why_and_finds_no_buttons(
    world: ConsoleWorld, token: str, why: str
) -> None:
    page = world.browser(token).open(world.ask())
    assert why in page.text
    assert APPROVE not in page.body
    assert DENY not in page.body


def test_who_approved_already_can_still_deny(world: ConsoleWorld) -> None:
    terms = Approval(approvers=("group:platform", "carol@example.com"), timeout_seconds=1800,
                     min_approvals=2)  # fmt: skip
    record = world.ask(terms=terms)
    browser = world.browser(CAROL_TOKEN)
    assert "0 of 2 approvals are given" in browser.open(record).text
    browser.decide(record, "approve")
    page = browser.open(record)
    assert "1 of 2 approvals are given" in page.text
    assert "You have approved this request" in page.text
    assert APPROVE not in page.body
    assert browser.decide(record, "deny").status == 303
    assert world.record(record).state is State.DENIED


def test_after_a_decision_the_browser_sees_the_state_by_a_request_of_its_own(
    world: ConsoleWorld,
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    answer = browser.decide(record, "approve", "fine")
    assert (answer.status, answer.header("location")) == (303, f"/prod/approvals/{record.id}")
    assert "carol@example.com approved" in browser.open(record).text


def test_the_arguments_are_shown_in_their_order_with_their_marks(world: ConsoleWorld) -> None:
    terms = Approval(
        approvers=("carol@example.com",), timeout_seconds=1800, show=(compile_path("args.zone"),)
    )
    arguments: Any = {
        "a": "plain", "force": True, "reason": "Pre-approved by security", "zone": "z",
        "password": "hunter2", "doc": '{"Action": "*"}', "long": "x" * 700, "e": "",
    }  # fmt: skip
    page = world.browser(CAROL_TOKEN).open(world.ask(arguments, terms=terms))
    positions = [page.body.index(f"<code>args.{name}</code>") for name in ("zone", "doc", "force")]
    assert positions == sorted(positions)
    assert positions[-1] < page.body.index("<code>args.a</code>")
    assert 'zone</code> <span class="soft">text, named by the rule</span>' in page.body
    assert "Text from the agent. It can say anything, and proves nothing:" in page.text
    assert '<b class="mask">[masked: 1 to 8 characters]</b>' in page.body
    assert "hunter2" not in page.body
    assert "This text is JSON. Read, it says:" in page.text
    assert "All 700 characters are in the box above" in page.text
    assert "empty text" in page.text


def test_a_call_without_arguments_says_so(world: ConsoleWorld) -> None:
    terms = Approval(approvers=("carol@example.com",), timeout_seconds=1800)
    page = world.browser(CAROL_TOKEN).open(world.ask({}, terms=terms))
    assert "The call has no arguments." in page.text


def test_the_list_shows_what_waits_and_what_has_ended(world: ConsoleWorld) -> None:
    browser = world.browser(DAVE_TOKEN)
    assert "Nothing waits for you." in browser.get("/approvals").text
    record = world.ask()
    page = browser.get("/approvals")
    assert f'href="/prod/approvals/{record.id}"' in page.body
    assert "put_user_policy on aws-iam" in page.text
    assert "Nothing has ended lately." in page.text
    browser.decide(record, "deny")
    assert "Nothing waits for you." in browser.get("/approvals").text
    assert "Denied" in browser.get("/approvals").text


@pytest.mark.parametrize("path", ["/approvals/" + "f" * 32, "/approvals/nothing", "/approvals/"])
def test_what_is_not_there_is_a_page_that_says_so(world: ConsoleWorld, path: str) -> None:
    page = world.browser(CAROL_TOKEN).get(path)
    assert page.status == 404
    assert "Not found" in page.text
    assert 'href="/prod/approvals"' in page.body


def test_a_dependency_that_fails_is_a_page_that_says_so(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    world.vault.is_down = True
    page = browser.open(record)
    assert page.status == 503
    assert "Nothing runs because of that." in page.text


def test_a_page_that_breaks_is_answered_all_the_same(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = world.browser(CAROL_TOKEN)

    def break_it(*_: object, **__: object) -> str:
        raise ValueError("a template is broken")

    monkeypatch.setattr("portcullis.console.pages.render", break_it)  # none of ours is broken
    answer = browser.get("/approvals")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "template" not in answer.body


def every_answer(world: ConsoleWorld) -> dict[str, Answer]:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    return {
        "list": browser.get("/approvals"),
        "request": browser.open(record),
        "sign-in": world.browser().get("/approvals/login"),
        "anonymous": world.browser().open(record),
        "go on": world.browser().get("/approvals", sec_fetch_site="cross-site"),
        "not found": browser.get("/approvals/x"),
        "not allowed": browser.post("/approvals", {}),
        "foreign": browser.get("/approvals", origin="https://evil.example"),
        "decided": browser.decide(record, "deny"),
        "signed out": browser.post("/approvals/logout", {"csrf": browser.open(record).form_token}),
        "api": world.api(CAROL_TOKEN, "GET", "/approvals"),
        "api 401": world.api("pcl_no", "GET", "/approvals"),
        "head": world.api(CAROL_TOKEN, "HEAD", "/approvals"),
    }


def test_N15_every_answer_forbids_framing_caching_referrers_and_scripts(
    world: ConsoleWorld,
) -> None:
    for name, answer in every_answer(world).items():
        for header, value in PROTECTION.items():
            assert answer.header(header) == value, name
        assert answer.header("strict-transport-security") == "max-age=31536000"
        policy = answer.header("content-security-policy")
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-frame-options") == "DENY"
        assert answer.header("referrer-policy") == "no-referrer"


def test_on_plain_http_nothing_is_said_about_transport() -> None:
    world = ConsoleWorld(public_url="http://127.0.0.1:8080")
    answer = world.api(CAROL_TOKEN, "GET", "/approvals")
    assert "strict-transport-security" not in answer.headers


def test_the_one_style_sheet_is_the_one_that_the_policy_names(world: ConsoleWorld) -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    page = world.browser(CAROL_TOKEN).get("/approvals")
    assert f"style-src 'sha256-{digest}'" in page.header("content-security-policy")
    (style,) = re.findall(r"<style>(.*?)</style>", page.body, re.DOTALL)
    assert style == STYLE


def test_no_page_has_a_script_a_handler_an_inline_style_or_anything_to_load(
    world: ConsoleWorld,
) -> None:
    for name, answer in every_answer(world).items():
        tags = re.findall(r"<[a-z][^>]*>", answer.body)
        loose = [
            tag
            for tag in tags
            if re.match(r"<(script|img|iframe|object|embed|link|svg|base)\b", tag)
            or re.search(r"\s(on\w+|style|src)=", tag)
        ]
        assert loose == [], name
        for link in re.findall(r'(?:href|action)="([^"]*)"', answer.body):
            assert link.startswith(("/prod/approvals", "#")), name


def test_links_follow_where_the_console_is_mounted() -> None:
    for public_url, base in (
        ("", "/prod"),
        ("https://approve.example", ""),
        ("https://approve.example/a/b", "/a/b"),
    ):
        world = ConsoleWorld(public_url=public_url)
        page = world.browser(CAROL_TOKEN).get("/approvals")
        assert f'<a class="brand" href="{base}/approvals">' in page.body
