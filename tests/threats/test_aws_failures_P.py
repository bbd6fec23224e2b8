"""AWS fails (P): every operation the code can call has a test in which it fails; nothing opens.

What each failure leads to is shown beside the part it concerns, under the ids P01 to P18.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient

from support.aws_operations import SERVICES, SRC, calls_in
from threats.gate import Gate, standing_gate

TESTS = Path(__file__).parents[1]
TOOLS = [{"name": "get_info", "inputSchema": {"type": "object"}}]
LIMITED = """\
version: "1"
default: deny
tools:
  get_info: {action: allow, rate_limit: {max: 100, window: 60}}
"""

COUNTERS = "contract/test_counter_faults.py::test_P02_a_fault_before_the_effect_denies"
APPROVALS = "contract/test_approval_faults.py::test_P02_a_fault_before_the_effect_is_an_error"
GRANTS = "contract/test_grants.py::test_a_store_that_fails_is_an_error_and_never_an_answer"
KEPT_SESSIONS = "unit/cli/test_sessions.py::test_a_table_that_does_not_answer_is_told"
KEPT_GRANTS = "unit/cli/test_kept_grants.py::test_a_grant_whose_end_cannot_be_told_is_not_called"
ACTIVATION = (
    "contract/test_policies_in_s3.py::test_an_activation_that_meets_a_fault_fails_and_never_half"
)
SERVERS = (
    "contract/test_server_activation.py::test_an_activation_that_meets_a_fault_fails_and_never_half"
)
SNAPSHOTS = "contract/test_snapshots_in_s3.py::test_a_snapshot_that_cannot_be_kept_or_read"
MONITOR = "contract/test_monitor.py::test_what_cannot_be_told_is_a_failure_and_never_a_zero"
NOTICES = "contract/test_operator_notices.py::test_a_channel_that_fails_is_logged"
KEY = "contract/test_vault.py::test_P08_a_key_that_cannot_be_used_seals_and_opens_nothing"
HOST_TABLE = "unit/mcp_host/test_connection_store.py::test_a_table_that_does_not_answer_is_an_error"
HOST_KEY = "unit/mcp_host/test_connection_store.py::test_a_key_that_does_not_answer_is_an_error"

RECEIPTS = "unit/mcp_host/test_canary.py::test_without_a_receipt_nothing_is_answered_as_received"

# The module and the client's method; the test in which it fails, throttles and times out.
FAULT_CASES = {
    ("mcp_host/receipts.py", "get_item"): RECEIPTS,
    ("mcp_host/receipts.py", "update_item"): RECEIPTS,
    ("mcp_host/state_store.py", "decrypt"): HOST_KEY,
    ("mcp_host/state_store.py", "encrypt"): HOST_KEY,
    ("mcp_host/state_store.py", "get_item"): HOST_TABLE,
    ("mcp_host/state_store.py", "put_item"): HOST_TABLE,
    ("portcullis/adapters/bucket_objects.py", "get_object"): SERVERS,
    ("portcullis/adapters/bucket_objects.py", "put_object"): SERVERS,
    ("portcullis/adapters/dynamodb_calls.py", "batch_get_item"): APPROVALS,
    ("portcullis/adapters/dynamodb_calls.py", "get_item"): COUNTERS,
    ("portcullis/adapters/dynamodb_calls.py", "query"): APPROVALS,
    ("portcullis/adapters/dynamodb_calls.py", "transact_write_items"): COUNTERS,
    ("portcullis/adapters/dynamodb_calls.py", "update_item"): COUNTERS,
    ("portcullis/adapters/dynamodb_grants.py", "get_item"): GRANTS,
    ("portcullis/adapters/dynamodb_grants.py", "put_item"): GRANTS,
    ("portcullis/adapters/dynamodb_grants.py", "scan"): KEPT_GRANTS,
    ("portcullis/adapters/dynamodb_grants.py", "update_item"): KEPT_GRANTS,
    ("portcullis/adapters/function_calls.py", "invoke"): (
        "integration/test_registered_faults.py::test_a_function_that_cannot_be_asked_has_no_tools"
    ),
    ("portcullis/adapters/kept_sessions.py", "query"): KEPT_SESSIONS,
    ("portcullis/adapters/kept_sessions.py", "scan"): KEPT_SESSIONS,
    ("portcullis/adapters/kms_recorder.py", "decrypt"): (
        "contract/test_recordings.py::test_a_recording_is_not_opened_while_the_key_does_not_answer"
    ),
    ("portcullis/adapters/kms_recorder.py", "generate_data_key"): (
        "contract/test_recordings.py::test_R04_a_key_that_cannot_be_had_records_nothing"
    ),
    ("portcullis/adapters/kms_signature.py", "verify"): (
        "contract/test_policy_signature.py::test_a_key_that_does_not_answer_puts_nothing_in_force"
    ),
    ("portcullis/adapters/kms_vault.py", "decrypt"): KEY,
    ("portcullis/adapters/kms_vault.py", "generate_data_key"): KEY,
    ("portcullis/adapters/monitor.py", "get_object"): MONITOR,
    ("portcullis/adapters/monitor.py", "get_queue_attributes"): MONITOR,
    ("portcullis/adapters/monitor.py", "list_objects_v2"): MONITOR,
    ("portcullis/adapters/operator_notices.py", "publish"): NOTICES,
    ("portcullis/adapters/operator_notices.py", "put_events"): NOTICES,
    ("portcullis/adapters/s3_activation.py", "get_object"): ACTIVATION,
    ("portcullis/adapters/s3_activation.py", "head_object"): (
        "contract/test_activation_order.py::test_a_version_that_cannot_be_asked_for_changes_nothing"
    ),
    ("portcullis/adapters/s3_activation.py", "put_object"): ACTIVATION,
    ("portcullis/adapters/s3_kill_switch.py", "get_object"): (
        "contract/test_kill_switch_in_s3.py::test_P01_a_switch_that_was_never_read_stops"
    ),
    ("portcullis/adapters/s3_policies.py", "get_object"): (
        "contract/test_policies_in_s3.py::test_P01_reading_a_policy_that_fails_is_no_policy"
    ),
    ("portcullis/adapters/s3_registrations.py", "get_object"): (
        "contract/test_servers_in_s3.py::test_P01_where_the_bucket_does_not_answer_it_cannot_be"
    ),
    ("portcullis/adapters/s3_snapshots.py", "get_object"): SNAPSHOTS,
    ("portcullis/adapters/s3_snapshots.py", "put_object"): SNAPSHOTS,
    ("portcullis/adapters/secrets.py", "get_secret_value"): (
        "contract/test_secrets.py::test_P08_a_secret_that_cannot_be_read_is_no_secret"
    ),
    ("portcullis/adapters/stepfunctions_workflow.py", "send_task_success"): (
        "contract/test_workflow.py::test_P06_a_wake_that_fails_is_an_error"
    ),
    ("portcullis/adapters/stepfunctions_workflow.py", "start_execution"): (
        "contract/test_workflow.py::test_P05_a_start_that_fails_is_an_error_and_starts_nothing"
    ),
}
FAULTS = re.compile(r"FAULTS|FAILURES|ERRORS|errors_of|ReadTimeoutError")


@pytest.fixture(scope="module")
def standing() -> Iterator[Gate]:
    with standing_gate(TOOLS, {"p0": LIMITED}) as gate:
        yield gate


@pytest.fixture
def gate(standing: Gate) -> Gate:
    standing.clear()
    return standing


def test_P15_every_operation_that_the_code_can_call_has_a_fault_case() -> None:
    called = calls_in("portcullis", "mcp_host")
    assert called - FAULT_CASES.keys() == set(), "write a test in which it fails, and name it here"
    assert FAULT_CASES.keys() - called == set(), "nobody calls it any more"


@pytest.mark.parametrize("case", sorted(set(FAULT_CASES.values())))
def test_P15_a_fault_case_is_a_test_that_injects_faults(case: str) -> None:
    path, name = case.split("::")
    text = (TESTS / path).read_text("utf-8")
    assert re.search(rf"^def {name}\w*\(", text, re.MULTILINE), f"there is no such test: {case}"
    assert FAULTS.search(text)


def test_P15_no_client_is_made_of_a_service_that_is_not_looked_for() -> None:
    text = "".join(
        path.read_text("utf-8")
        for folder in ("portcullis", "mcp_host")
        for path in (SRC / folder).rglob("*.py")
    )
    made = re.findall(r'(?:\bcreate_client|\.client|_later|\bresource)\(\s*"([\w-]+)"', text)
    assert set(made) >= {"s3", "dynamodb", "kms", "lambda", "sns"}
    assert set(made) <= set(SERVICES)


def test_P07_nobody_asks_step_functions_how_far_a_request_is() -> None:
    """The table alone says it, so an execution that lags behind can tell nobody wrong."""
    asked = {name for path, name in calls_in("portcullis") if "stepfunctions" in path}
    assert asked == {"start_execution", "send_task_success"}


def test_P11_metrics_are_members_of_a_line_and_no_call_that_could_fail(gate: Gate) -> None:
    gate.handler = gate.cold_start()
    send, services = vars(BaseClient)["_make_api_call"], set[str]()

    def noting(client: BaseClient, name: str, parameters: Any) -> Any:
        services.add(client.meta.service_model.service_name)
        return send(client, name, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", noting):
        assert gate.call("p0", "get_info").is_success
        assert not gate.call("p0", "other").is_success
    assert services == {"dynamodb", "s3", "secretsmanager"}
    assert not {"cloudwatch", "logs"} & services


class NobodysError(BaseException):
    """An exception of a class that nothing in the code knows."""


@pytest.mark.parametrize(
    "error", [MemoryError, RecursionError, KeyboardInterrupt, NobodysError, SystemExit]
)
@pytest.mark.parametrize(
    "step",
    [
        "portcullis.gateway.enforce.decide",
        "portcullis.gateway.enforce.digest",
        "portcullis.adapters.dynamodb_counters.DynamoDBCounterStore.reserve",
    ],
)
def test_P14_whatever_is_raised_while_it_is_decided_sends_nothing(
    gate: Gate, error: type[BaseException], step: str
) -> None:
    with mock.patch(step, side_effect=error("canary")):
        try:
            answer = gate.call("p0", "get_info")
        except BaseException as raised:  # noqa: BLE001 - Lambda ends the environment; no answer is no leave
            assert type(raised) is error  # noqa: PT017 - one of two good outcomes
        else:
            assert answer.status == 500
            assert b"canary" not in answer.body
    assert gate.recorder.received == []
