"""An MCP server that lives in its own Lambda function (see `mcp_host`).

Source: Lambda API reference, Invoke. The client this adapter is given must not retry: a
retried invocation could carry out a tool call twice.
"""

from portcullis.adapters.aws_calls import AwsError, Client, error_code, was_never_sent
from portcullis.errors import StrictJsonError, UpstreamNotSentError, UpstreamUncertainError
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest
from portcullis.strictjson import dump, parse
from portcullis.values import JsonValue

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


class LambdaUpstream(Upstream):
    """Invokes one function synchronously with `{method, headers, body, scope}`."""

    def __init__(self, client: Client, function: str) -> None:
        self._client = client
        self._function = function

    def send(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float,  # noqa: ARG002 - the port's; boto3 knows it per client only
    ) -> UpstreamReply:
        """See `Upstream.send`. The time-out is the client's own read time-out."""
        payload = dump(
            {
                "method": request.method,
                "headers": [[name, value] for name, value in request.headers],
                "body": request.body.decode("utf-8"),
                "scope": request.scope,
            }
        )
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=payload)
            body = answer["Payload"].read(MAXIMUM_REPLY_BYTES + 1)
        except AwsError as error:
            code = error_code(error)
            if code in _NOT_STARTED or was_never_sent(error):
                raise UpstreamNotSentError(f"the server did not start: {code}") from error
            raise UpstreamUncertainError(f"the server did not answer: {code}") from error
        if answer.get("FunctionError"):
            raise UpstreamUncertainError("the server failed while it ran")
        return _read(body)


def _read(body: bytes) -> UpstreamReply:
    try:
        tree = parse(body, max_bytes=MAXIMUM_REPLY_BYTES)
    except StrictJsonError as error:
        raise UpstreamUncertainError("the server's answer cannot be read") from error
    if not isinstance(tree, dict):
        raise UpstreamUncertainError("the server's answer cannot be read")
    status, text = tree.get("status"), tree.get("body")
    if type(status) is not int or not isinstance(text, str):
        raise UpstreamUncertainError("the server's answer cannot be read")
    return UpstreamReply(
        status=status, headers=_headers(tree.get("headers")), body=text.encode("utf-8")
    )


def _headers(value: JsonValue) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise UpstreamUncertainError("the server's answer cannot be read")
    pairs: list[tuple[str, str]] = []
    for pair in value:
        match pair:
            case [str() as name, str() as text]:
                pairs.append((name, text))
            case _:
                raise UpstreamUncertainError("the server's answer cannot be read")
    return tuple(pairs)
