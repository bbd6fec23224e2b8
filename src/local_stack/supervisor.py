"""Starts and stops the parts in order: port, emulator, resources, functions, front, policies.

Everything is ended by the id it was started with, in the reverse order.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_stack.approving import People
from local_stack.children import start_child, stop_child
from local_stack.environment_pool import EnvironmentPool
from local_stack.errors import InitError, LocalStackError
from local_stack.front import Front
from local_stack.functions import Functions
from local_stack.http_server import listen
from local_stack.intrinsics import REGION
from local_stack.local_settings import LocalSettings
from local_stack.log_delivery import CloudWatch, LogDelivery
from local_stack.people import named_groups
from local_stack.provision import CREDENTIALS, Clients, provision
from local_stack.runtime_api import Launch
from local_stack.secret_references import without_references
from local_stack.signers import local_signer, variables_of
from local_stack.template import Api, Template
from local_stack.uploads import upload_policies, upload_servers
from portcullis.adapters.dynamodb_grants import create_grant

SOURCE = Path(__file__).resolve().parents[1]
MAXIMUM_ENVIRONMENTS = 10  # of one function; Lambda's own limit is the account's
PATIENCE_SECONDS = 20.0  # of a call that finds them all busy; less than the API's time-out
GRANT_SECONDS = 7 * 24 * 3600
_EMULATOR_SECONDS = 30.0


def report(line: str) -> None:
    """Tell the person who started the stack."""
    sys.stderr.write(f"local stack: {line}\n")
    sys.stderr.flush()


class Supervisor:
    """The running stack. `start` answers what the ready line says; `stop` ends everything."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._signer = local_signer()
        self._cleanup = contextlib.AsyncExitStack()
        self._folder = ""

    async def start(self) -> dict[str, Any]:
        """Start every part.

        Raises:
            LocalStackError: a part did not start; `stop` must still be called.
        """
        settings = self._settings
        try:
            sock = listen(settings.host, settings.port)
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            raise LocalStackError(f"cannot listen on `{place}`: {error.strerror}") from error
        self._cleanup.callback(sock.close)
        # The functions' /tmp: killed environments cannot clean up after themselves.
        self._folder = self._cleanup.enter_context(_removed_at_the_end())
        host, port = _url_host(settings.host), sock.getsockname()[1]
        template = Template.load(
            settings.template, parameters=_parameters(settings, host=host, port=port)
        )
        pools: dict[str, EnvironmentPool] = {}
        functions = Functions(pools, report=report)
        await functions.start()
        self._cleanup.push_async_callback(functions.close)
        endpoint_url = await self._start_emulator(functions.url)
        clients = Clients(endpoint_url)
        await asyncio.to_thread(provision, template, clients)
        by_logical_id = self._make_pools(template, clients)
        pools.update((pool.function.name, pool) for pool in by_logical_id.values())
        await self._warm(by_logical_id.values())
        api = _without_references(template.api(), clients)
        front = Front(api, by_logical_id, signers=(self._signer,))
        await front.start(sock)
        self._cleanup.push_async_callback(front.close)
        return await self._open(template, clients, base_url=f"http://{host}:{port}")

    async def stop(self) -> None:
        """End every part, the last one first."""
        await self._cleanup.aclose()

    async def _start_emulator(self, functions_url: str) -> str:
        process = await start_child(
            [sys.executable, "-m", "local_stack.emulator", "--functions", functions_url],
            environment={**self._variables(), "NO_PROXY": "*"},
            directory=SOURCE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._cleanup.push_async_callback(stop_child, process)
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _EMULATOR_SECONDS)
            url = f"http://127.0.0.1:{json.loads(line)['port']}"
        except (TimeoutError, ValueError) as error:
            raise LocalStackError("the emulator did not start") from error
        watch = asyncio.create_task(_tell_the_end(process))
        self._cleanup.callback(watch.cancel)
        return url

    def _start_delivery(self, clients: Clients) -> LogDelivery:
        delivery = LogDelivery(CloudWatch(clients["logs"]).put, report=report)
        delivery.start()
        self._cleanup.push_async_callback(delivery.close)
        return delivery

    def _variables(self) -> dict[str, str]:
        return {
            **self._settings.inherited,
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONPATH": str(SOURCE),
            "TMPDIR": self._folder,
            "TZ": ":UTC",
        }

    def _make_pools(self, template: Template, clients: Clients) -> dict[str, EnvironmentPool]:
        logs = _on_stderr_and_to(self._start_delivery(clients))
        pools = {}
        for function in template.functions():
            code = template.code_of(function)
            launch = Launch(
                variables={
                    **self._variables(),
                    "AWS_ENDPOINT_URL": clients.endpoint_url,
                    "PYTHONPATH": str(code),
                },
                directory=code,
                logs=logs,
            )
            pool = EnvironmentPool(
                function,
                launch,
                maximum=MAXIMUM_ENVIRONMENTS,
                patience_seconds=PATIENCE_SECONDS,
                report=report,
            )
            self._cleanup.push_async_callback(pool.close)
            pools[function.logical_id] = pool
        return pools

    async def _warm(self, pools: Iterable[EnvironmentPool]) -> None:
        try:
            await asyncio.gather(*(pool.warm() for pool in pools))
        except InitError as error:
            raise LocalStackError(str(error)) from error

    async def _open(self, template: Template, clients: Clients, *, base_url: str) -> dict[str, Any]:
        """Mint the grants and activate the policies; answer the ready line."""
        bucket, table = (template.physical[name].ref for name in ("PolicyBucket", "StateTable"))
        await upload_servers(clients["s3"], bucket, self._settings.servers)
        servers = [*_servers(template), *self._settings.servers]
        groups = named_groups(self._settings.policies, servers, besides=_approvers(template))

        def agent(name: str) -> str:
            return _mint(clients, table, name=name, servers=servers)

        def person(name: str, role: str) -> str:
            return _mint(clients, table, name=name, role=role, person=name, groups=groups)

        approver, admin = person("local-approver", "approver"), person("local-admin", "admin")
        await upload_policies(
            clients["s3"],
            bucket,
            self._settings.policies,
            servers=servers,
            approve=People(f"{base_url}/approvals", (approver, admin)).approve,
            report=report,
        )
        return {
            "event": "ready",
            "mcp_urls": {server: f"{base_url}/mcp/{server}" for server in servers},
            "signed_mcp_urls": {server: f"{base_url}/iam/mcp/{server}" for server in servers},
            "aws_credentials": variables_of(self._signer),
            "console_url": f"{base_url}/approvals",
            "agent_token": agent("local-agent"),
            "second_agent_token": agent("second-local-agent"),
            "approver_token": approver,
            "admin_token": admin,
            "aws_endpoint_url": clients.endpoint_url,
            "bucket": bucket,
            "table": table,
        }


def _on_stderr_and_to(delivery: LogDelivery) -> Callable[[str, str, str], None]:
    def take(group: str, stream: str, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        delivery.take(group, stream, line)

    return take


def _without_references(api: Api, clients: Clients) -> Api:
    def read(arn: str) -> str:
        return str(clients["secretsmanager"].get_secret_value(SecretId=arn)["SecretString"])

    return replace(api, stage_variables=without_references(api.stage_variables, read))


async def _tell_the_end(process: asyncio.subprocess.Process) -> None:
    await process.wait()
    report("the emulated aws account has ended: every call is refused until you start again")


def _mint(clients: Clients, table: str, **grant: Any) -> str:
    return create_grant(
        clients["dynamodb"],
        table,
        now_seconds=int(time.time()),
        lifetime_seconds=GRANT_SECONDS,
        **grant,
    )


def _removed_at_the_end() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="portcullis-", ignore_cleanup_errors=True)


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _parameters(settings: LocalSettings, *, host: str, port: int) -> Mapping[str, str]:
    hosts = dict.fromkeys((f"{host}:{port}", f"127.0.0.1:{port}", f"localhost:{port}"))
    return {
        "AllowedHosts": ",".join(hosts),
        "AllowedOrigins": ",".join(f"http://{one}" for one in hosts),
        "AllowLoopbackUpstreams": "true",
        "PolicyRefreshSeconds": "1",
        "PublicUrl": f"http://{host}:{port}",
        # All of AWS is one process here, and the machine may be busy.
        "StoreTimeoutSeconds": "10",
        **settings.parameters,
    }


def _servers(template: Template) -> list[str]:
    """The servers that the deployment brings itself, read from its functions' settings."""
    return list(json.loads(_variable(template, "PORTCULLIS_SERVERS")))


def _approvers(template: Template) -> list[str]:
    """Who may approve policies, read from the activator's settings."""
    return [one.strip() for one in _variable(template, "PORTCULLIS_POLICY_APPROVERS").split(",")]


def _variable(template: Template, name: str) -> str:
    """The one value that every function with this variable has."""
    (text,) = {
        function.environment[name]
        for function in template.functions()
        if name in function.environment
    }
    return text
