"""The built functions as they run: by Lambda's runtime client, on what `sam build` made."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from local_stack.provision import CREDENTIALS
from support.deployment import ROOT
from support.engines import free_port

BUILT = ROOT / ".aws-sam" / "build"
TEMPLATE = BUILT / "template.yaml"
EVENTS = ROOT / "events"
_PACKAGES = (ROOT / ".tools" / "sam").glob("lib/python*/site-packages")
EMULATOR = next(
    (
        found
        for folder in _PACKAGES
        for found in folder.glob(f"samcli/local/rapid/aws-lambda-rie-{os.uname().machine}")
    ),
    None,
)
"""The runtime interface emulator, which the SAM CLI brings along; None where it has none for us."""


def event(name: str) -> dict[str, Any]:
    """A sample event."""
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return found


class Functions:
    """Invokes the functions of a local gateway that runs from the built template."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self._client = boto3.client(
            "lambda",
            endpoint_url=ready["aws_endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(proxies={}, read_timeout=60, retries={"total_max_attempts": 1}),
        )

    def invoke(self, function: str, event: Mapping[str, Any]) -> tuple[Any, str | None]:
        """Invoke a function by its alias: what it answered, and Lambda's FunctionError."""
        answer = self._client.invoke(
            FunctionName=running()[function]["AWS_LAMBDA_FUNCTION_NAME"],
            Qualifier="live",
            Payload=json.dumps(event),
        )
        return json.loads(answer["Payload"].read() or b"null"), answer.get("FunctionError")

    def with_token(self) -> dict[str, Any]:
        """The authorizer's sample event with a grant that stands."""
        return with_token(self.ready["agent_token"])

    def with_caller(self, name: str) -> dict[str, Any]:
        """A sample event of the gateway, with what the built authorizer says of its caller."""
        answer, error = self.invoke("AuthorizerFunction", self.with_token())
        assert error is None, answer
        return with_context(self.addressed(name), answer["context"])

    def addressed(self, name: str) -> dict[str, Any]:
        """A sample event to the host that the local gateway says it is."""
        request = event(name)
        if request["headers"]:
            host = urlsplit(self.ready["console_url"]).netloc
            request["headers"]["Host"] = host
            request["multiValueHeaders"]["Host"] = [host]
        return request


def with_token(token: str) -> dict[str, Any]:
    """The authorizer's sample event with this token."""
    request = event("authorizer-request")
    request["headers"]["Authorization"] = f"Bearer {token}"
    request["multiValueHeaders"]["Authorization"] = [f"Bearer {token}"]
    return request


def with_context(request: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """An event as API Gateway passes it on after the authorizer."""
    return {**request, "requestContext": {**request["requestContext"], "authorizer": context}}


def running() -> dict[str, dict[str, str]]:
    """Name of a built function's folder to the variables of a runtime client that runs in it."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            folder = (process / "cwd").resolve()
            if folder.parent == BUILT and b"awslambdaric" in (process / "cmdline").read_bytes():
                pairs = (process / "environ").read_text("utf-8").split("\0")
                found[folder.name] = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        except OSError:  # no process, not ours, or it ended meanwhile
            continue
    return found


@contextmanager
def emulated(handler: str, folder: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The URL of a function under the runtime interface emulator."""
    assert EMULATOR is not None
    port, api = free_port(), free_port()
    environment = {name: value for name, value in variables.items() if "RUNTIME_API" not in name}
    python = str(ROOT / ".venv" / "bin" / "python")
    process = subprocess.Popen(
        [
            *(str(EMULATOR), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
            *("--runtime-api-address", f"127.0.0.1:{api}"),
            *(python, "-m", "awslambdaric", handler),
        ],
        cwd=folder,
        env={**environment, "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def post_event(url: str, event: Mapping[str, Any]) -> Any:
    """Invoke what answers at a URL; the emulator may still be starting."""
    request = urllib.request.Request(url, data=json.dumps(event).encode())  # noqa: S310 - loopback
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return json.loads(answer.read())
