"""The AWS credentials that the local front knows: one role's session, made anew each time."""

import secrets
from collections.abc import Mapping

from local_stack.apigateway_event import API_ID
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.sigv4 import SERVICE, Signer

_ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def local_signer() -> Signer:
    """A session of the role `local-agent`, whose policy opens every server."""
    resource = f"arn:aws:{SERVICE}:{REGION}:{ACCOUNT_ID}:{API_ID}/*/*/iam/mcp/*"
    return Signer(
        access_key=_id("ASIA"),
        secret_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(48),
        user_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/local-agent/local-session",
        user_id=f"{_id('AROA')}:local-session",
        statements=({"Effect": "Allow", "Action": f"{SERVICE}:Invoke", "Resource": resource},),
    )


def variables_of(signer: Signer) -> Mapping[str, str]:
    """A signer's credentials as the environment that AWS's tools read."""
    return {
        "AWS_ACCESS_KEY_ID": signer.access_key,
        "AWS_SECRET_ACCESS_KEY": signer.secret_key,
        "AWS_SESSION_TOKEN": signer.session_token or "",
    }


def _id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(16))
