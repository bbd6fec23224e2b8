"""The emulator's process and the endpoint by which it reaches functions, for tests."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_stack.functions import Functions
from local_stack.intrinsics import ACCOUNT_ID, REGION
from local_stack.provision import Clients

SOURCE = Path(__file__).parents[2] / "src"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"
_EMPTY_ARCHIVE = b"PK\x05\x06" + b"\0" * 18


def function_arn(name: str) -> str:
    """The ARN under which the emulator knows a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


@contextmanager
def serving_functions(pools: Mapping[str, Any]) -> Iterator[str]:
    """Serve pools, or what answers like one, from a thread of their own; answer the URL."""
    served: list[str] = []
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        functions = Functions(pools, report=lambda _: None)
        await functions.start()
        served.append(functions.url)
        ready.set()
        await ended.wait()
        await functions.close()
        await asyncio.gather(*(pool.close() for pool in pools.values()))

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield served[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@contextmanager
def emulator_process(functions_url: str, *names: str) -> Iterator[Clients]:
    """An empty account in a process of its own, which knows functions by these names."""
    with subprocess.Popen(
        [sys.executable, "-m", "local_stack.emulator", "--functions", functions_url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            clients = Clients(f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}")
            clients["iam"].create_role(RoleName="any", AssumeRolePolicyDocument="{}")
            for name in names:
                clients["lambda"].create_function(
                    FunctionName=name,
                    Runtime="python3.13",
                    Handler="x.y",
                    Role=ROLE,
                    Code={"ZipFile": _EMPTY_ARCHIVE},
                )
            yield clients
        finally:
            process.terminate()
