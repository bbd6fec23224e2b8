"""The tables of methods and codes are complete and say what the protocol says."""

import pytest
from mcp_types import methods as sdk_methods
from mcp_types.jsonrpc import (
    HEADER_MISMATCH,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    UNSUPPORTED_PROTOCOL_VERSION,
    URL_ELICITATION_REQUIRED,
)

from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.methods import METHODS, NOTIFICATIONS, MethodKind, offered
from portcullis.protocol.versions import ALL_VERSIONS, LEGACY_VERSIONS, Era

NOT_OFFERED = {"subscriptions/listen"}  # a buffered reply cannot carry it

# ext-tasks, specification/draft/tasks: no part of the SDK's tables, and modern only.
OF_EXTENSIONS = {
    "tasks/get": {"taskId"},
    "tasks/update": {"taskId", "inputResponses"},
    "tasks/cancel": {"taskId"},
}


def era_of(version: str) -> Era:
    return Era.LEGACY if version in LEGACY_VERSIONS else Era.MODERN


def sdk_params(model: object) -> set[str]:
    """The keys of `params` a request model of the SDK has, by their names on the wire."""
    params = getattr(model, "model_fields")["params"].annotation  # noqa: B009 - untyped here
    candidates = getattr(params, "__args__", (params,))
    fields = [getattr(candidate, "model_fields", {}) for candidate in candidates]
    return {field.alias or name for group in fields for name, field in group.items()}


SERVED = [
    (name, version, model)
    for (name, version), model in sdk_methods.CLIENT_REQUESTS.items()
    if version in ALL_VERSIONS and name not in NOT_OFFERED
]


@pytest.mark.parametrize("name, version, model", SERVED)
def test_every_method_of_every_served_revision_has_a_row(
    name: str, version: str, model: object
) -> None:
    row = offered(name, era_of(version))
    assert row is not None
    assert row.allowed(era_of(version)) == sdk_params(model) - {"_meta", "task"}


def test_no_row_is_without_a_method_of_the_protocol() -> None:
    for name, row in METHODS.items():
        if name in OF_EXTENSIONS:
            continue
        for era in row.eras:
            assert any(name == known and era_of(version) is era for known, version, _ in SERVED)


@pytest.mark.parametrize("name", OF_EXTENSIONS)
def test_every_method_of_the_tasks_extension_has_a_modern_row(name: str) -> None:
    row = offered(name, Era.MODERN)
    assert row is not None
    assert row.kind is MethodKind.TASK
    assert row.allowed(Era.MODERN) == row.required == OF_EXTENSIONS[name]
    assert offered(name, Era.LEGACY) is None


def test_notifications_have_rows_for_all_a_client_can_send() -> None:
    sent = {name for name, version in sdk_methods.CLIENT_NOTIFICATIONS if version in ALL_VERSIONS}
    assert sent == set(NOTIFICATIONS)


def test_every_kind_has_a_row_and_every_row_is_consistent() -> None:
    assert {row.kind for row in METHODS.values()} == set(MethodKind)
    for row in METHODS.values():
        assert row.required <= row.params
        assert (row.list_key is not None) == (row.kind is MethodKind.LIST)
        if row.subject_key is not None:
            assert row.subject_key in row.required
            assert row.subject is not None


@pytest.mark.parametrize(
    "name",
    [
        *("tasks/list", "tasks/result", "subscriptions/listen"),
        *("Tools/Call", "notifications/initialized", ""),
    ],
)
def test_what_has_no_row_is_not_offered(name: str) -> None:
    assert offered(name, Era.LEGACY) is None
    assert offered(name, Era.MODERN) is None


MODERN_STATUS = {
    Code.PARSE_ERROR: 400,
    Code.INVALID_REQUEST: 400,
    Code.METHOD_NOT_FOUND: 404,
    Code.INVALID_PARAMS: 400,
    Code.INTERNAL_ERROR: 200,
    Code.RESOURCE_NOT_FOUND: 200,
    Code.URL_ELICITATION_REQUIRED: 200,
    Code.HEADER_MISMATCH: 400,
    Code.MISSING_CLIENT_CAPABILITY: 400,
    Code.UNSUPPORTED_VERSION: 400,
    Code.FORBIDDEN: 200,
}


def test_every_code_has_its_status() -> None:
    assert set(MODERN_STATUS) == set(Code)
    for code, status in MODERN_STATUS.items():
        assert status_for(code, Era.MODERN) == status
        assert status_for(code, Era.LEGACY) == 200  # A4.7


def test_an_error_code_of_an_upstream_travels_in_200() -> None:
    assert status_for(-32000, Era.MODERN) == 200


def test_codes_are_those_of_the_sdk() -> None:
    assert Code.HEADER_MISMATCH == HEADER_MISMATCH
    assert Code.METHOD_NOT_FOUND == METHOD_NOT_FOUND
    assert Code.MISSING_CLIENT_CAPABILITY == MISSING_REQUIRED_CLIENT_CAPABILITY
    assert Code.UNSUPPORTED_VERSION == UNSUPPORTED_PROTOCOL_VERSION
    assert Code.URL_ELICITATION_REQUIRED == URL_ELICITATION_REQUIRED


def test_A3_7_own_codes_lie_outside_the_reserved_range() -> None:
    assert not -32768 <= Code.FORBIDDEN <= -32000
