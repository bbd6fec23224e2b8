"""The public conformance suite: the fixture passes it, and the gateway changes what is listed."""

from collections.abc import Iterator

import pytest

from conformance.bearer_relay import bearer_relay
from conformance.compare import complaints_direct, complaints_gateway, load_expectations
from conformance.stack import EVERYTHING, everything_server, local_stack
from conformance.suite import REVISIONS, SuiteRun, is_installed, run_suite

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

each_revision = pytest.mark.parametrize("revision", REVISIONS)


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The everything server's URL."""
    if not is_installed():
        pytest.fail("tests/node is not installed; run `make setup`")
    with everything_server() as url:
        yield url


@pytest.fixture(scope="module")
def direct(upstream: str) -> dict[str, SuiteRun]:
    """The suite's findings without a gateway."""
    return {revision: run_suite(upstream, revision) for revision in REVISIONS}


@pytest.fixture(scope="module")
def through_gateway(upstream: str) -> Iterator[str]:
    """A URL that leads through a local gateway to the everything server, credential included."""
    with (
        local_stack({EVERYTHING: upstream}) as ready,
        bearer_relay(ready["mcp_urls"][EVERYTHING], ready["agent_token"]) as url,
    ):
        yield url


@each_revision
def test_the_fixture_passes_everything_a_revision_requires(
    direct: dict[str, SuiteRun], revision: str
) -> None:
    assert complaints_direct(direct[revision], load_expectations()[revision]) == []


@each_revision
def test_the_gateway_changes_nothing_but_what_is_listed(
    direct: dict[str, SuiteRun], through_gateway: str, revision: str
) -> None:
    found = run_suite(through_gateway, revision)
    assert complaints_gateway(direct[revision], found, load_expectations()[revision]) == []
