"""Resolves the intrinsic functions of a template, given parameters and physical ids.

Only the functions in `_FUNCTIONS` exist here; anything else that looks like one is an error,
so that the local stack never runs something the deployment would not.

Source: CloudFormation user guide, "Intrinsic function reference", "Pseudo parameters".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_stack.errors import TemplateError

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
STACK_NAME = "portcullis"

_ALIAS = "Alias"  # SAM's name for the alias that a function publishes
_NO_VALUE = object()
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_PSEUDO: Mapping[str, object] = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::NoValue": _NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK_NAME,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{STACK_NAME}/local",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Physical:
    """A resource that exists: what `Ref` answers, and its ARN where it has one."""

    ref: str
    arn: str | None = None


class Resolver:
    """Resolves trees of one template; `physical` grows while resources are created."""

    def __init__(
        self,
        template: Mapping[str, Any],
        *,
        parameters: Mapping[str, str],
        physical: Mapping[str, Physical],
    ) -> None:
        self._template = template
        self._physical = physical
        self._parameters = _parameter_values(template.get("Parameters") or {}, parameters)

    def resolve(self, tree: Any) -> Any:
        """Answer the tree with every function carried out.

        Raises:
            TemplateError: an unknown function, parameter, condition, resource or attribute.
        """
        if isinstance(tree, list):
            items = [self.resolve(item) for item in tree]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            ((name, argument),) = tree.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._call(name, argument)
        pairs = [(key, self.resolve(value)) for key, value in tree.items()]
        return {key: value for key, value in pairs if value is not _NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds.

        Raises:
            TemplateError: there is none of this name.
        """
        conditions = self._template.get("Conditions") or {}
        if condition not in conditions:
            raise TemplateError(f"`{condition}` is not a condition")
        return self.resolve(conditions[condition]) is True

    def _call(self, name: str, argument: Any) -> Any:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(f"`{name}` is not supported")
        return function(self, argument)

    def _ref(self, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._parameters:
            return self._parameters[name]
        logical_id, dot, attribute = name.partition(".")
        if dot and attribute == _ALIAS:
            return self._alias(logical_id)
        return self._resource(name).ref

    def _alias(self, logical_id: str) -> str:
        """The ARN of the alias that a function publishes, as SAM's `Function.Alias` means it."""
        found = self._template["Resources"].get(logical_id) or {}
        inherited = (self._template.get("Globals") or {}).get("Function") or {}
        alias = {**inherited, **(found.get("Properties") or {})}.get("AutoPublishAlias")
        arn = self._resource(logical_id).arn
        if alias is None or arn is None:
            raise TemplateError(f"`{logical_id}` publishes no alias")
        return f"{arn}:{alias}"

    def _resource(self, logical_id: str) -> Physical:
        if logical_id not in self._physical:
            raise TemplateError(f"`{logical_id}` is not a resource that exists yet")
        return self._physical[logical_id]

    def _get_att(self, argument: list[str]) -> str:
        logical_id, attribute = argument
        arn = self._resource(logical_id).arn
        if attribute != "Arn" or arn is None:
            raise TemplateError(f"`{logical_id}.{attribute}` is not supported")
        return arn

    def _sub(self, argument: Any) -> str:
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def value(match: re.Match[str]) -> str:
            literal, name = match[1], match[2]
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(self.resolve(variables[name]))
            logical_id, dot, attribute = name.partition(".")
            if dot and attribute != _ALIAS:
                return self._get_att([logical_id, attribute])
            return str(self._ref(name))

        return _VARIABLE.sub(value, text)

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _equals(self, argument: list[Any]) -> bool:
        left, right = (self.resolve(side) for side in argument)
        return bool(left == right)

    def _not(self, argument: list[Any]) -> bool:
        return self.resolve(argument[0]) is not True

    def _or(self, argument: list[Any]) -> bool:
        return any(self.resolve(one) is True for one in argument)

    def _join(self, argument: list[Any]) -> str:
        separator, items = argument
        return str(separator).join(str(item) for item in self.resolve(items))

    def _select(self, argument: list[Any]) -> Any:
        index, items = argument
        return self.resolve(items)[int(index)]

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def _find_in_map(self, argument: list[Any]) -> Any:
        name, first, second = (self.resolve(part) for part in argument)
        try:
            return self._template["Mappings"][name][first][second]
        except KeyError as error:
            raise TemplateError(f"`{name}` has no such entry") from error


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Ref": Resolver._ref,  # noqa: SLF001 - the table of this module's own class
    "Fn::Equals": Resolver._equals,  # noqa: SLF001
    "Fn::FindInMap": Resolver._find_in_map,  # noqa: SLF001
    "Fn::GetAtt": Resolver._get_att,  # noqa: SLF001
    "Fn::If": Resolver._if,  # noqa: SLF001
    "Fn::Join": Resolver._join,  # noqa: SLF001
    "Fn::Not": Resolver._not,  # noqa: SLF001
    "Fn::Or": Resolver._or,  # noqa: SLF001
    "Fn::Select": Resolver._select,  # noqa: SLF001
    "Fn::Split": Resolver._split,  # noqa: SLF001
    "Fn::Sub": Resolver._sub,  # noqa: SLF001
}


def _parameter_values(
    declared: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str | list[str]]:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"the template has no parameter `{unknown[0]}`")
    values: dict[str, str | list[str]] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"the parameter `{name}` has no value")
        text = str(value)
        allowed = declaration.get("AllowedValues")
        if allowed is not None and text not in {str(one) for one in allowed}:
            raise TemplateError(f"`{text}` is not a value of the parameter `{name}`")
        is_list = declaration["Type"] == "CommaDelimitedList"
        values[name] = [part.strip() for part in text.split(",")] if is_list else text
    return values
