"""Intercept's YAML, version 1. Its loader ignores what it does not know; this one refuses it.

Only which keys the dialect has, and what they come to, may live here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.policy.limits_text import MAXIMUM_CALLS
from portcullis.policy.nodes import (
    MAXIMUM_SECONDS,
    Node,
    has_keys,
    read_elements,
    read_optional,
    read_text,
    read_whole,
    read_word,
)
from portcullis_cli.conversion.reading import (
    MAXIMUM_MANY,
    MAXIMUM_TEXT,
    WINDOWS,
    CounterTest,
    Reader,
    keys_of,
    read_conditions,
    read_description,
    read_hidden,
    read_tools,
    read_version,
)
from portcullis_cli.conversion.source import (
    EVERY_TOOL,
    Dialect,
    Sense,
    SourceLimit,
    SourcePolicy,
    SourceRule,
    SourceTest,
    SourceTool,
)

TOP_KEYS: Final = ("version", "description", "default", "hide", "tools", "approvals")
RULE_KEYS: Final = (
    "name",
    "action",
    "conditions",
    "rate_limit",
    "state",
    "on_deny",
    "approval_timeout",
)
STATE_KEYS: Final = ("counter", "window", "increment", "increment_from")
ACTIONS: Final = ("evaluate", "deny", "require_approval")
_RATE: Final = re.compile(r"(?P<max>[0-9]{1,15})/(?P<window>[a-z]+)")
_GO_DURATION: Final = re.compile(
    r"(?:(?P<h>[0-9]{1,6})h)?(?:(?P<m>[0-9]{1,7})m)?(?:([0-9]{1,8})s)?"
)


def read_intercept(reader: Reader, root: Node) -> SourcePolicy | None:
    """Read a document; None where something is wrong, which the findings then say."""
    members = keys_of(root, "a policy", TOP_KEYS)
    if members is None or not has_keys(root, members, ("version", "tools")):
        return None
    read_version(members["version"])
    if members["tools"].value == {}:
        members["tools"].fault("there is no tool in it", "name one")
    permits = reader.permits(root, members)
    if "approvals" in members:
        reader.note("approvals block", members["approvals"])
    hidden = read_optional(members, "hide", lambda node: read_hidden(reader, node))
    tools = read_tools(
        members["tools"], lambda name, node: _read_tool(reader, name, node), every=True
    )
    return SourcePolicy(
        dialect=Dialect.INTERCEPT,
        permits=bool(permits),
        hidden=hidden or (),
        tools=tools,
        description=read_description(members),
    )


def _read_tool(reader: Reader, name: str, node: Node) -> SourceTool | None:
    if node.value == {}:
        reader.note("implicit allow", node)
        return SourceTool(name=name, rules=(), limits=(), place=node.path)
    members = keys_of(node, "a tool like `{rules: […]}`", ("rules",))
    if members is None or not has_keys(node, members, ("rules",)):
        return None
    listed = members["rules"]
    elements = [] if listed.value == [] else read_elements(listed, "`rules`", MAXIMUM_MANY)
    if elements == []:
        reader.note("implicit allow", node)
    if len(elements or ()) > 1:
        reader.note("several rules", listed)
    read = [_read_rule(reader, name, element) for element in elements or ()]
    counters = [limit.name for one in read for limit in one.limits]
    if len(set(counters)) != len(counters):
        listed.fault("two limits of the tool use one counter", "name another counter")
    return SourceTool(
        name=name,
        rules=tuple(rule for one in read for rule in one.rules),
        limits=tuple(limit for one in read for limit in one.limits),
        place=node.path,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What one rule of theirs says: rules and limits of a tool."""

    rules: Sequence[SourceRule] = ()
    limits: Sequence[SourceLimit] = ()


def _read_rule(reader: Reader, tool: str, node: Node) -> _Read:
    members = keys_of(node, "a rule", RULE_KEYS)
    if members is None:
        return _Read()
    action = read_optional(members, "action", lambda one: read_word(one, ACTIONS, {}), "evaluate")
    name = read_optional(members, "name", lambda one: read_text(one, MAXIMUM_TEXT))
    if "name" not in members and "rate_limit" not in members:
        has_keys(node, members, ("name",))
    if "on_deny" in members:
        reader.note("message", members["on_deny"])
    said = _Said(reader=reader, tool=tool, node=node, members=members, name=name)
    if action is None:
        return _Read()
    if "rate_limit" in members:
        return said.shorthand(action)
    return {"deny": said.deny, "evaluate": said.evaluate, "require_approval": said.approve}[
        action
    ]()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One rule while it is read."""

    reader: Reader
    tool: str
    node: Node
    members: Mapping[str, Node]
    name: str | None

    def deny(self) -> _Read:
        self._without("conditions", "state", "approval_timeout")
        self.reader.note("deny", self.node)
        return _Read(rules=[self._rule(Sense.DENY, ())])

    def approve(self) -> _Read:
        self._without("state")
        self.reader.note("require_approval", self.node)
        tests, counters = self._conditions() if "conditions" in self.members else ([], [])
        for counter in counters:
            counter.node.fault("an approval cannot depend on a counter", "make the limit a rule")
        timeout = read_optional(self.members, "approval_timeout", self._timeout)
        return _Read(rules=[self._rule(Sense.APPROVE, tests, timeout)])

    def evaluate(self) -> _Read:
        self._without("approval_timeout")
        if not has_keys(self.node, self.members, ("conditions",)):
            return _Read()
        tests, counters = self._conditions()
        limits = self._limits(counters)
        if tests:
            self.reader.note("evaluate", self.node)
        return _Read(rules=[self._rule(Sense.MUST, tests)] if tests else [], limits=limits)

    def shorthand(self, action: str) -> _Read:
        self._without("conditions", "state", "approval_timeout")
        node = self.members["rate_limit"]
        if action != "evaluate":
            node.key_fault(f"`rate_limit` does not go with `action: {action}`")
        found = _RATE.fullmatch(node.value) if isinstance(node.value, str) else None
        if found is None or found["window"] not in WINDOWS or not int(found["max"]):
            node.fault("a limit is `N/minute`, `N/hour` or `N/day`, N above 0")
            return _Read()
        counter = f"_rate_{found['window']}"
        return _Read(limits=[self._limit(counter, int(found["max"]), WINDOWS[found["window"]])])

    def _limits(self, counters: Sequence[CounterTest]) -> list[SourceLimit]:
        if "state" not in self.members:
            for test in counters:
                test.node.fault(
                    "this limit never fired: its rule has no `state` for the counter",
                    "put the counter's `state` into the same rule",
                )
            return []
        state = self.members["state"]
        members = keys_of(state, "a block like `{counter, window}`", STATE_KEYS)
        if members is None or not has_keys(state, members, ("counter", "window")):
            return []
        counter = read_text(members["counter"], MAXIMUM_TEXT)
        window = read_word(members["window"], WINDOWS, {})
        if counter is None or window is None:
            return []
        scope = "_global" if self.tool == EVERY_TOOL else self.tool
        wanted = [one for one in counters if (one.scope, one.counter) == (scope, counter)]
        for test in counters:
            if test not in wanted:
                test.node.fault("this limit never fired: the rule's `state` is another counter")
        if not wanted:
            state.fault("this counter never counted: no condition of the rule asks for it")
            return []
        bound = min(one.bound - (one.op == "lt") for one in wanted)
        return self._counted(members, counter, bound, WINDOWS[window])

    def _counted(
        self, members: Mapping[str, Node], counter: str, bound: int, window: int
    ) -> list[SourceLimit]:
        step = read_optional(members, "increment", lambda one: read_whole(one, 1, MAXIMUM_CALLS), 1)
        if step is None:
            return []
        amount = None
        if "increment_from" in members:
            amount = self._amount(members)
            if amount is None:
                return []
        if bound // step < 1:
            self.node.fault("this limit lets nothing pass", "write `action: deny`")
            return []
        return [self._limit(counter, bound // step, window, amount)]

    def _amount(self, members: Mapping[str, Node]) -> tuple[str, ...] | None:
        node = members["increment_from"]
        text = read_text(node, MAXIMUM_TEXT)
        if "increment" in members:
            node.key_fault("`increment` and `increment_from` do not go together", "keep one")
            return None
        if text is None or not text.startswith("args.") or not all(text.split(".")):
            node.fault("an amount is an argument, `args.name`")
            return None
        return tuple(text.split(".")[1:])

    def _limit(
        self, counter: str, maximum: int, window: int, amount: tuple[str, ...] | None = None
    ) -> SourceLimit:
        shared = self.tool == EVERY_TOOL
        kind = "spend" if amount else "shared limit" if shared else "rate limit"
        self.reader.note(kind, self.node)
        return SourceLimit(
            name=self.name or counter,
            maximum=maximum,
            window_seconds=window,
            scope=self.reader.scope_of("server" if shared else "tool", self.node),
            amount=amount,
            message=self._message(),
            place=self.node.path,
        )

    def _conditions(self) -> tuple[list[SourceTest], list[CounterTest]]:
        return read_conditions(self.reader, self.members["conditions"])

    def _rule(
        self, sense: Sense, tests: Sequence[SourceTest], timeout: int | None = None
    ) -> SourceRule:
        return SourceRule(
            sense=sense,
            name=self.name,
            tests=tuple(tests),
            message=self._message(),
            place=self.node.path,
            timeout_seconds=timeout,
        )

    def _message(self) -> str | None:
        return read_optional(
            self.members,
            "on_deny",
            lambda one: None if one.value == "" else read_text(one, MAXIMUM_TEXT),
        )

    def _timeout(self, node: Node) -> int | None:
        found = _GO_DURATION.fullmatch(node.value) if isinstance(node.value, str) else None
        parts = [int(part or 0) for part in found.groups()] if found else [0, 0, 0]
        seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
        if not 1 <= seconds <= MAXIMUM_SECONDS:
            node.fault("a timeout is like `30m` or `1h30m`, from 1 second to 31 days")
            return None
        self.reader.note("approval timeout", node)
        return seconds

    def _without(self, *keys: str) -> None:
        for key in keys:
            if key in self.members:
                action = self.members["action"].value if "action" in self.members else "evaluate"
                where = "a `rate_limit`" if "rate_limit" in self.members else f"`action: {action}`"
                self.members[key].key_fault(f"`{key}` does not go with {where}")
