"""Tools that send notifications while they run: logs, progress, list changes, a cut stream."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ServerEvent,
    ToolsListChanged,
)

from conformance.everything.tools import FixtureTool, ToolCall, ToolResult, said

STEP_SECONDS: Final = 0.05
RECONNECT_SECONDS: Final = 0.2
LOG_LINES: Final = (
    "Tool execution started",
    "Tool processing data",
    "Tool execution completed",
)
PROGRESS_STEPS: Final = (0, 50, 100)


async def _log(call: ToolCall, message: str) -> None:
    """Send one log line on the stream of the call."""
    await call.context.session.send_log_message(
        level="info", data=message, related_request_id=call.context.request_id
    )


async def _run_with_logging(call: ToolCall) -> ToolResult:
    """Send three log lines, one a step."""
    for line in LOG_LINES:
        await _log(call, line)
        await anyio.sleep(STEP_SECONDS)
    return said("Tool with logging executed successfully")


async def _run_with_progress(call: ToolCall) -> ToolResult:
    """Report 0, 50 and 100 of 100; the session sends nothing without a progress token."""
    for step in PROGRESS_STEPS:
        await call.context.session.report_progress(step, 100, f"Completed step {step} of 100")
        await anyio.sleep(STEP_SECONDS)
    return said("Tool with progress executed successfully")


async def _run_across_a_reconnect(call: ToolCall) -> ToolResult:
    """End the call's stream halfway; the client resumes with `Last-Event-ID`."""
    await _log(call, "Before disconnect")
    if call.context.close_sse_stream is not None:
        await call.context.close_sse_stream()
    await anyio.sleep(RECONNECT_SECONDS)
    await _log(call, "After reconnect")
    return said("Reconnection test completed")


def _announcing(
    bus: InMemorySubscriptionBus, event: ServerEvent, message: str
) -> Callable[[ToolCall], Awaitable[ToolResult]]:
    """A tool body that publishes `event` to the open `subscriptions/listen` streams."""

    async def run(_: ToolCall) -> ToolResult:
        await bus.publish(event)
        return said(message)

    return run


def notifying_tools(bus: InMemorySubscriptionBus) -> list[FixtureTool]:
    """The tools of this module; list changes are published to `bus`."""
    return [
        FixtureTool("test_tool_with_logging", "Sends three log lines", _run_with_logging),
        FixtureTool("test_logging_tool", "Sends three log lines when asked to", _run_with_logging),
        FixtureTool("test_tool_with_progress", "Reports its progress", _run_with_progress),
        FixtureTool("test_reconnection", "Ends its stream halfway", _run_across_a_reconnect),
        FixtureTool(
            "test_trigger_tool_change",
            "Announces that the tool list changed",
            _announcing(bus, ToolsListChanged(), "tool list changed"),
        ),
        FixtureTool(
            "test_trigger_prompt_change",
            "Announces that the prompt list changed",
            _announcing(bus, PromptsListChanged(), "prompt list changed"),
        ),
    ]
