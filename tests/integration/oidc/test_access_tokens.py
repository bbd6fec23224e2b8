"""Access tokens at the authorizer: whose, for whom, for now, and who they say calls."""

import pytest

from portcullis.adapters.issuer_keys import KEYS_AGAIN_SECONDS, MAXIMUM_AGE_SECONDS
from portcullis.adapters.signed_token import LEEWAY_SECONDS
from portcullis.entrypoints.authorizer import Desk, UnauthorizedError, authorize
from portcullis.errors import IssuerUnavailableError
from portcullis.policy.model import Principal
from support.access_tokens import (
    BASE,
    Claims,
    access_token,
    assert_unauthorized,
    authorizer_event,
    caller,
    effect,
    token_desk,
)
from support.approval_records import Clock
from support.oidc_provider import OidcProvider, SigningKey, new_ec_key
from support.takes import START_SECONDS


def test_a_token_says_who_calls_with_groups_person_and_claims(
    desk: Desk, provider: OidcProvider
) -> None:
    token = access_token(provider, department="it", level=3, secret="x")
    assert caller(desk, token) == Principal(
        issuer=provider.url,
        subject="7",
        person="ann@example.com",
        credential=f"jwt:{START_SECONDS + 300}:{provider.url}",
        groups=("platform", "not-admin"),
        claims={"department": "it", "level": 3},
    )


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_keys_of_every_accepted_algorithm_sign(
    provider: OidcProvider, key: SigningKey, algorithm: str
) -> None:
    signing = new_ec_key() if algorithm == "ES256" else SigningKey(key.key, "k", algorithm)
    provider.keys = [signing]
    assert effect(token_desk(provider, Clock()), access_token(provider, key=signing)) == "Allow"


def test_the_log_says_why_and_nothing_of_the_token(provider: OidcProvider) -> None:
    reasons: list[str] = []
    desk = token_desk(provider, Clock(), reasons=reasons)
    token = access_token(provider, aud="https://else.example", sub="canary-7")
    assert_unauthorized(desk, token)
    assert reasons == ["the token is for somebody else"]


# ---------------------------------------------------------------- audiences and scopes


@pytest.mark.parametrize(
    "audience",
    [BASE, f"{BASE}/", f"{BASE}/mcp", f"{BASE}/mcp/amazon-mq", ["other", f"{BASE}/mcp"]],
)
def test_F02_a_token_for_the_server_or_for_all_of_them_is_for_us(
    desk: Desk, provider: OidcProvider, audience: object
) -> None:
    assert effect(desk, access_token(provider, aud=audience)) == "Allow"


def test_E10_a_token_for_one_server_opens_no_other(desk: Desk, provider: OidcProvider) -> None:
    token = access_token(provider)
    assert effect(desk, token) == "Allow"
    assert_unauthorized(desk, token, "aws-iam")


def test_named_audiences_replace_the_api_s_own(provider: OidcProvider) -> None:
    desk = token_desk(provider, Clock(), audiences=("api://gate",))
    assert effect(desk, access_token(provider, aud="api://gate"), "aws-iam") == "Allow"
    assert_unauthorized(desk, access_token(provider))


def test_cognito_s_client_stands_for_the_audience(provider: OidcProvider) -> None:
    desk = token_desk(provider, Clock(), audiences=("agent",))
    assert effect(desk, access_token(provider, aud=..., token_use="access")) == "Allow"
    assert_unauthorized(desk, access_token(provider, aud=...))
    assert_unauthorized(desk, access_token(provider, aud=..., token_use="access", client_id="x"))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, "Allow"),
        ({"scope": "mcp:aws-iam"}, "Deny"),
        ({"scope": "mcp:amazon-mq-2 xmcp:amazon-mq"}, "Deny"),
        ({"scope": ...}, "Deny"),
        ({"scope": 7}, "Deny"),
        ({"scope": ..., "scp": ["mcp:amazon-mq"]}, "Allow"),
        ({"scope": ..., "scp": "mcp:amazon-mq x"}, "Allow"),
        ({"scope": "", "scp": "mcp:amazon-mq"}, "Deny"),
    ],
)
def test_a_server_s_scope_opens_it_where_scopes_are_asked_for(
    provider: OidcProvider, claims: Claims, expected: str
) -> None:
    desk = token_desk(provider, Clock(), scope_prefix="mcp:")
    assert effect(desk, access_token(provider, **claims)) == expected


# ---------------------------------------------------------------- F-06, F-07: who, with what


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "agent"},
        {"sub": "agent@clients"},
        {"sub": ...},
        {"sub": "x", "gty": "client-credentials"},
        {"sub": "x", "idtyp": "app"},
        {"sub": "x", "idtyp": "app", "client_id": ..., "azp": "agent"},
        {"sub": "agent", "client_id": ..., "cid": "agent"},
    ],
)
def test_F06_a_machine_is_its_client_and_a_person_their_subject(
    desk: Desk, provider: OidcProvider, claims: Claims
) -> None:
    machine = caller(desk, access_token(provider, email=..., **claims))
    assert machine.subject == "agent"
    assert machine.person == f"{provider.url} agent"


def test_F06_nothing_that_changes_between_tokens_is_in_the_key(
    desk: Desk, provider: OidcProvider
) -> None:
    one = caller(desk, access_token(provider))
    other = caller(
        desk,
        access_token(provider, jti="t-2", client_id="registered-anew", sid="s", name="Ann"),
    )
    assert one.key == other.key


GROUPS: dict[str, object] = {
    "F07-missing": ...,
    "F07-a text": "admin,not-admin",
    "F07-an object": {"admin": True},
    "F07-numbers": [1],
    "F07-empty names": [""],
    "F07-a thousand": [f"group-{number}" for number in range(1000)],
}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
def test_groups_that_are_no_list_of_names_are_not_known(
    desk: Desk, provider: OidcProvider, groups: object
) -> None:
    assert caller(desk, access_token(provider, groups=groups)).groups is None


def test_F07_a_token_with_ten_thousand_groups_is_not_even_read(
    desk: Desk, provider: OidcProvider
) -> None:
    assert_unauthorized(desk, access_token(provider, groups=["group"] * 10_000))


@pytest.mark.parametrize("elsewhere", [{"groups": "src1"}, "groups"])
def test_F07_groups_that_are_named_elsewhere_are_not_known(
    desk: Desk, provider: OidcProvider, elsewhere: object
) -> None:
    assert caller(desk, access_token(provider, _claim_names=elsewhere)).groups is None


def test_groups_are_known_where_other_claims_are_elsewhere(
    desk: Desk, provider: OidcProvider
) -> None:
    token = access_token(provider, _claim_names={"roles": "src1"}, groups=[])
    assert caller(desk, token).groups == ()


def test_tags_are_those_that_an_administrator_gave(desk: Desk, provider: OidcProvider) -> None:
    claims: Claims = {
        "https://sts.amazonaws.com/": {
            "principal_tags": {"team": "a", "stage": "test", "many": ["x", "y"]},
            "request_tags": {"admin": "yes"},
        },
        "https://aws.amazon.com/tags": {
            "principal_tags": {"team": ["a"], "stage": ["prod"], "project": ["p"]},
            "transitive_tag_keys": ["project"],
        },
        "tags": {"own": "o", "number": 1},
    }
    token = access_token(provider, **claims)
    assert caller(desk, token).tags == {"team": "a", "project": "p", "own": "o"}


@pytest.mark.parametrize("tags", ["x", {"principal_tags": ["a"]}, None])
def test_tags_in_another_shape_are_none(desk: Desk, provider: OidcProvider, tags: object) -> None:
    claims: Claims = {"https://sts.amazonaws.com/": tags, "tags": "team=a"}
    token = access_token(provider, **claims)
    assert caller(desk, token).tags == {}


@pytest.mark.parametrize(
    "claims", [{"email_verified": False}, {"email_verified": "true"}, {"email": ["a"]}]
)
def test_N09_an_address_that_nobody_verified_names_nobody(
    desk: Desk, provider: OidcProvider, claims: Claims
) -> None:
    assert caller(desk, access_token(provider, **claims)).person == f"{provider.url} 7"


def test_what_is_too_long_to_be_said_is_denied(desk: Desk, provider: OidcProvider) -> None:
    assert effect(desk, access_token(provider, department="x" * 6000)) == "Deny"


# ---------------------------------------------------------------- F-03, F-08: keys in time


def at(desk: Desk, token: str, seconds: int) -> str:
    event = authorizer_event(token)
    answer = authorize(event, desk, now_seconds=START_SECONDS + seconds)
    return str(answer["policyDocument"]["Statement"][0]["Effect"])


def test_F03_a_token_is_judged_on_every_request(provider: OidcProvider) -> None:
    clock = Clock()
    desk = token_desk(provider, clock)
    token = access_token(provider)
    assert at(desk, token, 0) == "Allow"
    with pytest.raises(UnauthorizedError):
        at(desk, token, 300 + LEEWAY_SECONDS)


def test_F03_a_key_that_the_issuer_dropped_signs_nothing_more(
    provider: OidcProvider, key: SigningKey, other_key: SigningKey
) -> None:
    clock = Clock()
    desk = token_desk(provider, clock)
    assert effect(desk, access_token(provider)) == "Allow"
    provider.keys = [other_key]
    assert_unauthorized(desk, access_token(provider))  # the new key is asked for, a while later
    clock.seconds = KEYS_AGAIN_SECONDS
    assert effect(desk, access_token(provider)) == "Allow"
    assert_unauthorized(desk, access_token(provider, key=key))
    assert provider.requests.count("/keys") == 2


def test_F08_P09_keys_that_were_read_serve_while_the_issuer_is_down_for_a_day(
    provider: OidcProvider,
) -> None:
    clock = Clock()
    desk = token_desk(provider, clock)
    token = access_token(provider, exp=START_SECONDS + 10**6)
    assert at(desk, token, 0) == "Allow"
    provider.status = {"/keys": 503, "/.well-known/openid-configuration": 503}
    for seconds in (3600, MAXIMUM_AGE_SECONDS):
        clock.seconds = seconds
        assert at(desk, token, seconds) == "Allow"
    clock.seconds = MAXIMUM_AGE_SECONDS + 1
    with pytest.raises(IssuerUnavailableError):
        at(desk, token, MAXIMUM_AGE_SECONDS + 1)


@pytest.mark.parametrize("path", ["/keys", "/.well-known/openid-configuration"])
@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_F08_P09_without_keys_nothing_is_believed(
    provider: OidcProvider, path: str, status: int
) -> None:
    provider.status[path] = status
    with pytest.raises(IssuerUnavailableError):
        effect(token_desk(provider, Clock()), access_token(provider))


def test_F08_made_up_keys_ask_a_failing_issuer_once_in_a_while(provider: OidcProvider) -> None:
    clock = Clock()
    desk = token_desk(provider, clock)
    assert effect(desk, access_token(provider)) == "Allow"
    provider.status["/keys"] = 503
    clock.seconds = KEYS_AGAIN_SECONDS
    for number in range(5):
        assert_unauthorized(desk, access_token(provider, header={"kid": str(number)}))
    assert provider.requests.count("/keys") == 2
