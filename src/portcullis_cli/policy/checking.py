"""`portcullis policy check`: what a policy can ever decide, by reasoning over all calls."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Kind, Policy
from portcullis.policy.names import compile_glob, is_pattern
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.callers import Groups, Issuer, Tags, caller_of
from portcullis_cli.policy.comparing import NOT_WHOLE, Compared, compared, difference, name_of
from portcullis_cli.policy.examples import example_text, example_tree
from portcullis_cli.policy.inputs import (
    AsJson,
    LockPath,
    PolicyFile,
    Server,
    ServerCommand,
    TokenFile,
    ToolsFile,
    ToolsFrom,
    Url,
    known_tools,
    load,
    server_of,
)
from portcullis_cli.reasoning.questions import Change, Names, World, names_of, possible
from portcullis_cli.reasoning.solve import ALLOW, ASK, Answer
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim about one name: `answer` holds a call against it, where there is one.

    `is_broken`: it is not so. `stands_for_others`: the name is one of many that match alike.
    """

    claim: str
    tool: str
    answer: Answer
    kind: Kind = Kind.TOOL
    is_broken: bool = False
    stands_for_others: bool = False
    why_open: str = "a condition has too many cases"

    @property
    def is_open(self) -> bool:
        """Whether it cannot be told."""
        return not self.is_broken and not self.answer.is_certain


def check(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    *,
    file: PolicyFile,
    never: Annotated[
        list[str] | None,
        typer.Option(
            "--never", help="Claim: no call of this tool is ever let through. `*` and `?` work."
        ),
    ] = None,
    asks: Annotated[
        list[str] | None,
        typer.Option(
            "--never-without-approval",
            help="Claim: no call of this tool is let through without a person's approval.",
        ),
    ] = None,
    at_most: Annotated[
        Path | None,
        typer.Option(
            "--at-most", help="Claim: it permits nothing that this other policy does not."
        ),
    ] = None,
    subject: Annotated[
        str, typer.Option("--subject", help="Ask for this caller alone, with --group and --tag.")
    ] = "",
    issuer: Issuer = "portcullis",
    group: Groups = None,
    tag: Tags = None,
    server: Server = "",
    tools: ToolsFile = None,
    url: Url = "",
    command: ServerCommand = "",
    token_file: TokenFile = None,
    lock: LockPath = None,
    as_json: AsJson = False,
) -> None:
    """Ask what a policy can ever decide: of all calls, all arguments, all callers, all times.

    Without a claim it tells of each tool whether a call can be allowed, put before a person, or
    denied. With claims it ends with 0 where all hold, with 1 and a call against it where one
    does not, and with 6 where that cannot be told. No call is tried out on a server.

    Example: portcullis policy check policies/aws-iam.yaml --never "delete_*"
    """
    with reported(as_json=as_json):
        told = ToolsFrom(file=tools, url=url, command=command, token_file=token_file)
        known = known_tools(surroundings_of(context), told)
        is_one = bool(subject or group or tag)
        world = World(
            server=server_of(file, server),
            tools=known,
            caller=caller_of(issuer, subject, group, tag) if is_one else None,
        )
        policy, other = (
            _loaded(file, known, lock),
            None if at_most is None else _loaded(at_most, known, lock),
        )
        asked = [*(never or []), *(asks or [])]
        names = names_of([policy] if other is None else [other, policy], world, asked)
        if not never and not asks and other is None:
            _show_possible(policy, names, world, as_json=as_json)
            return
        found = [
            *_claimed(policy, names, world, never or [], "never let through", (ALLOW, ASK)),
            *_claimed(policy, names, world, asks or [], "never without approval", (ALLOW,)),
        ]
        is_whole = names.is_whole
        if other is not None:
            wider = compared(other, policy, world)
            is_whole = is_whole and all(one.is_whole for one in wider.names.values())
            found += _wider(wider)
        _report(found, is_whole=is_whole, as_json=as_json)


def _loaded(path: Path, known: object, lock: Path | None) -> Policy:
    try:
        return load(path, known if isinstance(known, dict) else None, lock).policy
    except PolicyFaults as faulty:
        raise CommandError(ExitCode.REFUSED, f"{path}: {faulty}", code="invalid_policy") from faulty


def _claimed(  # noqa: PLR0917 - a claim and what it is made of
    policy: Policy,
    names: Names,
    world: World,
    wanted: list[str],
    claim: str,
    against: tuple[str, ...],
) -> Iterator[Finding]:
    for pattern in wanted:
        is_meant = _meant(pattern)
        chosen = [name for name in names.names if is_meant(name)]
        for name in chosen:
            answer = _worst(possible(policy, name, world), against)
            yield Finding(
                claim=claim,
                tool=name,
                answer=answer,
                is_broken=answer.example is not None,
                stands_for_others=name in names.invented,
            )
        if not chosen:
            unknown = Answer(example=None, is_certain=False)
            why = "the server has no such tool"
            yield Finding(claim=claim, tool=pattern, answer=unknown, why_open=why)


def _meant(pattern: str) -> Callable[[str], bool]:
    return compile_glob(pattern) if is_pattern(pattern) else pattern.__eq__


def _worst(answers: Mapping[str, Answer], against: tuple[str, ...]) -> Answer:
    """A call against a claim, else whether there certainly is none."""
    for word in against:
        if answers[word].example is not None:
            return answers[word]
    return Answer(example=None, is_certain=all(answers[word].is_certain for word in against))


def _wider(told: Compared) -> Iterator[Finding]:
    """What permits more, with a call each; of other names, that nothing does."""
    wider = [one for one in told.found if one.is_wider]
    claim = "at most as permissive"
    for one in wider:
        certain = one.answer.is_certain
        yield Finding(
            claim=f"{claim}: {_drifted(one)}{difference(one)}",
            tool=one.tool,
            kind=one.kind,
            answer=one.answer,
            is_broken=certain,
            stands_for_others=told.is_invented(one) or bool(one.drift),
        )
    said = {(one.kind, one.tool) for one in wider}
    for kind, names in told.names.items():
        for name in names.names:
            if (kind, name) not in said:
                yield Finding(
                    claim=claim,
                    tool=name,
                    kind=kind,
                    answer=Answer(example=None, is_certain=True),
                    stands_for_others=name in names.invented,
                )


def _drifted(one: Change) -> str:
    return f"of a tool that was {one.drift} after the lock, " if one.drift else ""


def _report(found: list[Finding], *, is_whole: bool, as_json: bool) -> None:
    is_broken = any(one.is_broken for one in found)
    is_open = not is_whole or any(one.is_open for one in found)
    if as_json:
        tell({
            "holds": False if is_broken else None if is_open else True,
            "findings": [_told(one) for one in found],
        })  # fmt: skip
    else:
        for one in found:
            for line in _lines(one):
                typer.echo(line)
        if not is_whole:
            typer.echo(f"?     {NOT_WHOLE}")
    if is_broken:
        raise typer.Exit(ExitCode.REFUSED)
    if is_open:
        raise typer.Exit(ExitCode.UNDECIDED)


def _lines(one: Finding) -> Iterator[str]:
    tool = name_of(one.tool, one.kind, is_invented=one.stands_for_others)
    if one.is_broken:
        yield f"NO    {tool}: {one.claim}"
        if one.answer.example is not None:
            yield from (f"      {line}" for line in example_text(one.answer.example))
    elif one.answer.is_certain:
        yield f"holds {tool}: {one.claim}"
    else:
        yield f"?     {tool}: {one.claim} cannot be told: {one.why_open}"


def _told(one: Finding) -> JsonObject:
    example = one.answer.example
    return {
        "kind": one.kind.value,
        "tool": one.tool,
        "stands_for_others": one.stands_for_others,
        "claim": one.claim,
        "holds": False if one.is_broken else None if one.is_open else True,
        "example": None if example is None else example_tree(example),
    }


def _show_possible(policy: Policy, names: Names, world: World, *, as_json: bool) -> None:
    found = {name: possible(policy, name, world) for name in names.names}
    if as_json:
        tell({
            "tools": [
                {
                    "tool": name,
                    "stands_for_others": name in names.invented,
                    **{word: _can(answer) for word, answer in answers.items()},
                }
                for name, answers in found.items()
            ],
            "whole": names.is_whole,
        })  # fmt: skip
        return
    for name, answers in found.items():
        words = [
            word if answer.example is not None else f"{word}?"
            for word, answer in answers.items()
            if answer.example is not None or not answer.is_certain
        ]
        shown = name_of(name, Kind.TOOL, is_invented=name in names.invented)
        typer.echo(f"{shown}: {', '.join(words)}")
    if not names.is_whole:
        typer.echo(NOT_WHOLE)


def _can(answer: Answer) -> bool | None:
    if answer.example is not None:
        return True
    return False if answer.is_certain else None
