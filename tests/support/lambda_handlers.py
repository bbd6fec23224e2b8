"""Handlers that the local runtime runs in its tests."""

import os
import sys
import time
from pathlib import Path
from typing import Any


def echo(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Tell who ran, with what."""
    return {
        "event": event,
        "pid": os.getpid(),
        "function": context.function_name,
        "milliseconds_left": context.get_remaining_time_in_millis(),
        "variable": os.environ.get("SOME_VARIABLE"),
        "endpoint": os.environ.get("AWS_ENDPOINT_URL"),
    }


def meet(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Wait until as many calls as asked for are here at the same time."""
    folder = Path(event["folder"])
    (folder / event["name"]).touch()
    deadline = time.monotonic() + 20
    while len(list(folder.iterdir())) < event["party"]:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return {"pid": os.getpid()}


def misbehave(event: dict[str, Any], _context: object) -> object:
    """End in the way the event asks for."""
    match event["do"]:
        case "raise":
            raise ValueError("no")
        case "exit":
            os._exit(7)
        case "hang":
            time.sleep(60)
        case "flood":
            return "x" * (6 * 1024 * 1024 + 1000)
        case _:
            return {"pid": os.getpid()}
    return None


def proxy(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an API Gateway event with the answer it carries in its body."""
    match event["path"].rsplit("/", 1)[1]:
        case "event":
            return {"statusCode": 200, "body": _dump(event)}
        case "hang":
            time.sleep(60)
        case "raise":
            raise ValueError("no")
        case "nonsense":
            return {"status": 200}
        case "page":
            return {
                "statusCode": 303,
                "headers": {"Content-Type": "text/html; charset=utf-8", "Location": "/approvals"},
                "multiValueHeaders": {"Set-Cookie": ["a=1; HttpOnly", "b=2; Path=/"]},
                "body": "<p>\u00e9</p>",
            }
        case _:
            pass
    return {
        "statusCode": 201,
        "headers": {"X-One": "1"},
        "multiValueHeaders": {"X-Many": ["a", "b"], "WWW-Authenticate": ["Bearer"]},
        "body": "created",
    }


def authorizer(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Decide by the credential's word."""
    word = next(
        value for name, value in event["headers"].items() if name.lower() == "authorization"
    )
    if word == "unknown":
        raise PermissionError("Unauthorized")
    if word == "broken":
        raise ValueError("no")
    if word == "nonsense":
        return {"principalId": "p"}
    effect = "Deny" if word == "denied" else "Allow"
    path = "other" if word == "elsewhere" else "*"
    base = event["methodArn"].split("/", 2)
    return {
        "principalId": "p",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": effect,
                    "Resource": f"{base[0]}/{base[1]}/*/mcp/{path}",
                }
            ],
        },
        "context": {"text": "t", "number": 7, "flag": True},
    }


def _dump(tree: object) -> str:
    import json  # noqa: PLC0415 - kept out of the other handlers' cold start

    return json.dumps(tree)


def say(event: dict[str, Any], _context: object) -> str:
    """Write to stdout, and end as the event asks for."""
    sys.stdout.write(f"{event['text']}\n")
    sys.stdout.flush()
    if event.get("then") == "exit":
        os._exit(7)
    return os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
