"""Whatever an agent writes is text: no script runs, nothing is loaded, nothing is hidden."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Trap
from browser.signing_in import sign_in
from portcullis.approvals.states import State
from portcullis.approvals.visible_text import visible
from portcullis.policy.model import Principal
from support.approval_records import make_binding
from support.console_fakes import CAROL_TOKEN, ConsoleWorld
from support.policy_requests import POLICY, ask_for_policy

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "handler": '"><img src=x onerror=alert(1)>',
    "attribute": "' autofocus onfocus=alert(1) x='",
    "URL": "javascript:alert(1)",
    "end of a field": "</textarea></pre></style></title><script>alert(1)</script>",
    "SVG": "<svg/onload=alert(1)>",
    "frame": '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "style": "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "image": "<img src=https://evil.example/pixel>",
    "refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "form": '<form action="https://evil.example"><button>Approve</button></form>',
    "base": '<base href="https://evil.example/">',
    "template": "{{constructor.constructor('alert(1)')()}}",
    "server template": "{{ 7*7 }}{% raw %}",
    "line separator": "\u2028alert(1)\u2029",
    "comment": "<!--><script>alert(1)</script>-->",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;",
}


@pytest.mark.parametrize("text", [pytest.param(one, id=f"N16-{n}") for n, one in HOSTILE.items()])
def test_what_an_agent_wrote_is_shown_and_does_nothing(
    page: Page, world: ConsoleWorld, trap: Trap, text: str
) -> None:
    arguments: Any = {
        "value": text, text: "a name", "reason": text, "long": "x" * 700 + text,
        "json": json.dumps({text: text}), "list": [text],
    }  # fmt: skip
    record = world.ask(
        arguments,
        binding=make_binding(server=text, tool=text, rule=text),
        requester=Principal(issuer="i", subject=text, person=text),
        reason=text,
        note=text,
    )
    sign_in(page, CAROL_TOKEN, record)
    shown = visible(text)
    assert shown in page.inner_text("main")
    assert shown in page.locator("pre.value").all_inner_texts()
    page.get_by_label("Comment").fill(text)
    page.get_by_role("button", name="Deny: do not run it").click()
    expect(page.get_by_role("heading", name="Denied")).to_be_visible()
    page.goto("/approvals")
    assert shown in page.inner_text("main")
    assert trap.is_empty, trap


def test_N17_a_huge_argument_is_there_to_its_last_character(
    page: Page, world: ConsoleWorld, trap: Trap
) -> None:
    record = world.ask({"x": "\n" * 5_000 + "a" * 95_000 + "PAYLOAD"})
    sign_in(page, CAROL_TOKEN, record)
    box = page.get_by_role("region", name="All of args.x")
    expect(box).to_contain_text("PAYLOAD")
    size = box.bounding_box()
    assert size is not None
    assert size["height"] < 500
    box.focus()
    page.keyboard.press("End")
    page.wait_for_function("box => box.scrollTop > 100", arg=box.element_handle())
    expect(page.locator("pre.value", has_text="PAYLOAD").last).to_be_visible()
    assert trap.is_empty


def test_N17_text_that_turns_around_stays_in_its_place(page: Page, world: ConsoleWorld) -> None:
    record = world.ask({"user_name": "\u202egnp.exe", "other": "\u05d0\u05d1\u05d2"})
    sign_in(page, CAROL_TOKEN, record)
    assert page.locator("pre.value").first.inner_text() == "\\u202egnp.exe"
    notes = page.get_by_role("region", name="Look at this first")
    expect(notes).to_contain_text("turn the text around (\\u202e)")
    expect(notes).to_contain_text("right to left (\\u05d0, \\u05d1, \\u05d2)")


def test_N31_a_masked_value_is_nowhere_in_the_page(page: Page, world: ConsoleWorld) -> None:
    secret = "hunter2-hunter2"
    arguments: Any = {
        "password": secret, "dsn": f"postgres://app:{secret}@db/x",
        "config": json.dumps({"db": {"password": secret}}),
    }  # fmt: skip
    sign_in(page, CAROL_TOKEN, world.ask(arguments))
    assert secret not in page.content()
    expect(page.get_by_text("[masked: 9 to 16 characters]").first).to_be_visible()


def test_N16_N17_a_hostile_policy_is_shown_line_by_line_and_does_nothing(
    page: Page, world: ConsoleWorld, trap: Trap, shots: Path
) -> None:
    comments = "".join(f"# {text}\n" for text in HOSTILE.values() if "\u2028" not in text)
    record = ask_for_policy(world, POLICY + comments + "# \u202egnp.exe\n")
    sign_in(page, CAROL_TOKEN, record)
    shown = page.locator("pre.value", has_text="version:").first.inner_text()
    for line in (POLICY + comments).splitlines():
        assert visible(line.lstrip(" ")) in shown
    assert "\n  token: {action: allow}" in shown  # its layout, and no mask
    assert "\\u202egnp.exe" in shown
    notes = page.get_by_role("region", name="Look at this first")
    expect(notes).to_contain_text("May permit more: tool `token` is added: allow")
    expect(notes).to_contain_text("turn the text around (\\u202e)")
    page.screenshot(path=shots / "policy.png", full_page=True)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("You have approved this request.")).to_be_visible()
    assert world.record(record).state is State.PENDING
    assert trap.is_empty, trap
