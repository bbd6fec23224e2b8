"""Who an access token speaks for: a person or a machine, with groups, tags and claims.

The key of a person is the issuer and `sub`, that of a machine the issuer and its client id: never
a token's own id, an address, a session, or a name that the client chose. What a token does not
say, or says in another shape, is not known, so that a condition on it cannot be evaluated and
denies. Sources: RFC 9068, section 2.2; Microsoft identity platform, "Groups overage claim";
AWS IAM User Guide, "Understanding token claims" and "Pass session tags using
AssumeRoleWithWebIdentity".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portcullis.adapters.id_token import verified_email
from portcullis.errors import TokenError
from portcullis.policy.model import Principal

CREDENTIAL_PREFIX: Final = "jwt:"
MAXIMUM_GROUPS: Final = 3000  # characters of the list as JSON; what is longer is not known

_CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
_STS: Final = "https://sts.amazonaws.com/"  # of tokens that AWS STS issues
_SESSION_TAGS: Final = "https://aws.amazon.com/tags"  # of tokens made for AWS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    """Which claims say what; "" and (): none does."""

    groups: str
    person: str
    tags: str
    claims: tuple[str, ...]


def principal_of_token(claims: Mapping[str, Any], names: ClaimNames) -> Principal:
    """Answer the principal of a token that holds.

    Raises:
        TokenError: it names nobody.
    """
    issuer, subject = str(claims["iss"]), _subject(claims)
    return Principal(
        issuer=issuer,
        subject=subject,
        person=_person(claims, names.person) or f"{issuer} {subject}",
        credential=f"{CREDENTIAL_PREFIX}{int(claims['exp'])}:{issuer}",
        groups=_groups(claims, names.groups),
        tags=_tags(claims, names.tags),
        claims={name: claims[name] for name in names.claims if name in claims},
    )


def _subject(claims: Mapping[str, Any]) -> str:
    subject, client = claims.get("sub"), _client(claims)
    if client and (subject is None or _is_machine(claims, subject, client)):
        return client
    if not isinstance(subject, str) or not subject:
        raise TokenError("the token names nobody")
    return subject


def _client(claims: Mapping[str, Any]) -> str:
    found = [claims[name] for name in _CLIENT_CLAIMS if isinstance(claims.get(name), str)]
    return found[0] if found else ""


def _is_machine(claims: Mapping[str, Any], subject: object, client: str) -> bool:
    """Whether a client speaks for itself, as RFC 9068, Auth0 and Entra say so."""
    return (
        subject in (client, f"{client}@clients")
        or claims.get("gty") == "client-credentials"
        or claims.get("idtyp") == "app"
    )


def _person(claims: Mapping[str, Any], name: str) -> str:
    """The human being, by the claim that says so; an e-mail address only if it was verified."""
    if name == "email":
        return verified_email(claims)
    found = claims.get(name)
    return found if isinstance(found, str) else ""


def _groups(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    found = claims.get(name)
    elsewhere = claims.get("_claim_names")  # Entra names too many groups elsewhere
    if elsewhere is not None and (not isinstance(elsewhere, dict) or name in elsewhere):
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        return None
    is_short = len(json.dumps(found)) <= MAXIMUM_GROUPS
    return tuple(found) if is_short else None


def _tags(claims: Mapping[str, Any], name: str) -> dict[str, str]:
    """AWS session tags, and those of a claim of one's own; what is said in two ways is left out.

    `request_tags` of STS are none: the caller chooses them.
    """
    said: dict[str, set[str]] = {}
    sources = [_member(claims, _STS), _member(claims, _SESSION_TAGS)]
    members = [_member(source, "principal_tags") for source in sources] + [_member(claims, name)]
    for key, value in (pair for source in members for pair in source.items()):
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        said.setdefault(key, set()).add(one if isinstance(one, str) else "")
    return {
        key: next(iter(tags)) for key, tags in said.items() if len(tags) == 1 and "" not in tags
    }


def _member(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}
