"""Who signed a request with AWS credentials: API Gateway's `identity` to a principal. Pure.

The key holds nothing that a caller can choose: a role's session is named by whoever assumes the
role, a federated user by whoever asks for its token, so the one is left out and the other is
refused. Only the sessions of IAM Identity Center are named by AWS, after the person who signed in.

Sources: API Gateway developer guide, "Variables for data models, authorizers, mapping templates"
(`$context.identity`); IAM user guide, "IAM identifiers" (ARNs, unique ids) and "Policy elements:
Variables" (`aws:userid`); STS API reference, AssumeRole (RoleSessionName); IAM Identity Center
user guide, "Referencing permission sets in resource policies" (names of its roles).
"""

import re
from collections.abc import Mapping

from portcullis.entrypoints.apigw import BadEventError
from portcullis.policy.model import Principal
from portcullis.values import JsonObject

ISSUER_PREFIX = "aws-iam:"
CREDENTIAL_PREFIX = "aws-iam:"

_NAME = r"[A-Za-z0-9_+=,.@-]"
_ARN = r"arn:aws(?:-[a-z]+)*"
_ROLE = re.compile(
    rf"(?P<subject>{_ARN}:sts::(?P<account>[0-9]{{12}}):assumed-role/(?P<role>{_NAME}{{1,64}}))"
    rf"/(?P<session>{_NAME}{{2,64}})"
)
# A path is any printable ASCII between two slashes.
_USER = re.compile(
    rf"{_ARN}:iam::(?P<account>[0-9]{{12}}):user/(?:[!-~]{{1,510}}/)?(?P<user>{_NAME}{{1,64}})"
)
_ROLE_ID, _USER_ID = re.compile(r"AROA[A-Z0-9]{12,124}"), re.compile(r"AIDA[A-Z0-9]{12,124}")
_RESERVED = "AWSReservedSSO_"
_PERMISSION_SET = re.compile(rf"{_RESERVED}({_NAME}{{1,32}})_[0-9a-f]{{16}}")


class NotAcceptedError(BadEventError):
    """The credentials are genuine, as far as API Gateway says, but speak for nobody we serve."""

    status = 403


def principal_of(identity: object) -> Principal:
    """The principal of `requestContext.identity` on a route that wants a signature.

    Raises:
        NotAcceptedError: it is root, a federated user, or anything but a role, a user or a
            person of IAM Identity Center, told without contradiction.
    """
    if not isinstance(identity, Mapping):
        raise NotAcceptedError("the event names no AWS identity")
    arn, caller, user = identity.get("userArn"), identity.get("caller"), identity.get("user")
    if not isinstance(arn, str) or not isinstance(caller, str) or user not in (None, caller):
        raise NotAcceptedError("the event names no AWS identity")
    found = _ROLE.fullmatch(arn) or _USER.fullmatch(arn)
    if found is None or found["account"] != identity.get("accountId"):
        raise NotAcceptedError("only IAM roles, IAM users and people of Identity Center may call")
    return _role(found, caller) if found.re is _ROLE else _user(found, caller)


def _role(found: re.Match[str], caller: str) -> Principal:
    role, session = found["role"], found["session"]
    unique_id, _, told = caller.partition(":")
    if told != session or not _ROLE_ID.fullmatch(unique_id):
        raise NotAcceptedError("the event contradicts itself about the caller")
    claims: JsonObject = {"account": found["account"], "kind": "role", "role": role}
    subject, person = found["subject"], ""
    if role.startswith(_RESERVED):
        permission_set = _PERMISSION_SET.fullmatch(role)
        if permission_set is None:
            raise NotAcceptedError("the role has a reserved name and is not Identity Center's")
        claims |= {"kind": "person", "permission_set": permission_set[1]}
        # User names differ in more than case; an ARN has colons, which a session cannot have.
        subject, person = session.lower(), session
    return Principal(
        issuer=ISSUER_PREFIX + found["account"],
        subject=subject,
        person=person,
        credential=CREDENTIAL_PREFIX + unique_id,
        groups=None,
        claims=claims,
    )


def _user(found: re.Match[str], caller: str) -> Principal:
    if not _USER_ID.fullmatch(caller):
        raise NotAcceptedError("the event contradicts itself about the caller")
    return Principal(
        issuer=ISSUER_PREFIX + found["account"],
        subject=found[0],
        credential=CREDENTIAL_PREFIX + caller,
        groups=None,
        claims={"account": found["account"], "kind": "user", "user": found["user"]},
    )
