"""The vocabulary of registrations, and what to say about words that are not in it.

Constants, no behaviour; the reference page is written from them. A key absent from these
tables is a fault wherever it stands.
"""

import re
from collections.abc import Mapping
from typing import Final

# A server's name stands in its URL, in the keys of its objects and in those of its counters.
SERVER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

VERSION: Final = "1"
REMOVED: Final = "removed"
STATES: Final = ("active", REMOVED)
DEFAULT_HEADER: Final = "authorization"

TOP_KEYS: Final[Mapping[str, str]] = {
    "version": 'the text `"1"`; always there',
    "description": "a text for people",
    "state": "`active`, which it is without this key, or `removed`: every call is refused then",
    "lambda": "ARN of a function, or of one of its aliases or versions; the deployment permits it",
    "url": "`https` URL of a streamable-HTTP MCP server",
    "credential": "what a server at a `url` is told; without it, nothing",
    "timeout": "how long a call may take, like `20s`; at most the deployment's own bound, which "
    "it is without this key",
    "era": "`auto`, which it is without this key, `legacy` or `modern`",
}
CREDENTIAL_KEYS: Final[Mapping[str, str]] = {
    "secret": "ARN of the secret whose string is sent; the deployment permits it",
    "header": "the header it is sent in; `authorization` without this key",
    "scheme": "a word before the secret, like `Bearer`; without this key, none",
    "sigv4": "instead of a secret: calls are signed with the gateway's own role",
}
SIGV4_KEYS: Final[Mapping[str, str]] = {
    "service": "the service that is named in the signature",
    "region": "the region that is named in the signature",
}
ERAS: Final[Mapping[str, str]] = {
    "auto": "both: the gateway's own questions are asked in 2026-07-28 first, then with a "
    "handshake",
    "legacy": "only the revisions with a handshake; clients of 2026-07-28 are told to shake hands",
    "modern": "only 2026-07-28; a handshake is refused with -32022",
}
# A signature is good for the host and the service that it names. Each service is bound to its
# own hosts, so that no signature reaches an API of AWS itself; `execute-api` has custom domains.
SERVICES: Final[Mapping[str, str | None]] = {
    "execute-api": None,
    "lambda": "<id>.lambda-url.<region>.on.aws",
    "bedrock-agentcore": "<id>.bedrock-agentcore.<region>.amazonaws.com",
    "aws-mcp": "aws-mcp.<region>.api.aws",
}

TOP_HINTS: Final[Mapping[str, str]] = {
    "arn": "write `lambda:` and the function's ARN",
    "function": "write `lambda:` and the function's ARN",
    "endpoint": "did you mean `url`",
    "secret": "write `credential: {secret: ...}`",
    "header": "write `credential: {secret: ..., header: ...}`",
    "headers": "write `credential: {secret: ..., header: ...}`",
    "sigv4": "write `credential: {sigv4: {service: ..., region: ...}}`",
    "auth": "did you mean `credential`",
    "name": "remove it: the file's name is the server's name",
    "enabled": "write `state: removed`",
    "removed": "write `state: removed`",
    "protocol": "did you mean `era`",
    "policy": "policies have files of their own: incoming/policies/<server>.yaml",
    "tools": "policies have files of their own: incoming/policies/<server>.yaml",
}
CREDENTIAL_HINTS: Final[Mapping[str, str]] = {
    "arn": "did you mean `secret`",
    "secret_arn": "did you mean `secret`",
    "token": "no credential stands in this file: write the ARN of a secret",
    "value": "no credential stands in this file: write the ARN of a secret",
    "password": "no credential stands in this file: write the ARN of a secret",
    "bearer": "write `{secret: <arn>, scheme: Bearer}`",
    "name": "did you mean `header`",
    "type": "did you mean `scheme`",
    "prefix": "did you mean `scheme`",
    "iam": "did you mean `sigv4`",
}
SIGV4_HINTS: Final[Mapping[str, str]] = {"name": "did you mean `service`"}
STATE_HINTS: Final[Mapping[str, str]] = dict.fromkeys(
    ("deleted", "disabled", "inactive", "off", "absent"), "did you mean `removed`"
)
ERA_HINTS: Final[Mapping[str, str]] = {
    "2026_07_28": "did you mean `modern`",
    "2025_11_25": "did you mean `legacy`",
    "both": "did you mean `auto`",
    "stateless": "did you mean `modern`",
}
SERVICE_HINTS: Final[Mapping[str, str]] = {
    "apigateway": "did you mean `execute-api`",
    "api_gateway": "did you mean `execute-api`",
    "agentcore": "did you mean `bedrock-agentcore`",
    "lambda_url": "did you mean `lambda`",
}

# Names that no uploaded registration may take, besides those of the deployment's own servers:
# what records call the gateway itself, and a server that there is none of.
RESERVED: Final = frozenset(("portcullis", "unknown"))
