"""Who calls, by the route a request came on. What one route trusts means nothing on another.

On the route of signed requests API Gateway itself verifies the signature, so no authorizer is
there to seal who it is. Instead the API's stage carries a proof, which is compared with the
secret it was made of: whoever invokes the function around the API does not have it.

Source: API Gateway developer guide, "Input format of a Lambda function for proxy integration"
(`resource`, `stageVariables`, `requestContext.identity`).
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from portcullis.entrypoints.apigw import BadEventError, Caller, Event
from portcullis.entrypoints.iam_principal import NotAcceptedError, principal_of

BEARER_ROUTE = "/mcp/{server}"
SIGNED_ROUTE = "/iam/mcp/{server}"
PROOF = "proof"  # the stage variable


class Callers:
    """Reads the caller of an event, in the ways that the deployment chose (`identity`).

    `bearer` reads an event that the authorizer stands behind; `read_proof` answers the secret
    behind the stage's proof.
    """

    def __init__(
        self,
        identity: frozenset[str],
        *,
        bearer: Callable[[Event], Caller],
        read_proof: Callable[[], str],
    ) -> None:
        self._identity = identity
        self._bearer = bearer
        self._read_proof = read_proof

    def of(self, event: Event) -> Caller:
        """Who calls which server.

        Raises:
            BadEventError: its route is not served, or nobody can be told from the event.
            CredentialError: what the event is compared with cannot be read.
        """
        resource, context = event.get("resource"), event.get("requestContext")
        if not isinstance(context, Mapping):
            raise BadEventError("the event was not authorised")
        if resource == BEARER_ROUTE and self._identity & {"grants", "jwt"}:
            identity = context.get("identity")
            if isinstance(identity, Mapping) and identity.get("userArn") is not None:
                raise BadEventError("the event contradicts itself about the caller")
            return self._bearer(event)
        if resource == SIGNED_ROUTE and "iam" in self._identity:
            return self._signer(event, context)
        raise NotAcceptedError("callers are not identified in this way here")

    def _signer(self, event: Event, context: Mapping[str, Any]) -> Caller:
        if context.get("authorizer") is not None or context.get("resourcePath") != SIGNED_ROUTE:
            raise BadEventError("the event contradicts itself about the caller")
        self._check_proof(event.get("stageVariables"))
        parameters = event.get("pathParameters")
        server = parameters.get("server") if isinstance(parameters, Mapping) else None
        if not isinstance(server, str):
            raise BadEventError("the event names no server")
        return Caller(server=server, principal=principal_of(context.get("identity")))

    def _check_proof(self, variables: object) -> None:
        shown = variables.get(PROOF) if isinstance(variables, Mapping) else None
        if not isinstance(shown, str) or not shown:
            raise NotAcceptedError("the event did not come through the API")
        proof = self._read_proof().encode()
        if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), proof):
            raise NotAcceptedError("the event did not come through the API")
