"""A real little provider and a console that trusts it."""

from collections.abc import Iterator

import pytest

from portcullis.entrypoints.authorizer import Desk
from support.access_tokens import token_desk
from support.approval_records import Clock
from support.console_fakes import ConsoleWorld
from support.oidc_provider import OidcProvider, SigningKey, new_rsa_key, oidc_provider
from support.oidc_sign_in import make_issuer
from support.takes import START_SECONDS


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return new_rsa_key()


@pytest.fixture(scope="module")
def other_key() -> SigningKey:
    return new_rsa_key("other")


@pytest.fixture
def provider(key: SigningKey) -> Iterator[OidcProvider]:
    with oidc_provider(key) as provider:
        provider.now = START_SECONDS
        yield provider


@pytest.fixture
def world(provider: OidcProvider) -> ConsoleWorld:
    return ConsoleWorld(issuer=make_issuer(provider))


@pytest.fixture
def desk(provider: OidcProvider) -> Desk:
    return token_desk(provider, Clock())
