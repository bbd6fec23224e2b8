"""One synchronous invocation of a Lambda function, and what is known when it fails.

Source: Lambda API reference, Invoke. The client that is given must not retry: a retried
invocation could do a thing twice.
"""

from portcullis.adapters.aws_calls import AwsError, Client, error_code, was_never_sent
from portcullis.errors import StrictJsonError, UpstreamNotSentError, UpstreamUncertainError
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject

MAXIMUM_REPLY_BYTES = 6 << 20

# Refusals of the Lambda service itself: the function was not started.
_NOT_STARTED = frozenset(
    {
        "AccessDeniedException",
        "EC2ThrottledException",
        "InvalidRequestContentException",
        "KMSAccessDeniedException",
        "RequestTooLargeException",
        "ResourceConflictException",
        "ResourceNotFoundException",
        "ResourceNotReadyException",
        "SnapStartException",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def invoke_once(client: Client, function: str, payload: JsonObject, *, what: str) -> JsonObject:
    """Invoke a function with an object and answer the object it answers.

    `what` names it in errors ("the server").

    Raises:
        UpstreamNotSentError: provably it was not started.
        UpstreamUncertainError: it may have run.
    """
    try:
        answer = client.invoke(FunctionName=function, Payload=dump(payload))
        body = answer["Payload"].read(MAXIMUM_REPLY_BYTES + 1)
    except AwsError as error:
        code = error_code(error)
        if code in _NOT_STARTED or was_never_sent(error):
            raise UpstreamNotSentError(f"{what} did not start: {code}") from error
        raise UpstreamUncertainError(f"{what} did not answer: {code}") from error
    if answer.get("FunctionError"):
        raise UpstreamUncertainError(f"{what} failed while it ran")
    try:
        tree = parse(body, max_bytes=MAXIMUM_REPLY_BYTES)
    except StrictJsonError as error:
        raise UpstreamUncertainError(f"the answer of {what} cannot be read") from error
    if not isinstance(tree, dict):
        raise UpstreamUncertainError(f"the answer of {what} cannot be read")
    return tree
