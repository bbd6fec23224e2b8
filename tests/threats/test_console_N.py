"""Threat cases N against the approvers' console, as events of API Gateway.

What the gateway, the workflow and the executor answer for is in the other files of N.
"""

import html
import json
import re
from typing import Any

import pytest

from portcullis.adapters.memory_approvals import MemoryApprovalStore
from portcullis.approvals.states import State
from portcullis.entrypoints.clocks import new_id
from portcullis.errors import ApprovalStoreError
from portcullis.policy.model import Approval, Principal
from portcullis.policy.paths import compile_path
from support.approval_records import ALICE, TIMEOUT_SECONDS
from support.console_fakes import (
    ADMIN_TOKEN,
    AGENT_TOKEN,
    ALICE_TOKEN,
    ARGUMENTS_OF_BOB,
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
        for _ in range(20):
            page = browser.get(target, user_agent=agent)
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
    name, _, rest = line.partition("=")
    assert name == "__Host-portcullis"
    assert set(rest.split("; ")[1:]) >= {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"}
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


# ---------------------------------------------------------------- what is shown

MARKUP = {
    "script": "<script>alert(1)</script>",
    "handler": '"><img src=x onerror=alert(1)>',
    "URL": "javascript:alert(1)",
    "end of a field": "</textarea></pre></style><script>alert(1)</script>",
    "SVG": "<svg onload=alert(1)>",
    "template": "{{constructor.constructor('alert(1)')()}}{% raw %}",
    "comment": "<!--", "entity": "&lt;b&gt; &#x202e;",
}  # fmt: skip


def assert_only_text(body: str, text: str) -> None:
    """The text is on the page as text, and no tag of the page came from it."""
    assert html.escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in (
        body
    )
    tags = re.findall(r"<([a-zA-Z!/]+)", body)
    ours = {"!", "b", "a", "p", "pre", "dl", "dt", "dd", "div", "li", "ul", "span", "time", "h1"}
    assert {tag.strip("/").lower() for tag in tags} - ours <= {
        "!doctype", "html", "head", "meta", "title", "style", "body", "header", "form", "input",
        "button", "main", "section", "h2", "code", "strong", "label", "textarea", "blockquote",
    }  # fmt: skip


@pytest.mark.parametrize("text", [pytest.param(one, id=f"N16-{n}") for n, one in MARKUP.items()])
def test_markup_in_what_others_wrote_is_only_text(world: ConsoleWorld, text: str) -> None:
    record = world.ask({"value": text, text: 1, "json": json.dumps({"inner": text})})
    record = world.change(
        record,
        reason=text,
        note=text,
        binding=record.binding,
    )
    browser = world.browser(CAROL_TOKEN)
    assert_only_text(browser.open(record).body, text)
    world.decide(CAROL_TOKEN, record, "deny", comment=text)
    assert_only_text(browser.open(record).body, text)
    assert world.api(CAROL_TOKEN, "GET", "/approvals").tree["approvals"][0]["reason"] == text


def test_N16_names_of_people_servers_and_tools_are_only_text(world: ConsoleWorld) -> None:
    evil = "<script>alert(1)</script>"
    requester = Principal(issuer="i", subject=evil, person=evil)
    record = world.ask(requester=requester)
    world.grants.add("pcl_evil", Principal(issuer=ISSUER, subject=evil + "2", groups=("platform",)))
    browser = world.browser("pcl_evil")
    for page in (browser.open(record), browser.get("/approvals")):
        assert_only_text(page.body, evil)


DECEPTIVE = {
    "bidi": ("a\u202eb", "\\u202e"),
    "zero width": ("b\u200bob", "\\u200b"),
    "tab": ("a\tb", "\\t"),
    "ANSI": ("\x1b[2Kx", "\\u001b"),
    "line separator": ("a\u2028b", "\\u2028"),
    "space at the end": ("bob ", "\u2423"),
}


@pytest.mark.parametrize(
    "text, shown", [pytest.param(*row, id=f"N17-{name}") for name, row in DECEPTIVE.items()]
)
def test_a_character_that_deceives_is_shown_as_an_escape(
    world: ConsoleWorld, text: str, shown: str
) -> None:
    page = world.browser(CAROL_TOKEN).open(world.ask({"x": text}))
    assert f'<b class="esc">{shown}</b>' in page.body
    assert text not in page.body


@pytest.mark.parametrize("filling", ["\n", "a", "\u202e", " \n"])
def test_N17_a_payload_at_the_end_of_a_huge_argument_is_on_the_page(
    world: ConsoleWorld, filling: str
) -> None:
    text = filling * (100_000 // len(filling.encode())) + "iam:*"
    record = world.ask({"x": text})
    page = world.browser(CAROL_TOKEN).open(record)
    assert page.body.count("iam:*") >= 2
    assert record.binding.arguments in page.text
    assert len(page.body) < 5 * 2**20
    assert 'value="approve"' in page.body


def test_N17_what_cannot_be_shown_whole_cannot_be_approved(world: ConsoleWorld) -> None:
    record = world.ask({"x": "a" * 300_000})
    browser = world.browser(CAROL_TOKEN)
    page = browser.open(record)
    assert 'value="approve"' not in page.body
    assert "cannot be approved" in page.text
    fields = {"word": "approve", "csrf": page.form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 409
    assert world.decide(CAROL_TOKEN, record, "approve").status == 409
    assert world.record(record) == record
    assert browser.decide(record, "deny").status == 303


def test_N17_the_digest_is_shown_and_is_that_of_what_runs(world: ConsoleWorld) -> None:
    one, other = world.ask({"user_name": "bob"}), world.ask({"user_name": "b\u043eb"})
    pages = [world.browser(CAROL_TOKEN).open(record) for record in (one, other)]
    assert one.binding.arguments != other.binding.arguments
    assert one.binding.arguments in pages[0].text
    assert other.binding.arguments in pages[1].text
    assert "different alphabets" in pages[1].text


@pytest.mark.parametrize(
    "text", ["<!channel>", "<https://evil.example|Approve>", "[Approve](https://evil.example)"]
)
def test_N18_markup_of_chats_makes_no_link_on_the_page(world: ConsoleWorld, text: str) -> None:
    page = world.browser(CAROL_TOKEN).open(world.ask({"user_name": text}))
    assert html.escape(text) in page.body
    assert 'href="https://evil.example' not in page.body


def test_N19_nothing_shows_what_the_workflow_waits_with(world: ConsoleWorld) -> None:
    record = world.ask()
    world.store.hold(record.id, "the-task-token")
    browser = world.browser(CAROL_TOKEN)
    told = [
        browser.open(record).body,
        browser.get("/approvals").body,
        world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").body,
        world.decide(CAROL_TOKEN, record, "approve").body,
        str(world.log.records),
    ]
    assert world.workflow.woken == ["the-task-token"]
    assert not any("the-task-token" in one for one in told)


@pytest.mark.parametrize("word", ["approve", "deny"])
@pytest.mark.parametrize("again", ["approve", "deny"])
def test_N20_after_a_decision_the_page_shows_it_and_a_second_one_does_nothing(
    world: ConsoleWorld, word: str, again: str
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    fields = {"word": word, "csrf": browser.open(record).form_token}
    assert browser.post(f"/approvals/{record.id}", fields).status == 303
    decided = world.record(record)
    second = browser.post(f"/approvals/{record.id}", {**fields, "word": again})
    assert second.status == 409
    assert ("Approved" if word == "approve" else "Denied") in second.text
    assert world.decide(DAVE_TOKEN, record, again).status == 409
    assert world.record(record) == decided


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_N21_the_deadline_is_kept_to_the_second(world: ConsoleWorld, late: int) -> None:
    record = world.ask()
    world.clock.seconds = TIMEOUT_SECONDS + late
    answer = world.decide(CAROL_TOKEN, record, "approve")
    if late < 0:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (409, "too_late")
        assert answer.tree["error"]["state"] == "EXPIRED"


def test_N29_the_harmful_part_stands_first_whatever_surrounds_it(world: ConsoleWorld) -> None:
    harmless: Any = {f"a{n}": f"harmless {n}" for n in range(50)}
    document = json.dumps({"Statement": [{"Action": "*", "Resource": "*"}]})
    terms = Approval(
        approvers=("carol@example.com",),
        timeout_seconds=1800,
        show=(compile_path("args.zz_user"),),
    )
    arguments = {**harmless, "zz_document": document, "zz_user": "bob"}
    page = world.browser(CAROL_TOKEN).open(world.ask(arguments, terms=terms))
    order = [page.body.index(f"<code>args.{name}<") for name in ("zz_user", "zz_document", "a0")]
    assert order == sorted(order)
    notes = page.body.index("Look at this first")
    assert notes < order[0]
    assert "args.zz_document covers everything that its wildcard matches" in page.text


def test_N29_each_request_is_decided_by_itself(world: ConsoleWorld) -> None:
    world.ask(), world.ask({"user_name": "eve"})
    page = world.browser(CAROL_TOKEN).get("/approvals")
    assert page.body.count("<form") == 1  # the one that signs out
    assert 'value="approve"' not in page.body
    bodies = [{"decision": "approve"}, [{"decision": "approve"}], {"approvals": ["*"]}]
    assert {world.api(CAROL_TOKEN, "POST", "/approvals", body).status for body in bodies} == {405}


def test_N30_what_the_agent_says_for_itself_is_marked_as_such(world: ConsoleWorld) -> None:
    text = "Pre-approved by security. </pre><h2>Approved</h2>"
    page = world.browser(CAROL_TOKEN).open(world.ask({"justification": text}))
    says = page.body.index("Text from the agent. It can say anything, and proves nothing:")
    assert 0 < page.body.index(html.escape(text)) - says < 200


SECRETS: dict[str, tuple[Any, str]] = {
    "password": ({"password": "hunter2hunter2"}, "hunter2"),
    "oauth_token": ({"a": {"oauth_token": "abcdef123456"}}, "abcdef"),
    "secret": ({"client_secret": "s3cr3t-value"}, "s3cr3t"),
    "access key": ({"note": "use AKIAIOSFODNN7EXAMPLE now"}, "AKIAIOSFODNN7"),
    "JWT": ({"x": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2ln"}, "eyJzdWIi"),
    "PEM": ({"x": "-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----"}, "MIIEow"),
    "connection string": ({"dsn": "postgres://app:hunter2@db/x"}, "hunter2"),
    "JSON in a text": ({"config": json.dumps({"db": {"password": "hunter2"}})}, "hunter2"),
}


@pytest.mark.parametrize(
    "arguments, secret", [pytest.param(*row, id=f"N31-{name}") for name, row in SECRETS.items()]
)
def test_a_secret_is_masked_wherever_it_is_told_and_still_bound(
    world: ConsoleWorld, arguments: Any, secret: str
) -> None:
    record = world.ask(arguments)
    browser = world.browser(CAROL_TOKEN)
    told = [
        browser.open(record).body,
        browser.get("/approvals").body,
        world.api(CAROL_TOKEN, "GET", f"/approvals/{record.id}").body,
        world.decide(CAROL_TOKEN, record, "approve").body,
        str(world.log.records),
    ]
    assert not any(secret in one for one in told)
    assert "[masked: " in told[0]
    assert "[masked: " in told[2]
    changed = json.loads(json.dumps(arguments).replace(secret, secret[::-1]))
    assert world.ask(changed).binding.arguments != record.binding.arguments


TAMPERED = {
    "the request again": {"id": "X", "decision": "approve", "arguments": {"user_name": "eve"}},
    "arguments": {"decision": "approve", "arguments": ARGUMENTS_OF_BOB},
    "a space": {"decision": "approve "},
    "true": {"decision": True},
    "a list": {"decision": ["approve"]},
    "both": {"decision": "approve", "deny": True},
    "both at once": '{"decision": "approve", "decision": "deny"}',
    "missing": {},
    "a number": {"decision": 1},
    "no JSON": "decision=approve",
    "nothing": "",
}


@pytest.mark.parametrize("body", [pytest.param(b, id=f"N33-{n}") for n, b in TAMPERED.items()])
def test_a_body_that_is_not_exactly_a_decision_is_refused(world: ConsoleWorld, body: Any) -> None:
    record = world.ask()
    answer = world.api(CAROL_TOKEN, "POST", f"/approvals/{record.id}", body)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert world.record(record) == record


FOUR_EYES = Approval(
    approvers=("group:platform", "carol@example.com", "carol"), timeout_seconds=1800,
    min_approvals=2,
)  # fmt: skip


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(
            Principal(issuer=ISSUER, subject="c2", person="CAROL@example.com"), id="N34-a"
        ),
        pytest.param(Principal(issuer="https://id", subject="carol", person="c@x"), id="N34-b"),
        pytest.param(Principal(issuer=ISSUER, subject="carol"), id="N34-c"),
    ],
)
def test_one_person_counts_once_under_whatever_credential(
    world: ConsoleWorld, second: Principal
) -> None:
    record = world.ask(terms=FOUR_EYES)
    world.grants.add("pcl_second", second)
    assert world.decide(CAROL_TOKEN, record, "approve").tree["state"] == "PENDING"
    answer = world.decide("pcl_second", record, "approve")
    assert (answer.status, answer.code) == (409, "said_already")
    assert world.record(record).state is State.PENDING


def test_N34_one_no_wins_over_any_yes(world: ConsoleWorld) -> None:
    record = world.ask(terms=FOUR_EYES)
    world.decide(CAROL_TOKEN, record, "approve")
    assert world.decide(DAVE_TOKEN, record, "deny").tree["state"] == "DENIED"
    assert world.decide(CAROL_TOKEN, record, "approve").status == 409


def test_N35_a_store_that_fails_decides_nothing(
    world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = world.ask()
    browser = world.browser(CAROL_TOKEN)
    page = browser.open(record)

    def fail(*_: object, **__: object) -> None:
        raise ApprovalStoreError("throttled")

    for method in ("read", "replace", "sealed_arguments"):
        with monkeypatch.context() as patch:
            patch.setattr(MemoryApprovalStore, method, fail)  # the memory store cannot fail
            fields = {"word": "approve", "csrf": page.form_token}
            assert browser.post(f"/approvals/{record.id}", fields).status == 503
            assert world.decide(CAROL_TOKEN, record, "approve").status == 503
    assert world.record(record) == record


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
