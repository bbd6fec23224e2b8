"""The JSON values every layer speaks.

Numbers are `int` or `Decimal`, never `float`: a decision about an amount must not
depend on binary rounding, and what is forwarded must be what was evaluated.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

JsonScalar: TypeAlias = bool | int | Decimal | str | None
JsonValue: TypeAlias = "JsonScalar | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = dict[str, JsonValue]
JsonMapping: TypeAlias = Mapping[str, JsonValue]
