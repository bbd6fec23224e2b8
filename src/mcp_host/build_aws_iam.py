"""Builds the host of `awslabs.iam-mcp-server`, once for each environment.

Whether a write happens is the gateway's decision, so the server runs with writes enabled
unless the deployment says otherwise. The `confirmed` argument of its writing tools stays
what it is: a value the agent sets itself, which approves nothing.
"""

from collections.abc import MutableMapping

import boto3

from mcp_host.asgi_host import AsgiHost
from mcp_host.awslabs_server import configure, lowlevel
from mcp_host.credentials import DefaultProfile
from mcp_host.host import Host
from mcp_host.sdk_logs import restrict_sdk_logs, root_logger_kept
from mcp_host.settings import IamSettings


def build_aws_iam_host(settings: IamSettings, environment: MutableMapping[str, str]) -> Host:
    """Build and start the host. The package allows one in a process.

    Args:
        settings: what the deployment chose.
        environment: the process environment; the AWS profile is installed in it.
    """
    profile = DefaultProfile(environment)
    profile.install()
    # Imported late: only this host's dependencies hold the package and its logger.
    with root_logger_kept():
        import loguru  # noqa: PLC0415
        from awslabs.iam_mcp_server import server as package  # noqa: PLC0415

    loguru.logger.remove()  # it logs arguments and the text of errors
    server = configure(package, [] if settings.read_only else ["--allow-write"])
    restrict_sdk_logs()
    asgi_host = AsgiHost(lowlevel(server))
    asgi_host.start()
    # The package makes a client for each call from boto3's one default session.
    return Host(asgi_host, profile, forget_clients=boto3.setup_default_session)
