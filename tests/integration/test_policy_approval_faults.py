"""Every AWS call that asking for a policy's approval makes, failing: nothing comes in force, and
the notice that is delivered again asks once."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient

from local_stack.runtime_api import Outcome
from portcullis.errors import UnavailableError
from support.aws_faults import FAULTS
from support.policy_world import BUCKET, PolicyWorld, a_policy_world

NEW = 'version: "1"\ndefault: deny\ntools:\n  create_broker: {action: allow}\n'
_call: Any = vars(BaseClient)["_make_api_call"]


@pytest.fixture(scope="module")
def world() -> Iterator[PolicyWorld]:
    with a_policy_world() as (made, _):
        # The test delivers the notices itself, one at a time.
        made.activator.instead = lambda _: Outcome(payload=b"{}")
        yield made


def notice(server: str) -> dict[str, Any]:
    key = f"incoming/policies/{server}.yaml"
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    return {"detail-type": "Object Created", "source": "aws.s3", "detail": detail}


def failing(operation: str, error: Exception, *, after: int = 0) -> Any:
    """Make an operation fail, once it was called so often, in every client of this process."""
    calls = []

    def call(client: BaseClient, name: str, parameters: Any) -> Any:
        if name == operation:
            calls.append(name)
            if len(calls) > after:
                raise error
        return _call(client, name, parameters)

    return mock.patch.object(BaseClient, "_make_api_call", call)


ASKING = {
    "finding the request": ("GetItem", 0),
    "listing the open ones": ("GetItem", 1),
    "sealing the file": ("GenerateDataKey", 0),
    "storing the request": ("TransactWriteItems", 0),
    "starting the workflow": ("StartExecution", 0),
    "noting that it was started": ("UpdateItem", 0),
    "writing the status": ("PutObject", 0),
}


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize(("operation", "after"), ASKING.values(), ids=ASKING)
def test_P02_a_call_that_fails_puts_nothing_in_force_and_asks_once(
    world: PolicyWorld, operation: str, after: int, error: Exception
) -> None:
    server = world.server()
    world.upload(server, NEW)
    with failing(operation, error, after=after), pytest.raises(UnavailableError):
        world.activator.handler(notice(server), None)
    assert world.revision(server) is None
    told = world.activator.handler(notice(server), None)
    assert told["state"] == "waiting"
    assert world.activator.handler(notice(server), None)["waiting"] == told["waiting"]
    (record,) = [one for one in world.store.listed(is_open=True, limit=100) if one.scope == server]
    assert record.id == told["waiting"]["approval"]


@pytest.mark.parametrize("error", FAULTS)
def test_P02_an_end_that_cannot_be_looked_up_is_delivered_again(
    world: PolicyWorld, error: Exception
) -> None:
    server = world.server()
    world.upload(server, NEW)
    told = world.activator.handler(notice(server), None)
    ended = {"detail-type": "Approval Ended", "detail": {"id": told["waiting"]["approval"]}}
    with failing("GetItem", error), pytest.raises(UnavailableError):
        world.activator.handler(ended, None)
    assert world.activator.handler(ended, None)["state"] == "waiting"


@pytest.mark.parametrize("error", FAULTS)
def test_P02_a_claimed_request_that_cannot_be_read_puts_nothing_in_force(
    world: PolicyWorld, error: Exception
) -> None:
    server = world.server()
    world.upload(server, NEW)
    told = world.activator.handler(notice(server), None)
    event = {"approval": told["waiting"]["approval"], "server": server}
    with failing("GetItem", error), pytest.raises(UnavailableError):
        world.activator.handler(event, None)
    assert world.revision(server) is None


@pytest.mark.parametrize("error", FAULTS)
def test_P02_an_older_request_that_cannot_be_closed_is_closed_by_the_next_notice(
    world: PolicyWorld, error: Exception
) -> None:
    server = world.server()
    world.upload(server, NEW)
    older = world.activator.handler(notice(server), None)["waiting"]["approval"]
    world.upload(server, NEW + "# newer\n")
    # The first update marks the newer request as started, the second closes the older one.
    with failing("UpdateItem", error, after=1), pytest.raises(UnavailableError):
        world.activator.handler(notice(server), None)
    world.activator.handler(notice(server), None)
    assert world.record(older).state.value == "CANCELLED"
