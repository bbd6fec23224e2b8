"""What `sam build` made: the built functions serve a call, and the layers hold what they must.

The layers are built for the functions' processor (arm64), so on other machines the built
code runs with this environment's packages; only a deployment shows the two together.
"""

import json
import sys
from pathlib import Path

import pytest

from conformance.ready_process import ReadyProcess
from conformance.stack import child_environment
from support.http_calls import post

BUILT = Path(__file__).parents[2] / ".aws-sam" / "build"
TEMPLATE = BUILT / "template.yaml"
GATEWAY_MEGABYTES = 15

pytestmark = pytest.mark.skipif(
    not TEMPLATE.exists(), reason="sam build was not run (`make build`; needs Python 3.13)"
)


def megabytes(*folders: str) -> float:
    files = (path for name in folders for path in (BUILT / name).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / (1 << 20)


def test_the_gateway_and_its_layer_are_small_and_bring_no_second_boto3() -> None:
    assert megabytes("GatewayFunction", "GatewayLayer") <= GATEWAY_MEGABYTES
    names = {path.name for path in (BUILT / "GatewayLayer" / "python").iterdir()}
    assert {"aws_lambda_powertools", "nacl", "re2"} <= {name.removesuffix(".py") for name in names}
    assert not {"boto3", "botocore", "mcp", "pydantic", "yaml"} & names


def test_the_console_s_layer_holds_what_its_pages_and_sign_ins_need_and_no_second_boto3() -> None:
    names = {path.name for path in (BUILT / "ConsoleLayer" / "python").iterdir()}
    assert {"aws_lambda_powertools", "cryptography", "jinja2", "jwt", "nacl", "re2"} <= names
    assert not {"boto3", "botocore", "mcp", "pydantic", "yaml"} & names


@pytest.mark.parametrize("layer", ["AmazonMqLayer", "AwsIamLayer"])
def test_a_host_s_layer_holds_its_server(layer: str) -> None:
    folder = BUILT / layer / "python" / "awslabs"
    assert any(folder.glob("*_mcp_server/server.py"))


@pytest.mark.parametrize("layer", ["GatewayLayer", "ConsoleLayer"])
def test_native_code_is_built_for_the_functions_processor(layer: str) -> None:
    natives = [path.name for path in (BUILT / layer).rglob("*.so")]
    assert natives
    assert all("aarch64" in name or "abi3" in name for name in natives), natives


def test_the_built_functions_serve_a_call() -> None:
    command = [sys.executable, "-m", "local_stack"]
    environment = child_environment(
        {"PORT": "0", "TEMPLATE": str(TEMPLATE), "PARAMETERS": '{"CanaryServer": "true"}'}
    )
    with ReadyProcess(command, env=environment, ready_within=100) as child:
        url, token = child.ready["mcp_urls"]["amazon-mq"], child.ready["agent_token"]
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        _, _, body = post(
            url,
            json.dumps(message).encode(),
            {
                "authorization": f"Bearer {token}",
                "content-type": "application/json",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": "2025-11-25",
            },
        )
        assert json.loads(body)["result"] == {}
        status, headers, _ = post(child.ready["console_url"], method="GET")
        assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")
        running = {
            (process / "cwd").resolve()
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and _runs_a_function(process)
        }
    assert set(BUILT.resolve().glob("*Function")) <= running


def _runs_a_function(process: Path) -> bool:
    try:
        return b"awslambdaric" in (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return False
