"""An MCP server that lives in its own Lambda function (see `mcp_host`)."""

from portcullis.adapters.aws_calls import Client
from portcullis.adapters.function_calls import invoke_once
from portcullis.errors import UpstreamUncertainError
from portcullis.gateway.ports import Upstream, UpstreamReply, UpstreamRequest
from portcullis.values import JsonObject, JsonValue


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
        payload: JsonObject = {
            "method": request.method,
            "headers": [[name, value] for name, value in request.headers],
            "body": request.body.decode("utf-8"),
            "scope": request.scope,
        }
        return _read(invoke_once(self._client, self._function, payload, what="the server"))


def _read(tree: JsonObject) -> UpstreamReply:
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
