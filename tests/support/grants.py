"""Grants in a table, as somebody with the right to it makes them."""

import boto3

from portcullis.adapters.dynamodb_grants import create_grant
from support.command_line import NOW

DAY = 24 * 3600


def make_grant(table: str, *, name: str, days: int = 30, role: str = "agent") -> str:
    """Mint a grant; answer its token."""
    return create_grant(
        boto3.client("dynamodb"),
        table,
        name=name,
        servers=["aws-iam"] if role == "agent" else [],
        groups=[] if role == "agent" else ["platform"],
        role=role,
        now_seconds=NOW,
        lifetime_seconds=days * DAY,
    )
