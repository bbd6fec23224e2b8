"""Reads a CloudFormation template's YAML: tags become the long form of the functions.

Source: CloudFormation user guide, "Intrinsic function reference".
"""

from pathlib import Path
from typing import Any

import yaml

from local_stack.errors import TemplateError

_LONG_FORM = {
    "Ref": "Ref",
    "Condition": "Condition",
    **{
        name: f"Fn::{name}"
        for name in ("And", "Equals", "FindInMap", "GetAtt", "If", "Join", "Not", "Or", "Select")
    },
    "Split": "Fn::Split",
    "Sub": "Fn::Sub",
}


class _Loader(yaml.SafeLoader):
    """A loader of its own, so that the tags stay out of every other one."""


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if suffix not in _LONG_FORM:
        raise TemplateError(f"`!{suffix}` is not supported")
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the only kind left
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {_LONG_FORM[suffix]: value}


_Loader.add_multi_constructor("!", _construct)


def load_template(path: Path) -> dict[str, Any]:
    """Answer the template as plain maps, lists and scalars.

    Raises:
        TemplateError: it is no YAML map, or holds a tag that is not supported.
    """
    try:
        tree = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise TemplateError(f"`{path.name}` is not yaml") from error
    if not isinstance(tree, dict):
        raise TemplateError(f"`{path.name}` is not a template")
    return tree
