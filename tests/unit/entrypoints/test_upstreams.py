"""What calls of registered servers are sent with: region, time-out, a single try."""

from typing import Any, ClassVar, cast

import pytest
from botocore.session import Session

from portcullis.adapters.secrets import Secrets
from portcullis.entrypoints.permits import permits
from portcullis.entrypoints.settings import ExecutorSettings
from portcullis.entrypoints.upstreams import UpstreamWiring
from portcullis.errors import RegistrationUnavailableError
from portcullis.policy.model import Instant
from portcullis.protocol.versions import Era
from portcullis.registration.document import parse_registration
from portcullis.registration.model import Permits

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:mcp:live"
ANY = Permits(functions=frozenset({FUNCTION}), longest_seconds=100)


class Settings:
    """The settings that the wiring reads."""

    bucket = "b"
    servers: ClassVar = {"own": "own-function"}
    policy_refresh_seconds = 30
    policy_max_age_seconds = 3600
    allow_loopback_upstreams = False
    upstream_timeout_seconds = 25
    upstream_function_arns = (FUNCTION,)
    upstream_secret_arns = ("arn:secret",)
    upstream_access_policy = ""


class Aws:
    """A session that notes the clients it makes."""

    def __init__(self) -> None:
        self.made: list[tuple[str | None, int, int]] = []

    def create_client(self, _service: str, *, region_name: str | None, config: Any) -> object:
        attempts = config.retries["total_max_attempts"]
        self.made.append((region_name, config.read_timeout, attempts))
        return object()


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def wiring(aws: Aws) -> UpstreamWiring:
    secrets = Secrets(object, lambda: Instant(micros=0))
    return UpstreamWiring(cast("ExecutorSettings", Settings()), cast("Session", aws), secrets)


def register(wiring: UpstreamWiring, **entry: Any) -> Any:
    tree = {"version": "1", **entry}
    return wiring.registered("new", parse_registration(tree, server="new", permits=ANY))


def test_a_function_is_called_where_it_lives_and_for_as_long_as_it_may_take(
    wiring: UpstreamWiring, aws: Aws
) -> None:
    made = register(wiring, **{"lambda": FUNCTION, "timeout": 7, "era": "modern"})
    assert (made.timeout_seconds, made.eras) == (7.0, {Era.MODERN})
    register(wiring, **{"lambda": FUNCTION, "timeout": "7s"})
    register(wiring, **{"lambda": FUNCTION})
    assert aws.made == [("eu-central-1", 7, 1), ("eu-central-1", 25, 1)]


def test_no_server_is_waited_for_longer_than_the_deployment_waits(wiring: UpstreamWiring) -> None:
    assert register(wiring, url="https://mcp.example.com/", timeout=90).timeout_seconds == 25.0
    assert register(wiring, url="https://mcp.example.com/").timeout_seconds == 25.0


def test_the_deployments_own_servers_need_no_bucket(wiring: UpstreamWiring, aws: Aws) -> None:
    found = wiring.upstreams(object()).find("own", now=Instant(micros=0))
    assert found is not None
    assert (found.timeout_seconds, aws.made) == (25.0, [(None, 25, 1)])


def test_where_calls_go_makes_the_digest_and_how_long_they_may_take_does_not(
    wiring: UpstreamWiring,
) -> None:
    url = "https://mcp.example.com/"
    one = register(wiring, url=url)
    assert register(wiring, url=url, timeout=3, description="Ours.").digest == one.digest
    assert register(wiring, url=f"{url}x").digest != one.digest
    assert register(wiring, **{"lambda": FUNCTION}).digest != one.digest


def test_a_removed_server_is_sent_nothing(wiring: UpstreamWiring) -> None:
    with pytest.raises(RegistrationUnavailableError):
        register(wiring, state="removed")


def test_what_a_deployment_permits_stands_in_its_settings() -> None:
    assert permits(cast("ExecutorSettings", Settings())) == Permits(
        functions=frozenset({FUNCTION}),
        secrets=frozenset({"arn:secret"}),
        signs=False,
        allow_loopback=False,
        longest_seconds=25,
        reserved=frozenset({"own"}),
    )
