"""Settings to what a deployment permits of the registrations that are uploaded to it."""

from portcullis.entrypoints.settings import ActivatorSettings, ExecutorSettings, GatewaySettings
from portcullis.registration.model import Permits


def permits(settings: GatewaySettings | ExecutorSettings | ActivatorSettings) -> Permits:
    """What the deployment permits of registrations."""
    return Permits(
        functions=frozenset(settings.upstream_function_arns),
        secrets=frozenset(settings.upstream_secret_arns),
        signs=bool(settings.upstream_access_policy),
        allow_loopback=settings.allow_loopback_upstreams,
        longest_seconds=settings.upstream_timeout_seconds,
        reserved=frozenset(settings.servers),
    )
