"""How a server at a URL knows the gateway: a secret in a header, or a SigV4 signature.

Sources: RFC 9110 section 5.5 (field values); IAM user guide, "AWS Signature Version 4 for API
requests"; botocore's signer makes the signature.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from portcullis.adapters.aws_calls import error_code
from portcullis.adapters.http_upstream import Authorise, Outgoing
from portcullis.errors import CredentialError
from portcullis.registration.model import SecretCredential, SigV4Credential

MAXIMUM_SECRET = 8192
_FIELD_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# Not signed: what a connection's ends may set anew on the way.
_UNSIGNED = frozenset(("accept-encoding", "user-agent"))


def secret_header(credential: SecretCredential, read: Callable[[str], str]) -> Authorise:
    """Send the string of a secret, as `read` answers it by ARN, in the credential's header."""

    def authorise(_outgoing: Outgoing) -> Mapping[str, str]:
        secret = read(credential.secret)
        if len(secret) > MAXIMUM_SECRET or not _FIELD_VALUE.fullmatch(secret):
            raise CredentialError("a secret cannot stand in a header")
        value = secret if credential.scheme is None else f"{credential.scheme} {secret}"
        return {credential.header: value}

    return authorise


def signature(credential: SigV4Credential, session: Any) -> Authorise:
    """Sign each call with the credentials of a botocore session, which renews them itself.

    The signature covers the host, the exact bytes of the body and every header but those that
    are set anew on the way; nothing is serialised after it.
    """

    def authorise(outgoing: Outgoing) -> Mapping[str, str]:
        signed = {name: text for name, text in outgoing.headers.items() if name not in _UNSIGNED}
        request = AWSRequest(
            method=outgoing.method, url=outgoing.url, headers=signed, data=outgoing.body
        )
        try:
            held = session.get_credentials()
            if held is None:
                raise CredentialError("there are no credentials to sign with")
            SigV4Auth(
                held.get_frozen_credentials(), credential.service, credential.region
            ).add_auth(request)
        except BotoCoreError as error:
            raise CredentialError(f"a call cannot be signed: {error_code(error)}") from error
        return {
            name.lower(): str(text)
            for name, text in request.headers.items()
            if name.lower() not in signed
        }

    return authorise
