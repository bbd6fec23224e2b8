"""Uploads of registrations to an emulated bucket, and what became of them."""

import json
from collections.abc import Mapping
from typing import Any

from moto.s3.models import s3_backends

from portcullis.adapters.server_activation import ServerActivation, incoming_server_key
from portcullis.registration.model import Permits

BUCKET = "policies"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mcp-AbCdEf"
PERMITS = Permits(secrets=frozenset({SECRET}), reserved=frozenset({"own"}))
GOOD = 'version: "1"\nurl: https://a.example.com/\n'
OTHER = 'version: "1"\nurl: https://b.example.com/\n'
REMOVED = 'version: "1"\nstate: removed\n'
BAD = 'version: "1"\nurl: http://a.example.com/\nera: old\n'


def empty(s3: Any) -> None:
    """Leave one versioned bucket, and nothing in it."""
    for account in s3_backends.values():
        for backend in account.values():
            backend.reset()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def put(s3: Any, text: str, server: str = "new") -> str:
    stored = s3.put_object(Bucket=BUCKET, Key=incoming_server_key(server), Body=text.encode())
    return str(stored["VersionId"])


def activate(s3: Any, server: str = "new", permits: Permits = PERMITS) -> dict[str, Any]:
    activation = ServerActivation(s3, BUCKET, permits=permits)
    return activation.activate(server, now_seconds=1_795_443_000)


def upload(s3: Any, text: str, server: str = "new") -> dict[str, Any]:
    put(s3, text, server)
    return activate(s3, server)


def stored(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def dump(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree).encode()
