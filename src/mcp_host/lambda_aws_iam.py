"""Lambda handler of the IAM host; built at init, where Lambda gives the most CPU."""

import os

from mcp_host.build_aws_iam import build_aws_iam_host
from mcp_host.settings import read_iam_settings

HOST = build_aws_iam_host(read_iam_settings(os.environ), os.environ)


def handler(event: object, context: object) -> dict[str, object]:
    """Answer one call of the gateway; `mcp_host.exchange` has the shapes."""
    return HOST.answer(event, context)
