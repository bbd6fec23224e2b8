"""Threat cases N: what a person sees of a call on the approvers' page and by the API."""

import html
import json
from html.parser import HTMLParser
from typing import Any

import pytest

from portcullis.policy.model import Approval, Principal
from portcullis.policy.paths import compile_path
from support.approval_records import make_binding
from support.console_fakes import CAROL_TOKEN, ISSUER, ConsoleWorld


@pytest.fixture
def world() -> ConsoleWorld:
    return ConsoleWorld()


MARKUP = {
    "script": "<script>alert(1)</script>",
    "handler": '"><img src=x onerror=alert(1)>',
    "URL": "javascript:alert(1)",
    "end of a field": "</textarea></pre></style><script>alert(1)</script>",
    "SVG": "<svg onload=alert(1)>",
    "template": "{{constructor.constructor('alert(1)')()}}{% raw %}",
    "comment": "<!--", "entity": "&lt;b&gt; &#x202e;",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page and the names of their attributes, and its text."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.names: set[tuple[str, ...]] = set()
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.names.add(("a comment",))

    def keep_text(self, data: str) -> None:
        self.text += data

    handle_data = keep_text  # what the parser calls it


def assert_only_text(body: str, plain_body: str, text: str) -> None:
    """The text is on the page, and no element or attribute of the page came from it."""
    page, plain = Elements(body), Elements(plain_body)
    assert text in page.text
    assert page.names == plain.names


@pytest.mark.parametrize("text", [pytest.param(one, id=f"N16-{n}") for n, one in MARKUP.items()])
def test_markup_in_what_others_wrote_is_only_text(text: str) -> None:
    bodies: dict[str, list[str]] = {}
    for said in ("plain", text):
        world = ConsoleWorld()
        record = world.ask({"value": said, said: True, "force": True, "json": json.dumps([said])})
        record = world.change(record, reason=said, note=said)
        browser = world.browser(CAROL_TOKEN)
        bodies[said] = [browser.open(record).body, browser.get("/approvals").body]
        world.decide(CAROL_TOKEN, record, "deny", comment=said)
        bodies[said].append(browser.open(record).body)
    for body, plain in zip(bodies[text], bodies["plain"], strict=True):
        assert_only_text(body, plain, text)


def test_N16_names_of_people_servers_and_tools_are_only_text() -> None:
    evil = "<script>alert(1)</script>"
    bodies: dict[str, list[str]] = {}
    for name in ("plain", evil):
        world = ConsoleWorld()
        binding = make_binding(server=name, tool=name, rule=name)
        record = world.ask(
            requester=Principal(issuer="i", subject=name, person=name), binding=binding
        )
        approver = Principal(issuer=ISSUER, subject=name + "2", groups=("platform",))
        world.grants.add("pcl_named", approver)
        browser = world.browser("pcl_named")
        bodies[name] = [browser.open(record).body, browser.get("/approvals").body]
    for body, plain in zip(bodies[evil], bodies["plain"], strict=True):
        assert_only_text(body, plain, evil)


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
