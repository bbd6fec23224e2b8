"""Where access tokens meet their issuer. Loaded only where agents may have such tokens."""

import sys

import jwt  # noqa: F401 - loaded now, where a cold start has the time, not with the first token

from portcullis.adapters.issuer_http import is_safe
from portcullis.adapters.issuer_keys import IssuerKeys
from portcullis.adapters.token_principal import ClaimNames
from portcullis.entrypoints.agent_tokens import AgentTokens, TokenTerms
from portcullis.entrypoints.clocks import clock
from portcullis.entrypoints.settings import AuthorizerSettings
from portcullis.errors import SettingsError


def build_tokens(settings: AuthorizerSettings) -> AgentTokens:
    """The access tokens that the settings describe.

    Raises:
        SettingsError: they do not say whose tokens, or for whom.
    """
    for variable, url in (
        ("PORTCULLIS_JWT_ISSUER", settings.jwt_issuer),
        ("PORTCULLIS_PUBLIC_URL", settings.public_url),
    ):
        if not is_safe(url):
            raise SettingsError(f"access tokens need {variable}, with https")
    terms = TokenTerms(
        issuer=settings.jwt_issuer,
        base_url=settings.public_url,
        audiences=settings.jwt_audience,
        scope_prefix=settings.jwt_scope_prefix,
        names=ClaimNames(
            groups=settings.jwt_groups_claim,
            person=settings.jwt_person_claim,
            tags=settings.jwt_tags_claim,
            claims=settings.jwt_claims,
        ),
    )
    return AgentTokens(terms, IssuerKeys(settings.jwt_issuer, clock=clock), report=_report)


def _report(reason: str) -> None:
    print(f"a token was refused: {reason}", file=sys.stderr)  # noqa: T201 - the function's own log
