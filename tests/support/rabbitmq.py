"""A private RabbitMQ node on loopback: own folders, own name server, own ports, TLS management.

Debian's package `rabbitmq-server` provides it; nothing of the machine's own service is used.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from support.certificates import ServerCertificate

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_SECONDS = 60.0
_ADMINISTRATOR = ("guest", "guest")  # RabbitMQ's own first user, usable from loopback only


def missing_reason() -> str | None:
    """Why no node can be started here; None where one can."""
    if not SERVER.is_file() or shutil.which("epmd") is None:
        return "RabbitMQ is not installed (Debian package rabbitmq-server)"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMqNode:
    """A running node."""

    management_port: int
    authority: Path

    def add_user(self, name: str, password: str, *, vhost: str) -> None:
        """Add a management user who sees and may change one vhost (made here) and no other."""
        self.administer("PUT", f"vhosts/{quote(vhost, safe='')}")
        self.administer("PUT", f"users/{name}", {"password": password, "tags": "management"})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.administer("PUT", f"permissions/{quote(vhost, safe='')}/{name}", everything)

    def add_queue(self, vhost: str, name: str) -> None:
        """Declare a queue."""
        path = f"queues/{quote(vhost, safe='')}/{name}"
        # A fresh vhost has no permission for the administrator.
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.administer("PUT", f"permissions/{quote(vhost, safe='')}/guest", everything)
        self.administer("PUT", path, {"durable": True})

    def queues(self, vhost: str) -> set[str]:
        """The names of a vhost's queues."""
        answer = json.loads(self.administer("GET", f"queues/{quote(vhost, safe='')}"))
        return {queue["name"] for queue in answer}

    def administer(self, method: str, path: str, body: object = None) -> bytes:
        """Make one management API call as the administrator."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.management_port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Basic {b64encode(':'.join(_ADMINISTRATOR).encode()).decode()}",
                "Content-Type": "application/json",
            },
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=str(self.authority))
            ),
        )
        with opener.open(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content


@contextmanager
def running_node(folder: Path, certificate: ServerCertificate) -> Iterator[RabbitMqNode]:
    """A node that runs until the block ends."""
    management_port, distribution_port, name_port = _free_ports(3)
    (folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="ascii")
    (folder / "rabbitmq.conf").write_text(
        _configuration(management_port, certificate), encoding="utf-8"
    )
    environment = _environment(folder, distribution_port=distribution_port, name_port=name_port)
    node = RabbitMqNode(management_port=management_port, authority=certificate.authority)
    with ExitStack() as stack:
        epmd = ["epmd", "-address", "127.0.0.1", "-port", str(name_port)]
        stack.enter_context(_child(epmd, environment, folder / "epmd.log"))
        server = stack.enter_context(_child([str(SERVER)], environment, folder / "server.log"))
        _wait_until_answering(node, server, folder / "server.log")
        yield node


def _configuration(management_port: int, certificate: ServerCertificate) -> str:
    return "\n".join(
        [
            "listeners.tcp = none",  # the hosted tools use the management API alone
            f"management.ssl.port = {management_port}",
            "management.ssl.ip = 127.0.0.1",
            f"management.ssl.cacertfile = {certificate.authority}",
            f"management.ssl.certfile = {certificate.certificate}",
            f"management.ssl.keyfile = {certificate.key}",
            "loopback_users.guest = true",
            "",
        ]
    )


def _environment(folder: Path, *, distribution_port: int, name_port: int) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"portcullis-{name_port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_SERVER_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(name_port),
    }


@contextmanager
def _child(
    command: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        # A session of its own: the server is a shell script with the node below it.
        child = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield child
        finally:
            # Nothing of it is kept, so it need not be stopped gently.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait_until_answering(node: RabbitMqNode, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            node.administer("GET", "overview")
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"RabbitMQ did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
