"""Tools that need more input and say so in their result (revision 2026-07-28).

The state handed to the client is plain here: the server's request-state boundary seals it on
the way out and verifies it on the way in, so a tampered state never reaches a tool.
"""

import json
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything.questions import (
    CONFIRM_FORM,
    NAME_FORM,
    ask_for_roots,
    ask_model,
    ask_user,
    field_of,
    text_form,
)
from conformance.everything.tools import FixtureTool, ToolCall, ToolResult, said

NAME_QUESTION: Final = "What is your name?"
ROUND_ONE: Final = "round-1"


def _need(
    requests: dict[str, types.InputRequest], *, state: str | None = None
) -> types.InputRequiredResult:
    """A result that asks the client for `requests` and carries `state` back."""
    return types.InputRequiredResult(input_requests=requests, request_state=state)


async def _greet(call: ToolCall) -> ToolResult:
    """Ask for a name and greet it; anything but a name is asked for again."""
    name = field_of(call.answers.get("user_name"), "name")
    if name is None:
        return _need({"user_name": ask_user(NAME_QUESTION, NAME_FORM)})
    return said(f"Hello, {name}!")


async def _consult_model(call: ToolCall) -> ToolResult:
    """Ask the client's model one question."""
    answer = call.answers.get("capital_question")
    if not isinstance(answer, types.CreateMessageResult):
        return _need({"capital_question": ask_model("What is the capital of France?", 100)})
    block = answer.content
    return said(f"Model said: {block.text if isinstance(block, types.TextContent) else '?'}")


async def _count_roots(call: ToolCall) -> ToolResult:
    """Ask for the client's roots and name them."""
    answer = call.answers.get("client_roots")
    if not isinstance(answer, types.ListRootsResult):
        return _need({"client_roots": ask_for_roots()})
    listed = ", ".join(str(root.uri) for root in answer.roots)
    return said(f"Client exposed {len(answer.roots)} root(s): {listed}")


async def _confirm_with_state(call: ToolCall) -> ToolResult:
    """Ask for a confirmation and insist on the state of round one."""
    confirmed = "confirm" in call.answers and call.params.request_state == ROUND_ONE
    if not confirmed:
        return _need({"confirm": ask_user("Please confirm", CONFIRM_FORM)}, state=ROUND_ONE)
    return said("state-ok: confirmation received")


async def _ask_three_things(call: ToolCall) -> ToolResult:
    """Ask for a name, a greeting and roots at once."""
    if {"user_name", "greeting", "client_roots"} <= call.answers.keys():
        return said("All inputs received.")
    requests: dict[str, types.InputRequest] = {
        "user_name": ask_user(NAME_QUESTION, NAME_FORM),
        "greeting": ask_model("Generate a greeting", 50),
        "client_roots": ask_for_roots(),
    }
    return _need(requests, state="three-things")


async def _ask_in_turn(call: ToolCall) -> ToolResult:
    """Ask for a name, then for a colour; the state remembers the name between the rounds."""
    state = json.loads(call.params.request_state or "{}")
    color = field_of(call.answers.get("step2"), "color")
    if "name" in state and color is not None:
        return said(f"{state['name']} likes {color}.")
    name = field_of(call.answers.get("step1"), "name") if state else None
    if name is None:
        question = ask_user(f"Step 1: {NAME_QUESTION}", NAME_FORM)
        return _need({"step1": question}, state=json.dumps({"round": 1}))
    question = ask_user("Step 2: What is your favorite color?", text_form("color"))
    return _need({"step2": question}, state=json.dumps({"round": 2, "name": name}))


async def _ask_what_is_offered(call: ToolCall) -> ToolResult:
    """Ask only through the capabilities the client declared."""
    declared = call.context.session.client_capabilities
    requests: dict[str, types.InputRequest] = {}
    if declared is not None and declared.sampling is not None:
        requests["greeting"] = ask_model("Say hello", 50)
    if declared is not None and declared.elicitation is not None:
        requests["user_name"] = ask_user(NAME_QUESTION, NAME_FORM)
    return _need(requests, state="capabilities")


async def _insist_on_sampling(call: ToolCall) -> ToolResult:
    """Refuse a client that did not declare sampling.

    Raises:
        MCPError: -32021 with the capability that is missing.
    """
    declared = call.context.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool requires the client capability sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return said("The client declared sampling.")


TOOLS: Final = [
    FixtureTool("test_input_required_result_elicitation", "Asks for a name", _greet),
    FixtureTool("test_streaming_elicitation", "Asks for a name on a stream", _greet),
    FixtureTool("test_input_required_result_sampling", "Asks a model", _consult_model),
    FixtureTool("test_input_required_result_list_roots", "Asks for roots", _count_roots),
    FixtureTool(
        "test_input_required_result_request_state", "Asks and keeps state", _confirm_with_state
    ),
    FixtureTool(
        "test_input_required_result_tampered_state", "Keeps sealed state", _confirm_with_state
    ),
    FixtureTool(
        "test_input_required_result_multiple_inputs", "Asks three things", _ask_three_things
    ),
    FixtureTool("test_input_required_result_multi_round", "Asks in two rounds", _ask_in_turn),
    FixtureTool(
        "test_input_required_result_capabilities", "Asks what it may", _ask_what_is_offered
    ),
    FixtureTool("test_missing_capability", "Needs sampling to be declared", _insist_on_sampling),
]
