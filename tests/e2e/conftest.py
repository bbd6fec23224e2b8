"""One local gateway for all end-to-end tests, in its own processes."""

from collections.abc import Iterator

import pytest

from conformance.stack import EVERYTHING, everything_server, local_stack
from conformance.suite import is_installed
from e2e.running_stack import RunningStack


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The gateway before the hosted servers and the everything server.

    Tests change its policies; a test that needs one puts it in force itself.
    """
    with everything_server() as upstream, local_stack({EVERYTHING: upstream}) as ready:
        yield RunningStack(ready)


@pytest.fixture(scope="session")
def node_packages() -> None:
    """Fail early, with what to do, where the Node packages are missing."""
    if not is_installed():
        pytest.fail("tests/node is not installed; run `make setup`")
