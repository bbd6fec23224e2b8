"""The built functions, run by Lambda's own runtime client with the sample events.

The code is the built one and no other: its folder is the only one of ours on the path. The
layers are for arm64, so on another machine their native code is not what runs here: this
environment's packages stand in.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.ready_process import ReadyProcess
from conformance.stack import child_environment
from e2e.built_functions import (
    BUILT,
    EMULATOR,
    EVENTS,
    TEMPLATE,
    Functions,
    emulated,
    event,
    post_event,
    running,
    with_token,
)
from support.deployment import FUNCTIONS, ROOT

PYTHON = ROOT / ".tools" / "uv" / "bin" / "python3.13"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not TEMPLATE.exists(), reason="sam build was not run (`make build`; needs Python 3.13)"
    ),
]
Outcome = tuple[Any, str | None]


@pytest.fixture(scope="module")
def functions() -> Iterator[Functions]:
    environment = child_environment(
        {"PORT": "0", "TEMPLATE": str(TEMPLATE), "PARAMETERS": '{"CanaryServer": "true"}'}
    )
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "local_stack"]
    with ReadyProcess(command, env=environment, ready_within=150) as child:
        yield Functions(child.ready)


def answered(outcome: Outcome, status: int) -> Any:
    payload, error = outcome
    assert error is None, payload
    assert payload["statusCode"] == status, payload
    return payload


def is_refused_as_unknown(functions: Functions) -> None:
    payload, error = functions.invoke("AuthorizerFunction", event("authorizer-request"))
    assert (error, payload["errorMessage"]) == ("Unhandled", "Unauthorized")


def opens_a_session(name: str) -> Callable[[Functions], None]:
    def check(functions: Functions) -> None:
        outcome = functions.invoke("GatewayFunction", functions.with_caller(name))
        headers = answered(outcome, 200)["multiValueHeaders"]
        assert headers["mcp-session-id"][0].startswith("v1.")

    return check


def is_decided_and_answered_by_the_server(functions: Functions) -> None:
    request = functions.with_caller("tools-call-2026-07-28")
    reply = answered(functions.invoke("GatewayFunction", request), 200)
    result = json.loads(reply["body"])["result"]
    assert result.get("isError", False) is False, result


def is_refused(functions: Functions) -> None:
    outcome = functions.invoke("GatewayFunction", functions.with_caller("null-headers"))
    assert 400 <= outcome[0]["statusCode"] < 500


def is_refused_where_nobody_signs(functions: Functions) -> None:
    outcome = functions.invoke("GatewayFunction", functions.addressed("iam-caller"))
    assert outcome[1] is None, outcome
    assert 400 <= outcome[0]["statusCode"] < 500, outcome  # `Identity` is `grants`


def is_put_in_force(functions: Functions) -> None:
    payload, error = functions.invoke("ActivatorFunction", event("policy-uploaded"))
    assert error is None, payload
    assert payload["state"] == "active", payload


def is_not_executed(functions: Functions) -> None:
    payload, error = functions.invoke("ExecutorFunction", event("approval-execute"))
    assert error is not None or payload == {"seconds": 0}, payload


def asks_to_sign_in(functions: Functions) -> None:
    page = answered(functions.invoke("ConsoleFunction", functions.addressed("approvals-page")), 401)
    assert page["multiValueHeaders"]["content-type"] == ["text/html; charset=utf-8"]


def lists_its_tools(functions: Functions) -> None:
    for host, tool in (
        ("AmazonMqHostFunction", "list_brokers"),
        ("AwsIamHostFunction", "list_users"),
        ("CanaryFunction", "canary_receipts"),
    ):
        payload, error = functions.invoke(host, event("hosted-server-call"))
        assert (error, payload["status"]) == (None, 200), payload
        assert f'"name":"{tool}"' in payload["body"].replace('": "', '":"')


def looks_once(functions: Functions) -> None:
    assert functions.invoke("MonitorFunction", event("monitor-schedule")) == (None, None)


OUTCOMES: dict[str, Callable[[Functions], None]] = {
    "approval-execute": is_not_executed,
    "approvals-page": asks_to_sign_in,
    "authorizer-request": is_refused_as_unknown,
    "hosted-server-call": lists_its_tools,
    "iam-caller": is_refused_where_nobody_signs,
    "initialize-2025-11-25": opens_a_session("initialize-2025-11-25"),
    "initialize-base64": opens_a_session("initialize-base64"),
    "monitor-schedule": looks_once,
    "null-headers": is_refused,
    "policy-uploaded": is_put_in_force,
    "tools-call-2026-07-28": is_decided_and_answered_by_the_server,
}


def test_every_sample_event_has_an_outcome() -> None:
    assert set(OUTCOMES) == {path.stem for path in EVENTS.glob("*.json")}


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_a_sample_event_comes_to_what_it_shows(functions: Functions, name: str) -> None:
    OUTCOMES[name](functions)


@pytest.mark.usefixtures("functions")
def test_every_function_started_from_its_own_build_and_nothing_else_of_ours() -> None:
    found = running()
    assert set(found) == set(FUNCTIONS)
    for name, variables in found.items():
        assert variables["PYTHONPATH"] == str(BUILT / name)
        assert variables["LAMBDA_TASK_ROOT"] == str(BUILT / name)


HELD = """
import sys
from importlib import import_module
import_module(sys.argv[1])
own = {"portcullis", "portcullis_cli", "mcp_host", "local_stack"}
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] in own:
        print(module.__file__, module.__cached__)
"""


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.usefixtures("functions")
def test_a_handler_is_imported_from_the_build_with_its_bytecode(name: str) -> None:
    module = FUNCTIONS[name]["Properties"]["Handler"].rpartition(".")[0]
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "python"), "-c", HELD, module],
        cwd=BUILT / name,
        env={**running()[name], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pairs = [line.split(" ") for line in done.stdout.splitlines()]
    assert pairs
    for file, _ in pairs:
        assert Path(file).is_relative_to(BUILT / name)
        compiled = Path(file).parent / "__pycache__" / f"{Path(file).stem}.cpython-313.pyc"
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"  # PEP 552: by hash, not checked


@pytest.mark.skipif(
    EMULATOR is None, reason="no runtime interface emulator for this machine in the SAM CLI"
)
@pytest.mark.parametrize("name", ["AuthorizerFunction", "GatewayFunction"])
def test_the_runtime_interface_emulator_runs_it_alike(functions: Functions, name: str) -> None:
    handler = FUNCTIONS[name]["Properties"]["Handler"]
    request = with_token(functions.ready["agent_token"])
    if name == "GatewayFunction":
        request = functions.with_caller("tools-call-2026-07-28")
    with emulated(handler, BUILT / name, running()[name]) as url:
        answer = _when_started(url, request)
    if name == "GatewayFunction":
        assert answer["statusCode"] == 200, answer
    else:
        assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def _when_started(url: str, request: dict[str, Any]) -> Any:
    deadline = time.monotonic() + 60
    while True:
        try:
            return post_event(url, request)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.skipif(not PYTHON.exists(), reason="the functions' Python is not here")
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("src", "ConsoleFunction"),
        ("src", "GatewayFunction"),
        ("src", "AwsIamHostFunction"),
        ("layers/gateway", "GatewayLayer"),
    ],
)
def test_what_is_built_again_is_the_same(folder: str, name: str, tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "--makefile", str(ROOT / folder / "Makefile"), f"build-{name}"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
            "ARTIFACTS_DIR": str(tmp_path / "out"),
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built, again = contents(BUILT / name), contents(tmp_path / "out")
    assert built == again
    assert not [path for path in again if re.search(r"/tests?/|\.pyi$", path)]
