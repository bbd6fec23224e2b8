"""`portcullis policy check`: what a policy can ever decide, by reasoning over all calls."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from portcullis.policy.faults import PolicyFaults
from portcullis.policy.model import Policy
from portcullis.policy.names import compile_glob, is_pattern
from portcullis.values import JsonObject
from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.policy.callers import Groups, Issuer, Tags, caller_of
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
from portcullis_cli.reasoning.questions import Names, World, changes, names_of, possible
from portcullis_cli.reasoning.solve import ALLOW, ASK, Answer
from portcullis_cli.rendering import plain
from portcullis_cli.reporting import reported, tell
from portcullis_cli.surroundings import surroundings_of

_OTHER: Final = "any other name like this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim about one tool: `answer` holds a call against it, where there is one."""

    claim: str
    tool: str
    answer: Answer


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
            caller=caller_of(issuer, subject or "somebody", group, tag) if is_one else None,
        )
        policy, other = (
            _loaded(file, known, lock),
            None if at_most is None else _loaded(at_most, known, lock),
        )
        names = names_of([policy] if other is None else [other, policy], world)
        if not never and not asks and other is None:
            _show_possible(policy, names, world, as_json=as_json)
            return
        found = [
            *_claimed(policy, names, world, never or [], "never let through", (ALLOW, ASK)),
            *_claimed(policy, names, world, asks or [], "never without approval", (ALLOW,)),
        ]
        if other is not None:
            found += _wider(other, policy, names, world)
        _report(found, names, as_json=as_json)


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
        for name in chosen or ([] if is_pattern(pattern) else [pattern]):
            answers = possible(policy, name, world)
            yield Finding(claim=claim, tool=name, answer=_worst(answers, against))


def _meant(pattern: str) -> Callable[[str], bool]:
    return compile_glob(pattern) if is_pattern(pattern) else pattern.__eq__


def _worst(answers: Mapping[str, Answer], against: tuple[str, ...]) -> Answer:
    """A call against a claim, else whether there certainly is none."""
    for word in against:
        if answers[word].example is not None:
            return answers[word]
    return Answer(example=None, is_certain=all(answers[word].is_certain for word in against))


def _wider(other: Policy, policy: Policy, names: Names, world: World) -> Iterator[Finding]:
    for name in names.names:
        wider = [one for one in changes(other, policy, name, world) if one.is_wider]
        examples = [one for one in wider if one.answer.example is not None]
        for one in examples or wider[:1]:
            claim = f"was {one.before}, is {one.after}" if one.limit is None else "a looser limit"
            yield Finding(claim=f"at most as permissive: {claim}", tool=name, answer=one.answer)
        if not wider:
            yield Finding(
                claim="at most as permissive",
                tool=name,
                answer=Answer(example=None, is_certain=True),
            )


def _report(found: list[Finding], names: Names, *, as_json: bool) -> None:
    broken = [one for one in found if one.answer.example is not None]
    open_ones = [one for one in found if one.answer.example is None and not one.answer.is_certain]
    is_open = bool(open_ones) or not names.is_whole or not found
    if as_json:
        tell({
            "holds": False if broken else None if is_open else True,
            "findings": [_told(one, names) for one in found],
        })  # fmt: skip
    else:
        for one in found:
            for line in _lines(one, names):
                typer.echo(line)
        if not found:
            typer.echo("no tool is meant by any claim")
    if broken:
        raise typer.Exit(ExitCode.REFUSED)
    if is_open:
        raise typer.Exit(ExitCode.UNDECIDED)


def _lines(one: Finding, names: Names) -> Iterator[str]:
    tool = _name(one.tool, names)
    if one.answer.example is not None:
        yield f"NO    {tool}: {one.claim}"
        yield from (f"      {line}" for line in example_text(one.answer.example))
    elif one.answer.is_certain:
        yield f"holds {tool}: {one.claim}"
    else:
        yield f"?     {tool}: {one.claim} cannot be told: a condition has too many cases"


def _name(name: str, names: Names) -> str:
    return f"{_OTHER}: {plain(name)}" if name in names.invented else plain(name)


def _told(one: Finding, names: Names) -> JsonObject:
    example = one.answer.example
    return {
        "tool": one.tool,
        "stands_for_others": one.tool in names.invented,
        "claim": one.claim,
        "holds": False if example is not None else (True if one.answer.is_certain else None),
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
            ]
        })  # fmt: skip
        return
    for name, answers in found.items():
        words = [
            word if answer.example is not None else f"{word}?"
            for word, answer in answers.items()
            if answer.example is not None or not answer.is_certain
        ]
        typer.echo(f"{_name(name, names)}: {', '.join(words)}")


def _can(answer: Answer) -> bool | None:
    if answer.example is not None:
        return True
    return False if answer.is_certain else None
