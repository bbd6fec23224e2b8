"""What stands in for DynamoDB beneath the canary: the two calls it makes, on a dict."""

import re
from collections.abc import Callable
from typing import Any

Heard = Callable[[str], None]


class CanaryTable:
    """`failure` is raised instead, once set; `heard` is told the name of every call."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None
        self.heard: Heard = lambda _name: None

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        self._begin("get_item", TableName)
        assert ConsistentRead is True
        item = self.items.get(Key["pk"]["S"])
        return {} if item is None else {"Item": item}

    def update_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Any,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ExpressionAttributeNames: dict[str, str],  # noqa: N803
        ExpressionAttributeValues: dict[str, Any],  # noqa: N803
    ) -> None:
        self._begin("update_item", TableName)
        item = self.items.setdefault(Key["pk"]["S"], {})
        found = re.fullmatch(r"ADD (.+) SET (#\w+) = (:\w+)", UpdateExpression)
        assert found is not None
        added, name, value = found.groups()
        item[ExpressionAttributeNames[name]] = ExpressionAttributeValues[value]
        for one in added.split(", "):
            name, value = one.split()
            _add(item, ExpressionAttributeNames[name], ExpressionAttributeValues[value])

    def _begin(self, name: str, table: str) -> None:
        assert table == "table"
        self.heard(name)
        if self.failure is not None:
            raise self.failure


def _add(item: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    if "N" in value:
        held = int(item.get(name, {"N": "0"})["N"])
        item[name] = {"N": str(held + int(value["N"]))}
    else:
        assert value["SS"], "DynamoDB takes no empty set"
        item[name] = {"SS": sorted({*item.get(name, {"SS": []})["SS"], *value["SS"]})}
