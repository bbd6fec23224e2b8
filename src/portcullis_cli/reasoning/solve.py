"""A call with a wanted decision, or the certainty that there is none.

Every slot takes one of its options; which combination has the wanted decision is a question
of propositional logic, which z3 answers. What it finds is built, and decided by
`evaluate`: only what the decision point itself says is an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import z3

from portcullis.policy.arguments import normalise
from portcullis.policy.decision import Allow, Decision, RequireApproval
from portcullis.policy.evaluate import evaluate, matching_rules, refused_by_name
from portcullis.policy.model import (
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Condition,
    Effect,
    Instant,
    Limit,
    Policy,
    Rule,
    Truth,
)
from portcullis.policy.obligations import could_restrict
from portcullis_cli.reasoning.samples import fitted
from portcullis_cli.reasoning.shapes import Shape
from portcullis_cli.reasoning.slots import Question, Slot, Slots, built, slots_of

ALLOW, ASK, DENY = "allow", "require_approval", "deny"
_MOST_TRIES = 50
_YES, _NO = z3.BoolVal(val=True), z3.BoolVal(val=False)
_Pair: TypeAlias = tuple[Any, Any]  # when it is true, when it is false


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A call, its moment, and what each policy decides of it."""

    call: Call
    now: Instant
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An example, or none. `is_certain` False with none: there might be one nevertheless."""

    example: Example | None
    is_certain: bool


def word(decision: Decision) -> str:
    """The decision as policies write it."""
    if isinstance(decision, Allow):
        return ALLOW
    return ASK if isinstance(decision, RequireApproval) else DENY


class Reasoner:
    """Reasons about what one or several policies decide of one tool."""

    def __init__(self, policies: Sequence[Policy], question: Question) -> None:
        self._policies = policies
        self._question = question
        self.rules = [self._enforced(policy) for policy in policies]
        self._slots: Slots = slots_of([one for rules in self.rules for one in rules], question)
        self._chosen: dict[tuple[Slot, int], Any] = {
            (slot, number): z3.Bool(f"{slot}#{number}")
            for slot, options in self._slots.options.items()
            for number in range(len(options))
        }
        self._solver = z3.Solver()
        for slot, options in self._slots.options.items():
            ones = [self._chosen[slot, number] for number in range(len(options))]
            self._solver.add(z3.PbEq([(one, 1) for one in ones], 1) if ones else _NO)

    @property
    def are_alike(self) -> bool:
        """Whether the policies say the same of the tool in the same words."""
        call, _ = built(self._question, {})
        said = {
            repr((refused_by_name(policy, call), policy.default, sorted(map(_said, rules))))
            for policy, rules in zip(self._policies, self.rules, strict=True)
        }
        return len(said) == 1

    @cached_property
    def verdicts(self) -> list[Mapping[str, Any]]:
        """When each policy decides what, in the order of the policies."""
        return [
            self._verdict(policy, rules)
            for policy, rules in zip(self._policies, self.rules, strict=True)
        ]

    def find(self, wanted: Any, is_it: Callable[[Sequence[Decision]], bool]) -> Answer:
        """Answer a call for which `wanted` holds and that `is_it` confirms."""
        is_certain = self._slots.is_whole
        self._solver.push()
        try:
            self._solver.add(wanted)
            for _ in range(_MOST_TRIES):
                if self._solver.check() != z3.sat:
                    return Answer(example=None, is_certain=is_certain)
                model = self._solver.model()
                example = self._example(model)
                if example is not None and is_it(example.decisions):
                    return Answer(example=example, is_certain=True)
                is_certain = False  # others that look alike might be decided so
                self._solver.add(
                    z3.Not(z3.And(*(one for one in self._chosen.values() if model[one])))
                )
            return Answer(example=None, is_certain=False)
        finally:
            self._solver.pop()

    def decided(self, number: int, wanted: str) -> Answer:
        """Answer a call of which one of the policies decides `wanted`."""
        return self.find(
            self.verdicts[number][wanted], lambda decisions: word(decisions[number]) == wanted
        )

    def applies(self, rule: Rule) -> Any:
        """When a rule of one of the policies applies."""
        return self._pair(rule.when)[0]

    def limits(self, number: int) -> list[tuple[Rule, Limit]]:
        """Every enforced limit of a policy for this tool, with its rule."""
        return [(rule, limit) for rule in self.rules[number] for limit in rule.limits]

    def _enforced(self, policy: Policy) -> list[Rule]:
        call, _ = built(self._question, {})
        if refused_by_name(policy, call) is not None:
            return []
        return [rule for rule in matching_rules(policy, call) if not rule.shadow]

    def _verdict(self, policy: Policy, rules: Sequence[Rule]) -> Mapping[str, Any]:
        call, _ = built(self._question, {})
        if refused_by_name(policy, call) is not None:
            return {ALLOW: _NO, ASK: _NO, DENY: _YES}
        pairs = [(rule, self._pair(rule.when)) for rule in rules]

        def applying(effect: Effect) -> Any:
            return z3.Or(*(when for rule, (when, _) in pairs if rule.effect is effect))

        unknown = z3.Or(*(z3.Not(z3.Or(*pair)) for rule, pair in pairs if could_restrict(rule)))
        wrong_amount = z3.Or(
            *(
                z3.And(when, z3.Not(self._is_amount(limit)))
                for rule, (when, _) in pairs
                for limit in rule.limits
                if limit.amount_path is not None
            )
        )
        has_allow = any(rule.effect is Effect.ALLOW for rule in rules)
        by_default = policy.default is Effect.ALLOW and not has_allow
        restricted = z3.Or(applying(Effect.DENY), unknown, wrong_amount)
        asks = z3.And(z3.Not(restricted), applying(Effect.REQUIRE_APPROVAL))
        allows = z3.And(
            z3.Not(restricted),
            z3.Not(applying(Effect.REQUIRE_APPROVAL)),
            z3.Or(applying(Effect.ALLOW), _YES if by_default else _NO),
        )
        return {ALLOW: allows, ASK: asks, DENY: z3.Not(z3.Or(asks, allows))}

    def _pair(self, condition: Condition | None) -> _Pair:
        """Kleene's logic as two formulas: true, and false; unknown is neither."""
        match condition:
            case None:
                return _YES, _NO
            case Comparison():
                return self._when(condition, Truth.TRUE), self._when(condition, Truth.FALSE)
            case AllOf():
                pairs = [self._pair(part) for part in condition.parts]
                return z3.And(*(one for one, _ in pairs)), z3.Or(*(one for _, one in pairs))
            case AnyOf():
                pairs = [self._pair(part) for part in condition.parts]
                return z3.Or(*(one for one, _ in pairs)), z3.And(*(one for _, one in pairs))
            case _:
                when, when_not = self._pair(condition.part)
                return when_not, when

    def _when(self, comparison: Comparison, truth: Truth) -> Any:
        return z3.Or(
            *(
                self._chosen[slot, number]
                for slot, options in self._slots.options.items()
                for number, option in enumerate(options)
                if option.truths.get(id(comparison)) is truth
            )
        )

    def _is_amount(self, limit: Limit) -> Any:
        return z3.Or(
            *(
                self._chosen[slot, number]
                for slot, options in self._slots.options.items()
                for number, option in enumerate(options)
                if option.is_amount.get(id(limit))
            )
        )

    def _example(self, model: Any) -> Example | None:
        chosen = {
            slot: options[number].value
            for slot, options in self._slots.options.items()
            for number in range(len(options))
            if model[self._chosen[slot, number]]
        }
        call, now = built(self._question, chosen)
        completed = _completed(call, self._question)
        if completed is None:
            return None
        decisions = tuple(evaluate(policy, completed, now=now) for policy in self._policies)
        return Example(call=completed, now=now, decisions=decisions)


def _said(rule: Rule) -> str:
    """All of a rule, but for the tests of its conditions: the operands say what those do."""
    return repr((rule.label, rule.effect, _written(rule.when), rule.limits, rule.approval))


def _written(condition: Condition | None) -> str:
    match condition:
        case Comparison():
            return repr((condition.path, condition.operator, condition.operand, condition.match))
        case AllOf() | AnyOf():
            return repr((type(condition).__name__, [_written(part) for part in condition.parts]))
        case None:
            return "always"
        case _:
            return repr(("not", _written(condition.part)))


def _completed(call: Call, question: Question) -> Call | None:
    """The call with every argument that the tool's schema requires; None where it never fits."""
    if question.definition is None:
        return call
    schema: Any = question.definition.get("inputSchema")
    arguments = next(iter(fitted(dict(call.arguments), Shape(schema, schema))), None)
    checked = normalise(schema, arguments) if isinstance(arguments, dict) else arguments
    return replace(call, arguments=checked) if isinstance(checked, dict) else None
