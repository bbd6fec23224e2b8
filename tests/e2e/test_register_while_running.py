"""A server that is registered, changed and removed while the gateway runs, and real clients."""

import json
import time
from typing import Any, Final

import httpx2
import pytest

from conformance.stack import EVERYTHING
from e2e.agents import AGENTS, Agent, Endpoint, PythonAgent
from e2e.running_stack import REFRESH_SECONDS, STATUS_SECONDS, RunningStack, until
from portcullis.adapters.dynamodb_grants import create_grant

POLICY: Final = 'version: "1"\ndefault: allow\n'
AUTO: Final = PythonAgent("python sdk, auto", "2026-07-28", "auto")


class Registrar:
    """Registers the everything server once more, under another name."""

    def __init__(self, stack: RunningStack, name: str) -> None:
        self.stack, self.name = stack, name
        self._s3, self._bucket = stack.aws("s3"), stack.ready["bucket"]
        active = self._read(f"active/servers/{EVERYTHING}.json")
        assert active is not None
        self.url = str(active["document"]["url"])
        stack.put_in_force(name, POLICY)
        token = create_grant(
            stack.aws("dynamodb"),
            stack.ready["table"],
            name=f"agent of {name}",
            servers=[name],
            now_seconds=int(time.time()),
            lifetime_seconds=600,
        )
        url = stack.endpoint(EVERYTHING).url.replace(f"/{EVERYTHING}", f"/{name}")
        self.endpoint = Endpoint(url, token)

    def register(self, **entry: Any) -> dict[str, Any]:
        """Upload, wait for the activator, and until every environment must know it."""
        body = json.dumps({"version": "1", **entry}).encode()
        key = f"incoming/servers/{self.name}.yaml"
        version = self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)["VersionId"]

        def told() -> dict[str, Any] | None:
            status = self._read(f"status/servers/{self.name}.json")
            return status if status and status["source_version"] == version else None

        status = until(told, within=STATUS_SECONDS, what=f"a status for `{self.name}`")
        time.sleep(REFRESH_SECONDS)
        return status

    def ping(self) -> int:
        """The HTTP status of a plain handshake."""
        params = {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }  # fmt: skip
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        accept = {"Accept": "application/json, text/event-stream"}
        headers = {**self.endpoint.headers, **accept}
        return httpx2.post(self.endpoint.url, headers=headers, json=message, timeout=30).status_code

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        read: dict[str, Any] = json.loads(body)
        return read


def test_a_server_is_served_from_its_registration_to_its_removal(stack: RunningStack) -> None:
    registrar = Registrar(stack, "latecomer")
    assert registrar.ping() == 404
    assert registrar.register(url=registrar.url)["state"] == "active"
    assert registrar.ping() == 200
    assert AUTO.run(registrar.endpoint, []).tools
    rejected = registrar.register(url="http://169.254.169.254/")
    assert (rejected["state"], rejected["faults"][0]["path"]) == ("rejected", "url")
    assert registrar.ping() == 200
    assert registrar.register(state="removed")["state"] == "removed"
    assert registrar.ping() == 404
    assert registrar.register(url=registrar.url)["state"] == "active"
    assert registrar.ping() == 200


@pytest.mark.node
@pytest.mark.usefixtures("node_packages")
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_a_client_of_either_era_speaks_to_a_server_of_the_handshake_revisions(
    agent: Agent, stack: RunningStack
) -> None:
    registrar = Registrar(stack, "old")
    registrar.register(url=registrar.url, era="legacy")
    session = agent.run(registrar.endpoint, [])
    assert session.tools
    assert session.protocol in {"2025-11-25", None}


def test_a_client_that_knows_both_speaks_to_a_modern_server(stack: RunningStack) -> None:
    registrar = Registrar(stack, "modern")
    registrar.register(url=registrar.url, era="modern")
    assert AUTO.run(registrar.endpoint, []).protocol == "2026-07-28"
    assert registrar.ping() == 400
