"""A conditional update of one DynamoDB item, built clause by clause.

What may live here: expressions. Every name and value goes in by placeholder, so nothing a
caller sends can become part of an expression.
"""

from typing import Any

from portcullis.adapters.dynamodb_calls import AttributeValue, Item


class ItemUpdate:
    """Collects clauses and conditions (all must hold) for one item."""

    def __init__(self, key: Item) -> None:
        self._key = key
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}
        self._clauses: dict[str, list[str]] = {"SET": [], "ADD": [], "REMOVE": []}
        self._conditions: list[str] = []

    def set(self, attribute: str, value: AttributeValue) -> None:
        """Give an attribute a value."""
        self._clauses["SET"].append(f"{self._name(attribute)} = {self._value(value)}")

    def add(self, attribute: str, value: AttributeValue) -> None:
        """Add to a number or a set; one that is not there counts as 0 or empty."""
        self._clauses["ADD"].append(f"{self._name(attribute)} {self._value(value)}")

    def remove(self, attribute: str) -> None:
        """Drop an attribute."""
        self._clauses["REMOVE"].append(self._name(attribute))

    def require(self, condition: str, attribute: str, value: AttributeValue | None = None) -> None:
        """Add a condition; in it stand `{name}` for the attribute, `{value}` for the value.

        `{zero}` stands for the number 0.
        """
        places = {"name": self._name(attribute)}
        if value is not None:
            places["value"] = self._value(value)
        if "{zero}" in condition:
            places["zero"] = self._value({"N": "0"})
        self._conditions.append(f"({condition.format(**places)})")

    def to_parameters(self) -> dict[str, Any]:
        """The parameters of UpdateItem, or of an Update in a transaction, without the table.

        An update has at least one condition and one value: a write without is not ours.
        """
        clauses = [f"{verb} {', '.join(parts)}" for verb, parts in self._clauses.items() if parts]
        return {
            "Key": dict(self._key),
            "UpdateExpression": " ".join(clauses),
            "ConditionExpression": " AND ".join(self._conditions),
            "ExpressionAttributeNames": {name: real for real, name in self._names.items()},
            "ExpressionAttributeValues": dict(self._values),
        }

    def _name(self, attribute: str) -> str:
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def _value(self, value: AttributeValue) -> str:
        name = f":v{len(self._values)}"
        self._values[name] = value
        return name
