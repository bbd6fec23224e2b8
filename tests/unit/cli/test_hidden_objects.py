"""S3 answers 403 for what may not be read and, to who may not list, for what is not there."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from portcullis.adapters.kill_switch_object import KEY
from portcullis_cli.errors import CommandError
from portcullis_cli.policy.deployment import find_object
from support.aws_faults import Failing, fault
from support.deployed_servers import BUCKET, Deployed


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    with mock_aws():
        found = Deployed()
        refusing = Failing(found.s3, "get_object", fault("AccessDenied"))
        found.terminal.s3 = lambda: refusing
        yield found


def why(client: Any) -> str:
    with pytest.raises(CommandError) as caught:
        find_object(client, BUCKET, KEY)
    return str(caught.value)


def test_who_may_list_is_told_which_of_the_two_it_is(deployed: Deployed) -> None:
    assert find_object(deployed.terminal.s3(), BUCKET, KEY) is None
    deployed.put(KEY, '{"stopped": true}')
    assert why(deployed.terminal.s3()) == f"{KEY} is there, and you may not read it"


def test_who_may_not_list_is_told_that_it_may_be_either(deployed: Deployed) -> None:
    listless = Failing(deployed.terminal.s3(), "list_objects_v2", fault("AccessDenied"))
    assert why(listless).startswith(f"{KEY} is not there, or you may not read it: ")


def test_a_list_that_does_not_answer_is_the_reason_itself(deployed: Deployed) -> None:
    slow = Failing(deployed.terminal.s3(), "list_objects_v2", fault("SlowDown"))
    assert why(slow) == "AWS cannot be called: SlowDown"


def test_status_does_not_take_a_switch_that_nobody_touched_for_a_forbidden_one(
    deployed: Deployed,
) -> None:
    ran = deployed.terminal.run("status", "--table", "none", "--json")
    (said,) = [one for one in ran.tree["checks"] if one["check"] == "kill switch"]
    assert (said["state"], said["says"]) == ("ok", "nothing is stopped")
