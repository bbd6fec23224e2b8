"""Who signed: what API Gateway says of AWS credentials becomes a principal, or a refusal."""

from typing import Any

import pytest

from portcullis.entrypoints.iam_principal import NotAcceptedError, principal_of
from portcullis.policy.model import Principal

ACCOUNT = "123456789012"
ROLE_ID, USER_ID = "AROAEXAMPLEEXAMPLE01", "AIDAEXAMPLEEXAMPLE01"
SSO_ROLE = "AWSReservedSSO_PowerUser_0123456789abcdef"
ASSUMED = f"arn:aws:sts::{ACCOUNT}:assumed-role"


def role(name: str = "ci", session: str = "build-7", **changes: Any) -> dict[str, Any]:
    """`requestContext.identity` of a role's session, as API Gateway fills it."""
    return {
        "accessKey": "ASIAEXAMPLEEXAMPLE01",
        "accountId": ACCOUNT,
        "caller": f"{ROLE_ID}:{session}",
        "user": f"{ROLE_ID}:{session}",
        "userArn": f"{ASSUMED}/{name}/{session}",
        "principalOrgId": "o-example",
        "sourceIp": "192.0.2.1",
        "userAgent": "agent/1.0",
        "cognitoIdentityId": None,
        **changes,
    }


def user(path: str = "/", name: str = "ann", **changes: Any) -> dict[str, Any]:
    """The same of an IAM user."""
    arn = f"arn:aws:iam::{ACCOUNT}:user{path}{name}"
    return role(**{"caller": USER_ID, "user": USER_ID, "userArn": arn, **changes})


def test_a_role_is_the_principal_whoever_assumed_it() -> None:
    assert principal_of(role()) == Principal(
        issuer=f"aws-iam:{ACCOUNT}",
        subject=f"{ASSUMED}/ci",
        credential=f"aws-iam:{ROLE_ID}",
        groups=None,
        claims={"account": ACCOUNT, "kind": "role", "role": "ci"},
    )


def test_F11_a_session_name_is_no_part_of_the_key() -> None:
    keys = {principal_of(role(session=name)).key for name in ("a1", "a2", "root", "ci", "+=,.@-_")}
    assert len(keys) == 1


def test_roles_users_and_accounts_are_told_apart() -> None:
    other = "210987654321"
    seen = [
        role(),
        role("CI"),
        role("ci2"),
        role(accountId=other, userArn=f"arn:aws:sts::{other}:assumed-role/ci/build-7"),
        user(),
        user(name="ci"),
        user("/team/", "ann"),
        role(SSO_ROLE, "ann"),
    ]
    assert len({principal_of(identity).key for identity in seen}) == len(seen)


def test_a_user_is_the_principal_with_its_path() -> None:
    assert principal_of(user("/team/a b/".replace(" ", "+"), "ann")) == Principal(
        issuer=f"aws-iam:{ACCOUNT}",
        subject=f"arn:aws:iam::{ACCOUNT}:user/team/a+b/ann",
        credential=f"aws-iam:{USER_ID}",
        groups=None,
        claims={"account": ACCOUNT, "kind": "user", "user": "ann"},
    )


def test_a_person_of_identity_center_is_the_principal_whatever_role_they_take() -> None:
    person = principal_of(role(SSO_ROLE, "Ann@example.com"))
    assert person == Principal(
        issuer=f"aws-iam:{ACCOUNT}",
        subject="ann@example.com",
        person="Ann@example.com",
        credential=f"aws-iam:{ROLE_ID}",
        groups=None,
        claims={
            "account": ACCOUNT,
            "kind": "person",
            "role": SSO_ROLE,
            "permission_set": "PowerUser",
        },
    )
    another = principal_of(role("AWSReservedSSO_Read_Only_fedcba9876543210", "ann@example.com"))
    assert another.key == person.key
    assert another.claims["permission_set"] == "Read_Only"


@pytest.mark.parametrize(
    "name",
    [
        "AWSReservedSSO_PowerUser",
        "AWSReservedSSO_PowerUser_0123456789abcde",
        "AWSReservedSSO_PowerUser_0123456789ABCDEF",
        "AWSReservedSSO__0123456789abcdef",
        "AWSReservedSSO_",
    ],
)
def test_F12_a_role_that_only_looks_like_identity_center_s_is_refused(name: str) -> None:
    with pytest.raises(NotAcceptedError):
        principal_of(role(name, "ann@example.com"))


@pytest.mark.parametrize("name", ["awsreservedsso_PowerUser_0123456789abcdef", "XAWSReservedSSO_"])
def test_F12_a_session_name_makes_a_person_of_no_other_role(name: str) -> None:
    principal = principal_of(role(name, "ann@example.com"))
    assert principal.person == ""
    assert principal.subject == f"{ASSUMED}/{name}"


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"])
def test_every_partition_is_served(partition: str) -> None:
    arn = f"arn:{partition}:sts::{ACCOUNT}:assumed-role/ci/build-7"
    assert principal_of(role(userArn=arn)).subject == arn.removesuffix("/build-7")


REFUSED: dict[str, Any] = {
    "no identity": None,
    "an identity that is a text": "arn:aws:iam::123456789012:user/ann",
    "an identity that is empty": {},
    "nobody, as on a route without signatures": role(userArn=None, accountId=None, caller=None),
    "an ARN that is null": role(userArn=None),
    "an ARN that is empty": role(userArn=""),
    "an ARN that is a list": role(userArn=[f"{ASSUMED}/ci/build-7"]),
    "an account that is null": role(accountId=None),
    "an account that is a number": role(accountId=int(ACCOUNT)),
    "another account than the ARN's": role(accountId="210987654321"),
    "a caller that is null": role(caller=None),
    "a caller that is a number": role(caller=1),
    "a user that is a list": role(user=[f"{ROLE_ID}:build-7"]),
    "a caller of another session": role(caller=f"{ROLE_ID}:build-8", user=f"{ROLE_ID}:build-8"),
    "a caller without a session": role(caller=ROLE_ID, user=ROLE_ID),
    "a caller with the id of a user": role(caller=f"{USER_ID}:build-7", user=f"{USER_ID}:build-7"),
    "a user with the id of a role": user(caller=ROLE_ID, user=ROLE_ID),
    "a caller and a user that differ": role(user=f"{ROLE_ID}:build-8"),
    "root": role(
        userArn=f"arn:aws:iam::{ACCOUNT}:root", caller=ACCOUNT, user=ACCOUNT, session="x1"
    ),
    "a federated user, who was named by whoever asked for the token": role(
        userArn=f"arn:aws:sts::{ACCOUNT}:federated-user/ann",
        caller=f"{ACCOUNT}:ann",
        user=f"{ACCOUNT}:ann",
    ),
    "a root session of another account": role(userArn=f"arn:aws:sts::{ACCOUNT}:assumed-root"),
    "a role that nobody assumed": role(userArn=f"arn:aws:iam::{ACCOUNT}:role/ci"),
    "a role of another service": role(userArn=f"arn:aws:iam::{ACCOUNT}:assumed-role/ci/build-7"),
    "a user of another service": user(userArn=f"arn:aws:sts::{ACCOUNT}:user/ann"),
    "a group": user(userArn=f"arn:aws:iam::{ACCOUNT}:group/ann"),
    "an ARN with a region": role(
        userArn=f"arn:aws:sts:us-east-1:{ACCOUNT}:assumed-role/ci/build-7"
    ),
    "an ARN without a session": role(userArn=f"{ASSUMED}/ci"),
    "an ARN with an empty role": role(userArn=f"{ASSUMED}//build-7"),
    "an ARN with a path": role(userArn=f"{ASSUMED}/team/ci/build-7"),
    "a session of one character": role(session="x"),
    "a session of 65 characters": role(session="x" * 65),
    "a role name of 65 characters": role("x" * 65),
    "a role name with a star": role("c*"),
    "a role name with a space": role("c i"),
    "a role name in another script": role("\u0441i"),
    "a role name with a full-width letter": role("\uff43i"),
    "a role name with an invisible character": role("ci\u200b"),
    "a role name with a NUL": role("ci\0"),
    "a session with a slash": role(session="build/7"),
    "a session with a colon": role(session="build:7"),
    "a session with a digit of another script": role(session="build-\u0667"),
    "a session with a lone surrogate": role(session="build-\ud800"),
    "a line feed at the end": role(userArn=f"{ASSUMED}/ci/build-7\n"),
    "a space before the ARN": role(userArn=f" {ASSUMED}/ci/build-7"),
    "an ARN in capitals": role(userArn=f"{ASSUMED}/ci/build-7".upper()),
    "a partition that is none": role(userArn=f"arn:azure:sts::{ACCOUNT}:assumed-role/ci/build-7"),
    "an account in digits of another script": role(
        accountId="\u0661" * 12,
        userArn=f"arn:aws:sts::{chr(0x661) * 12}:assumed-role/ci/build-7",
    ),
    "an account of eleven digits": role(
        accountId=ACCOUNT[1:], userArn=f"arn:aws:sts::{ACCOUNT[1:]}:assumed-role/ci/build-7"
    ),
    "a user without a name": user(name=""),
    "a user whose path is not closed": user("/team", "*"),
    "a user whose path has a space": user("/te am/"),
}  # fmt: skip


@pytest.mark.parametrize("identity", REFUSED.values(), ids=REFUSED)
def test_F10_who_is_no_role_no_user_and_no_person_is_refused(identity: object) -> None:
    with pytest.raises(NotAcceptedError) as refused:
        principal_of(identity)
    assert "123456789012" not in str(refused.value)


def test_a_user_who_is_not_told_twice_is_told() -> None:
    assert principal_of(role(user=None)).subject == f"{ASSUMED}/ci"
