"""References to secrets in stage variables, put in place as CloudFormation does."""

import pytest

from local_stack.errors import TemplateError
from local_stack.secret_references import without_references

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf"


def test_a_reference_becomes_the_secret_and_other_text_stays() -> None:
    values = {"a": f"{{{{resolve:secretsmanager:{ARN}:SecretString}}}}", "b": "plain"}
    assert without_references(values, {ARN: "s"}.__getitem__) == {"a": "s", "b": "plain"}


@pytest.mark.parametrize(
    "text",
    [
        "{{resolve:ssm:name}}",
        "{{resolve:secretsmanager:name:SecretString}}",
        f"{{{{resolve:secretsmanager:{ARN}:SecretString:key}}}}",
    ],
)
def test_a_reference_of_another_form_is_told(text: str) -> None:
    with pytest.raises(TemplateError):
        without_references({"a": text}, lambda _: "s")
