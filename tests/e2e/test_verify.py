"""Everything that is promised holds of the local gateway: the suite that deployments are tried by.

Its own gateway, with the canary behind it; the guarantee that needs https is left out by name.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conformance.ready_process import ReadyLine
from conformance.stack import local_stack
from e2e.running_stack import REGION
from local_stack.intrinsics import STACK_NAME
from portcullis_cli.verifying.guarantees import GUARANTEES

LOG_GROUP = f"{STACK_NAME}-GatewayLogGroup"
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def ready() -> Iterator[ReadyLine]:
    with local_stack({}, PARAMETERS=json.dumps({"CanaryServer": "true"})) as found:
        yield found


def command(ready: ReadyLine, *words: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Run `portcullis` on the gateway's own account."""
    account = {"AWS_ENDPOINT_URL": ready["aws_endpoint_url"], "AWS_DEFAULT_REGION": REGION}
    deployed = {"PORTCULLIS_TABLE": ready["table"], "PORTCULLIS_BUCKET": ready["bucket"]}
    return subprocess.run(
        [sys.executable, "-m", "portcullis_cli", *words],
        env={**os.environ, **account, **deployed, "PORTCULLIS_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_every_guarantee_holds_of_the_local_gateway(ready: ReadyLine) -> None:
    url = ready["mcp_urls"]["canary"]
    before = command(ready, "verify", url)
    assert before.returncode == 2
    assert "use --install" in before.stderr
    words = ("--install", "--settle", "2", "--disruptive", "--log-group", LOG_GROUP, "--json")
    ran = command(ready, "verify", url, *words, "--without", "tls")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    tree = json.loads(ran.stdout)
    assert {one["id"] for one in tree["results"]} == {one.id for one in GUARANTEES} - {"tls"}
    assert all(one["state"] == "holds" and one["checks"] for one in tree["results"])
    kept = json.loads(command(ready, "grants", "list", "--json").stdout)["grants"]
    assert not [one for one in kept if one["name"].startswith("portcullis-verify")]


def test_the_doctor_finds_the_local_set_up_right_but_for_what_is_local(ready: ReadyLine) -> None:
    url = ready["mcp_urls"]["aws-iam"]
    ran = command(ready, "doctor", url, "--json", token=ready["agent_token"])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {one["id"]: one["verdict"] for one in json.loads(ran.stdout)["checks"]}
    stack = {"stack", "parameters", "operators"}
    assert {name for name, verdict in found.items() if verdict == "not given"} == stack
    assert {name for name, verdict in found.items() if verdict == "look at"} == {"grant"}
    wrong = command(ready, "doctor", url, "--json", token="pcl_nobody")
    assert wrong.returncode == 1


def test_another_server_is_no_witness(ready: ReadyLine) -> None:
    ran = command(ready, "verify", ready["mcp_urls"]["aws-iam"], "--bucket", "", "--json")
    assert ran.returncode == 6, ran.stdout + ran.stderr
    told = {one["state"] for one in json.loads(ran.stdout)["results"] if one["id"] != "no-token"}
    assert told == {"could not tell"}
