"""Dynamic references to secrets: what CloudFormation puts in their place when it makes a stage.

Source: CloudFormation user guide, "Get a secret or secret value from Secrets Manager".
"""

import re
from collections.abc import Callable, Mapping

from local_stack.errors import TemplateError

_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(arn:[^{}]+):SecretString\}\}")


def without_references(
    values: Mapping[str, str], read_secret: Callable[[str], str]
) -> dict[str, str]:
    """The values, each reference replaced by the secret of that ARN.

    Raises:
        TemplateError: a reference is of another form.
    """
    found = {
        name: _REFERENCE.sub(lambda match: read_secret(match[1]), str(value))
        for name, value in values.items()
    }
    if any("{{resolve:" in value for value in found.values()):
        raise TemplateError("only secrets named by their ARN can be referred to")
    return found
