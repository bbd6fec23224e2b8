"""The everything server's prompts, and completion of their arguments."""

from typing import Final, TypeAlias

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything import content
from conformance.everything.questions import ask_user, field_of, text_form
from conformance.everything.tools import RequestContext

PromptResult: TypeAlias = types.GetPromptResult | types.InputRequiredResult


def _argument(name: str) -> types.PromptArgument:
    """A required argument."""
    return types.PromptArgument(name=name, description=f"The {name} to use", required=True)


PROMPTS: Final = [
    types.Prompt(name="test_simple_prompt", description="Takes no arguments"),
    types.Prompt(
        name="test_prompt_with_arguments",
        description="Takes two arguments",
        arguments=[_argument("arg1"), _argument("arg2")],
    ),
    types.Prompt(
        name="test_prompt_with_embedded_resource",
        description="Embeds a resource",
        arguments=[_argument("resourceUri")],
    ),
    types.Prompt(name="test_prompt_with_image", description="Contains an image"),
    types.Prompt(name="test_input_required_result_prompt", description="Asks for context"),
]


def _messages(*blocks: types.ContentBlock) -> types.GetPromptResult:
    """A prompt of user messages."""
    messages = [types.PromptMessage(role="user", content=block) for block in blocks]
    return types.GetPromptResult(messages=messages)


def _with_context(params: types.GetPromptRequestParams) -> PromptResult:
    """Ask the client's user for context, then use it."""
    value = field_of((params.input_responses or {}).get("user_context"), "context")
    if value is None:
        question = ask_user("What context should the prompt use?", text_form("context"))
        return types.InputRequiredResult(input_requests={"user_context": question})
    return _messages(content.text(f"Use the following context: {value}"))


async def list_prompts(
    _context: RequestContext, _params: types.PaginatedRequestParams | None
) -> types.ListPromptsResult:
    """Answer `prompts/list` on one page."""
    return types.ListPromptsResult(prompts=PROMPTS)


async def get_prompt(
    _context: RequestContext, params: types.GetPromptRequestParams
) -> PromptResult:
    """Answer `prompts/get`.

    Raises:
        MCPError: -32602 for a name that no prompt has.
    """
    given = params.arguments or {}
    match params.name:
        case "test_simple_prompt":
            return _messages(content.text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            first, second = given.get("arg1", ""), given.get("arg2", "")
            return _messages(
                content.text(f"Prompt with arguments: arg1='{first}', arg2='{second}'")
            )
        case "test_prompt_with_embedded_resource":
            return _messages(
                content.embedded(
                    given.get("resourceUri", ""),
                    "text/plain",
                    "Embedded resource content for testing.",
                ),
                content.text("Please process the embedded resource above."),
            )
        case "test_prompt_with_image":
            return _messages(content.image(), content.text("Please analyze the image above."))
        case "test_input_required_result_prompt":
            return _with_context(params)
        case _:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")


async def complete(
    _context: RequestContext, _params: types.CompleteRequestParams
) -> types.CompleteResult:
    """Answer `completion/complete`: there is never anything to propose."""
    completion = types.Completion(values=[], total=0, has_more=False)
    return types.CompleteResult(completion=completion)
