"""What of the SDK's log reaches the log of a host."""

import logging
from collections.abc import Iterator

import pytest

from mcp_host.sdk_logs import restrict_sdk_logs, root_logger_kept


@pytest.fixture(autouse=True)
def sdk_logger_as_before() -> Iterator[None]:
    logger = logging.getLogger("mcp")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate


def test_an_exception_is_logged_by_its_classes_alone(capsys: pytest.CaptureFixture[str]) -> None:
    restrict_sdk_logs()
    error = ValueError("password 1234")
    error.__cause__ = KeyError("password 1234")
    logging.getLogger("mcp.server").error("tool raised", exc_info=error)

    assert capsys.readouterr().err == "ERROR mcp.server tool raised\nValueError from KeyError\n"


def test_what_is_below_a_warning_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    restrict_sdk_logs()
    logging.getLogger("mcp.server").info("tool failed: password 1234")

    assert capsys.readouterr().err == ""


def test_the_root_logger_is_left_as_it_was() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with root_logger_kept():
        root.addHandler(logging.NullHandler())
        root.setLevel(logging.DEBUG)

    assert root.handlers == handlers
    assert root.level == level
