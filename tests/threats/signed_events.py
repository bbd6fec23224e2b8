"""Events of signed requests, as API Gateway hands them over."""

import json
from pathlib import Path
from typing import Any

from threats.gate import PROOF, Answer, Gate, Json, call_message, headers_for

EVENT: Json = json.loads((Path(__file__).parents[2] / "events" / "iam-caller.json").read_text())


def signer(arn: str = "", **changes: Any) -> Json:
    """The event's identity, as another caller's."""
    identity: Json = {**EVENT["requestContext"]["identity"], **changes}
    if arn:
        session = arn.rpartition("/")[2]
        identity |= {"userArn": arn, "caller": f"AROAEXAMPLEEXAMPLE01:{session}"}
        identity["user"] = identity["caller"]
    return identity


def event(
    tool: str = "list_brokers",
    arguments: Json | None = None,
    *,
    server: str = "amazon-mq",
    identity: Json | None = None,
    proof: object = PROOF,
    **changes: Any,
) -> Json:
    """One well-formed tools/call as API Gateway hands over a signed one."""
    message = call_message(tool, arguments)
    headers = {"Content-Type": "application/json", **headers_for(message)}
    context = {**EVENT["requestContext"], "identity": identity or signer()}
    return {
        **EVENT,
        "path": f"/iam/mcp/{server}",
        "pathParameters": {"server": server},
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "stageVariables": {"proof": proof},
        "requestContext": context,
        "body": json.dumps(message),
        **changes,
    }


def sent(gate: Gate, one: Json) -> Answer:
    response = gate.handler(one, None)
    return Answer(
        status=response["statusCode"],
        headers=response["multiValueHeaders"],
        body=response["body"].encode(),
    )
