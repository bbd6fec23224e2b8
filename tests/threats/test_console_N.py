"""Threat cases N against the approvers' console, as events of API Gateway.

What the gateway, the workflow and the executor answer for is in the other files of N.
"""

import html
import re

import pytest

from portcullis.approvals.states import State
from portcullis.entrypoints.clocks import new_id
from portcullis.policy.model import Approval, Principal
from support.approval_records import ALICE
from support.console_fakes import (
    ADMIN_TOKEN,
    AGENT_TOKEN,
    ALICE_TOKEN,
    CAROL_TOKEN,
    DAVE_TOKEN,
    EVE_TOKEN,
    ISSUER,
    ORIGIN,
    ConsoleWorld,
)

NOT_THERE = "/approvals/" + "f" * 32


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


# ---------------------------------------------------------------- who may decide

REQUESTER_S_OTHERS = {
    "N09-own account": Principal(issuer=ISSUER, subject="alice", person="alice@example.com"),
    "N09-another spelling": Principal(issuer=ISSUER, subject="al", person=" ALICE@Example.COM"),
    "N09-full width": Principal(issuer=ISSUER, subject="al", person="\uff41lice@example.com"),
    "N09-at an issuer": Principal(issuer="https://id", subject="77", person="alice@example.com"),
    "N09-a service token": Principal(issuer=ISSUER, subject="alice@example.com"),
    "N09-named like the agent": Principal(issuer="https://id", subject="alice-agent", person="x"),
}


@pytest.mark.parametrize(
    "principal", [pytest.param(one, id=case) for case, one in REQUESTER_S_OTHERS.items()]
)
def test_the_requester_never_approves_under_whatever_credential(
    world: ConsoleWorld, principal: Principal
) -> None:
    """Named in the rule or not, in a group that the rule names, even as an administrator."""
    world.grants.add("pcl_other", principal, is_admin=True)
    terms = Approval(
        approvers=(principal.subject, principal.person or "x", "group:platform"),
        timeout_seconds=1800,
    )
    record = world.ask(terms=terms)
    answer = world.decide("pcl_other", record, "approve")
    assert (answer.status, answer.code) == (403, "own_request")
    assert world.record(record) == record


def test_N09_the_agent_s_own_token_opens_nothing_here(world: ConsoleWorld) -> None:
    record = world.ask()
    assert world.decide(AGENT_TOKEN, record, "approve").status == 403
    assert world.browser().sign_in(AGENT_TOKEN).status == 401
    assert world.record(record) == record


def test_N10_a_group_that_was_lost_counts_at_once(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(DAVE_TOKEN)
    page = browser.open(record)
    world.grants.add(DAVE_TOKEN, Principal(issuer=ISSUER, subject="dave", groups=("others",)))
    fields = {"word": "approve", "csrf": page.form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 404
    assert world.decide(DAVE_TOKEN, record, "approve").status == 404
    assert world.record(record) == record


def test_N10_a_revoked_approver_is_out_at_once(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(DAVE_TOKEN)
    page = browser.open(record)
    world.grants.revoke(DAVE_TOKEN)
    fields = {"word": "approve", "csrf": page.form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 401
    assert world.decide(DAVE_TOKEN, record, "approve").status == 401
    assert world.record(record) == record


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_N11_without_a_credential_there_is_only_the_way_to_sign_in(
    world: ConsoleWorld, method: str, accept: str
) -> None:
    record = world.ask()
    for target in ("/approvals", f"/approvals/{record.id}", NOT_THERE):
        headers = {"accept": accept, "content-type": "application/x-www-form-urlencoded"}
        answer = world.send(method, target, headers=headers, body="word=approve&csrf=x")
        assert answer.status == (405 if (method, target) == ("POST", "/approvals") else 401)
        assert "put_user_policy" not in answer.body
    assert world.record(record) == record


def test_N12_an_unknown_request_and_a_foreign_one_are_answered_alike(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(EVE_TOKEN)
    for path in (f"/approvals/{record.id}", NOT_THERE):
        assert world.api(EVE_TOKEN, "GET", path).tree == {
            "error": {
                "code": "not_found",
                "message": "There is no such request, or it is not for you.",
            }
        }
    foreign, unknown = browser.open(record), browser.get(NOT_THERE)
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", foreign.body) == strip.sub("", unknown.body)
    assert (foreign.status, foreign.headers) == (unknown.status, unknown.headers)
    approve = {"decision": "approve"}
    answers = [
        world.api(EVE_TOKEN, "POST", path, approve)
        for path in (f"/approvals/{record.id}", NOT_THERE)
    ]
    assert answers[0] == answers[1]
    assert answers[0].status == 404


def test_N12_ids_are_random_and_say_nothing_of_their_order() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == 10_000
    assert {len(one) for one in ids} == {32}
    assert ids != sorted(ids)
    assert all(len({one[at] for one in ids}) == 16 for at in range(32))


# ---------------------------------------------------------------- requests nobody meant

SCANNERS = ["Mozilla/5.0 (compatible; Outlook SafeLinks)", "Slackbot-LinkExpanding 1.0", "curl/8"]


@pytest.mark.parametrize("agent", SCANNERS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_N13_following_links_changes_nothing(
    world: ConsoleWorld, agent: str, signed_in: bool
) -> None:
    record = world.ask()
    world.store.hold(record.id, "handle")
    before = world.record(record)
    browser = world.browser(CAROL_TOKEN if signed_in else None)
    seen, to_do = set(), [f"/approvals/{record.id}"]
    while to_do:
        target = to_do.pop()
        if target in seen:
            continue
        seen.add(target)
        page = [browser.get(target, user_agent=agent) for _ in range(20)][-1]
        found = re.findall(r'(?:href|src|action)="/prod([^"]*)"', page.body)
        to_do += [html.unescape(link) for link in found]
        headers = {"user-agent": agent, "authorization": f"Bearer {CAROL_TOKEN}"}
        world.send("HEAD", target, headers=headers)
        world.send("GET", target, headers=headers)
    assert f"/approvals/{record.id}" in seen
    assert world.record(record) == before
    assert world.workflow.woken == []


CSRF: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "N14-a form of another site": ({"origin": "https://evil.example"}, {}),
    "N14-a form of a sandboxed frame": ({"sec-fetch-site": "cross-site"}, {}),
    "N14-a form of a sister site": ({"sec-fetch-site": "same-site"}, {}),
    "N14-our site on another port": ({"origin": f"{ORIGIN}:8443"}, {}),
    "N14-no word of where from": ({"sec-fetch-site": ""}, {}),
    "N14-no token": ({}, {"csrf": ""}),
    "N14-no token's token": ({}, {"csrf": "x.y.z"}),
    "N14-token of the sign-out form": ({}, {"csrf": "sign out"}),
    "N14-token of another request": ({}, {"csrf": "other"}),
    "N14-token of another session": ({}, {"csrf": "session"}),
    "N14-token of an older version": ({}, {"csrf": "old"}),
}


@pytest.mark.parametrize(
    "headers, changes", [pytest.param(*row, id=case) for case, row in CSRF.items()]
)
def test_a_form_that_a_person_did_not_send_from_their_page_is_void(
    world: ConsoleWorld, headers: dict[str, str], changes: dict[str, str]
) -> None:
    record, other = world.ask(), world.ask({"user_name": "other"})
    browser = world.browser(CAROL_TOKEN)
    tokens = {
        "": "",
        "x.y.z": "x.y.z",
        "other": browser.open(other).form_token,
        "session": world.browser(CAROL_TOKEN).open(record).form_token,
        "old": browser.open(record).form_token,
        "sign out": re.findall(r'name="csrf" value="([^"]+)"', browser.open(record).body)[0],
    }
    if changes.get("csrf") == "old":
        world.change(record, is_started=True)
    fields = {"word": "approve", "csrf": browser.open(record).form_token}
    fields["csrf"] = tokens[changes["csrf"]] if "csrf" in changes else fields["csrf"]
    answer = browser.post(f"/approvals/{record.id}", fields, **headers)
    assert answer.status == 403
    assert world.record(record).state is State.PENDING
    assert world.record(record).approvals == ()


def test_N14_a_form_without_its_token_field_is_refused(world: ConsoleWorld) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    assert browser.post(f"/approvals/{record.id}", {"word": "approve"}).status == 400
    assert world.record(record) == record


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": ORIGIN}, 415),
        ({"origin": "null"}, 415),
        ({}, 415),
    ],
)
def test_N14_json_is_nothing_a_cookie_can_send(
    world: ConsoleWorld, headers: dict[str, str], status: int
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    given = {"content-type": "application/json", **headers}
    answer = browser.post(f"/approvals/{record.id}", '{"decision": "approve"}', **given)
    assert answer.status == status
    assert world.record(record) == record


def test_N14_a_token_is_spent_with_the_decision_it_was_for(world: ConsoleWorld) -> None:
    terms = Approval(
        approvers=("group:platform", "carol@example.com"), timeout_seconds=1800, min_approvals=2
    )
    record = world.ask(terms=terms)
    browser = world.browser(CAROL_TOKEN)
    fields = {"word": "approve", "csrf": browser.open(record).form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 303
    again = browser.post(f"/approvals/{record.id}", {**fields, "word": "deny"})
    assert again.status == 403
    assert "out of date" in again.text
    assert len(world.record(record).approvals) == 1


def test_N14_cookies_are_host_bound_strict_and_hidden_from_scripts(world: ConsoleWorld) -> None:
    line = world.browser().sign_in(CAROL_TOKEN).header("set-cookie")
    assert line.startswith("__Host-portcullis=")
    assert set(line.split("; ")) >= {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"}
    assert "domain" not in line.lower()


@pytest.mark.parametrize("path", ["/approvals", "/approvals/login", NOT_THERE])
def test_N15_no_page_can_be_framed_kept_or_traced(world: ConsoleWorld, path: str) -> None:
    page = world.browser(CAROL_TOKEN).get(path)
    policy = page.header("content-security-policy")
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.header("x-frame-options") == "DENY"
    assert page.header("referrer-policy") == "no-referrer"
    assert page.header("cache-control") == "no-store"


# ---------------------------------------------------------------- agents


def test_N36_an_agent_learns_nothing_here_of_any_request(world: ConsoleWorld) -> None:
    record = world.ask(requester=ALICE)
    world.grants.add("pcl_agent_of_alice", None)
    for token in (AGENT_TOKEN, "pcl_agent_of_alice"):
        for path in ("/approvals", f"/approvals/{record.id}", NOT_THERE):
            answer = world.api(token, "GET", path)
            assert answer.status == 403
            assert set(answer.tree) == {"error"}


def test_N36_a_request_is_not_found_by_who_has_nothing_to_do_with_it(world: ConsoleWorld) -> None:
    record = world.ask()
    assert world.api(EVE_TOKEN, "GET", "/approvals").tree == {"approvals": []}
    assert world.api(EVE_TOKEN, "GET", f"/approvals/{record.id}").status == 404
    assert world.api(ALICE_TOKEN, "GET", f"/approvals/{record.id}").status == 200
    assert world.api(ADMIN_TOKEN, "GET", f"/approvals/{record.id}").status == 200


@pytest.mark.parametrize("token", [None, AGENT_TOKEN, "pcl_unknown"])
def test_N37_an_agent_that_opens_the_link_comes_no_further_than_the_door(
    world: ConsoleWorld, token: str | None
) -> None:
    record = world.ask()
    headers: dict[str, str | list[str]] = {"user-agent": "fetch-tool"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    for method in ("GET", "POST"):
        answer = world.send(method, f"/approvals/{record.id}", headers=headers)
        assert answer.status in (401, 403)
        assert "bob" not in answer.body
        assert "set-cookie" not in answer.headers or token is None
    assert world.record(record) == record
