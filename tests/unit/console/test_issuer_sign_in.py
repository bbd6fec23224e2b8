"""Signing in at an issuer: both ends in one browser, and nothing half done."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from portcullis.console.ports import Issuer
from portcullis.errors import IssuerUnavailableError, SignInError
from portcullis.policy.model import Principal
from support.console_fakes import ConsoleWorld

PERSON = Principal(
    issuer="https://id.example", subject="7", person="bob@example.com", groups=("platform",)
)
AT_ISSUER, SESSION = "__Host-portcullis-signin", "__Host-portcullis"


@dataclass
class FakeIssuer(Issuer):
    """Vouches for one person; `fault` is raised instead."""

    person: Principal = PERSON
    fault: Exception | None = None
    redeemed: list[dict[str, str]] = field(default_factory=list)

    def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, challenge: str
    ) -> str:
        if self.fault is not None:
            raise self.fault
        return (
            f"https://id.example/authorize?redirect_uri={redirect_uri}&state={state}"
            f"&nonce={nonce}&code_challenge={challenge}"
        )

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Principal:
        if self.fault is not None:
            raise self.fault
        self.redeemed.append(
            {"code": code, "uri": redirect_uri, "verifier": verifier, "nonce": nonce}
        )
        return self.person


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def world(issuer: FakeIssuer) -> ConsoleWorld:
    return ConsoleWorld(issuer=issuer)


def asked_for(location: str) -> dict[str, str]:
    """The parameters that a browser takes to the issuer."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def test_a_person_goes_there_and_comes_back_signed_in(
    world: ConsoleWorld, issuer: FakeIssuer
) -> None:
    record = world.ask()
    browser = world.browser()
    page = browser.open(record)
    assert f'href="/prod/approvals/oidc/start?to={record.id}"' in page.body
    there = browser.get(f"/approvals/oidc/start?to={record.id}")
    assert there.status == 303
    told = asked_for(there.header("location"))
    assert told["redirect_uri"] == "https://gate.example/prod/approvals/oidc/callback"
    back = browser.get(f"/approvals/oidc/callback?code=c0de&state={told['state']}",
                       sec_fetch_site="cross-site")  # fmt: skip
    assert back.status == 200
    assert f'content="0; url=/prod/approvals/{record.id}"' in back.body
    (redeemed,) = issuer.redeemed
    assert redeemed["code"] == "c0de"
    assert redeemed["nonce"] == told["nonce"]
    digest = hashlib.sha256(redeemed["verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == told["code_challenge"]
    assert len(redeemed["verifier"]) >= 43
    page = browser.open(record)
    assert "Signed in as bob@example.com" in page.text
    assert browser.decide(record, "approve").status == 303
    assert world.record(record).approvals[0].person == "bob@example.com"
    assert world.log.outcomes == ["signed_in", "approval_given"]


def test_the_cookie_on_the_way_survives_coming_back_and_not_more(world: ConsoleWorld) -> None:
    browser = world.browser()
    there = browser.get("/approvals/oidc/start")
    assert re.fullmatch(
        rf"{AT_ISSUER}=[\w.-]+; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax",
        there.header("set-cookie"),
    )
    state = asked_for(there.header("location"))["state"]
    back = browser.get(f"/approvals/oidc/callback?code=c&state={state}")
    session, dropped = back.headers["set-cookie"]
    assert re.fullmatch(
        rf"{SESSION}=[\w.-]+; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict", session
    )
    assert dropped.startswith(f"{AT_ISSUER}=; ")
    assert AT_ISSUER not in browser.cookies


@pytest.mark.parametrize(
    "query",
    [
        "code=c&state=wrong",
        "code=c",
        "state={state}",
        "code=&state={state}",
        "error=access_denied&state={state}",
        "code=c&state={state}&state={state}",
        "code=c&code=d&state={state}",
        "",
    ],
)
def test_an_answer_to_no_question_of_this_browser_signs_nobody_in(
    world: ConsoleWorld, issuer: FakeIssuer, query: str
) -> None:
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    back = browser.get(f"/approvals/oidc/callback?{query.format(state=state)}")
    assert back.status == 403
    assert "Start again" in back.text
    assert issuer.redeemed == []
    assert SESSION not in browser.cookies
    assert AT_ISSUER not in browser.cookies
    assert world.log.outcomes == ["sign_in_refused"]


def test_somebody_else_s_answer_signs_nobody_in(world: ConsoleWorld, issuer: FakeIssuer) -> None:
    attacker, victim = world.browser(), world.browser()
    state = asked_for(attacker.get("/approvals/oidc/start").header("location"))["state"]
    assert victim.get(f"/approvals/oidc/callback?code=c&state={state}").status == 403
    victim.get("/approvals/oidc/start")
    assert victim.get(f"/approvals/oidc/callback?code=c&state={state}").status == 403
    assert issuer.redeemed == []


def test_an_answer_counts_once_in_a_browser(world: ConsoleWorld, issuer: FakeIssuer) -> None:
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    target = f"/approvals/oidc/callback?code=c&state={state}"
    assert browser.get(target).status == 200
    assert browser.get(target).status == 403
    assert len(issuer.redeemed) == 1


def test_an_answer_that_comes_too_late_counts_nothing(
    world: ConsoleWorld, issuer: FakeIssuer
) -> None:
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    world.clock.seconds = 600
    assert browser.get(f"/approvals/oidc/callback?code=c&state={state}").status == 403
    assert issuer.redeemed == []


@pytest.mark.parametrize(
    "fault, status, outcome",
    [
        (SignInError("no"), 403, "sign_in_refused"),
        (IssuerUnavailableError("down"), 503, "store_unavailable"),
    ],
)
def test_an_issuer_that_says_no_or_nothing_lets_nobody_in(
    world: ConsoleWorld, issuer: FakeIssuer, fault: Exception, status: int, outcome: str
) -> None:
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    issuer.fault = fault
    back = browser.get(f"/approvals/oidc/callback?code=c&state={state}")
    assert back.status == status
    assert SESSION not in browser.cookies
    assert world.log.outcomes == [outcome]


def test_an_issuer_that_does_not_answer_is_told_at_the_start(
    world: ConsoleWorld, issuer: FakeIssuer
) -> None:
    issuer.fault = IssuerUnavailableError("down")
    assert world.browser().get("/approvals/oidc/start").status == 503


def test_a_person_in_more_groups_than_a_cookie_holds_is_not_let_in(
    world: ConsoleWorld, issuer: FakeIssuer
) -> None:
    issuer.person = Principal(
        issuer="i", subject="s", person="p", groups=tuple(f"group-{n}" for n in range(400))
    )
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    assert browser.get(f"/approvals/oidc/callback?code=c&state={state}").status == 403
    assert SESSION not in browser.cookies


def test_who_signed_in_at_an_issuer_is_no_administrator(world: ConsoleWorld) -> None:
    record = world.ask(terms=None)
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    browser.get(f"/approvals/oidc/callback?code=c&state={state}")
    other = world.ask(terms=record.terms.__class__(approvers=("eve",), timeout_seconds=60))
    assert browser.open(record).status == 200
    assert browser.open(other).status == 404


def test_a_session_by_issuer_ends_with_its_time(world: ConsoleWorld) -> None:
    browser = world.browser()
    state = asked_for(browser.get("/approvals/oidc/start").header("location"))["state"]
    browser.get(f"/approvals/oidc/callback?code=c&state={state}")
    world.clock.seconds = 3600
    assert browser.get("/approvals").status == 401


@pytest.mark.parametrize("method", ["HEAD", "POST"])
@pytest.mark.parametrize("path", ["/approvals/oidc/start", "/approvals/oidc/callback?code=c"])
def test_only_a_browser_s_own_visit_starts_or_ends_it(
    world: ConsoleWorld, method: str, path: str
) -> None:
    answer = world.send(method, path)
    assert answer.status == 405
    assert answer.header("allow") == "GET"
