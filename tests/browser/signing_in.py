"""What a person does first in a browser."""

from playwright.sync_api import Locator, Page

from portcullis.approvals.record import ApprovalRecord


def token_field(page: Page) -> Locator:
    """Where the token goes."""
    return page.get_by_role("textbox", name="Token")


def sign_in(page: Page, token: str, record: ApprovalRecord | None = None) -> None:
    """Open a request (or the list), and sign in on the page that comes instead."""
    page.goto("/approvals" + (f"/{record.id}" if record else ""))
    token_field(page).fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
