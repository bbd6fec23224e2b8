"""`--stack`: what commands need of a deployment, read from the outputs of its CloudFormation stack.

An option that is given, or its variable, is used before an output. The stack is asked once, and
only by a command that lacks something.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Final, NoReturn, TypeAlias

import typer
from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, error_code
from portcullis.protocol.identity import GATEWAY_INFO
from portcullis_cli.connection import URL_VARIABLE
from portcullis_cli.errors import CommandError, ExitCode, unavailable, usage_error
from portcullis_cli.kept_grants import TABLE_VARIABLE
from portcullis_cli.kill_switch import BUCKET_VARIABLE
from portcullis_cli.log_groups import GROUPS_VARIABLE
from portcullis_cli.rendering import plain
from portcullis_cli.surroundings import Surroundings, surroundings_of

STACK_VARIABLE: Final = "PORTCULLIS_STACK"
OUTPUTS: Final[Mapping[str, str]] = {
    BUCKET_VARIABLE: "PolicyBucketName",
    TABLE_VARIABLE: "StateTableName",
    URL_VARIABLE: "ConsoleUrl",
    GROUPS_VARIABLE: "DecisionLogGroups",
}
Outputs: TypeAlias = Callable[[], Mapping[str, str]]


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"portcullis {GATEWAY_INFO['version']}")
        raise typer.Exit


def use_stack(
    context: typer.Context,
    *,
    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            envvar=STACK_VARIABLE,
            help="The CloudFormation stack of the deployment. What a command is not told of "
            "bucket, table and console, it reads from the outputs of this stack.",
        ),
    ] = "",
    version: Annotated[  # noqa: ARG001 - its callback ends the command
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """The gate in front of MCP servers: which calls of agents reach them, and who says so.

    Begin with `portcullis scan`, which judges a server and writes its first policy. Every command
    has --help with an example, and --json for programs.
    """
    around = surroundings_of(context)
    if not stack:
        return
    if _is_typed(context):
        _require_one_deployment(around.environment)
    outputs = cache(lambda: outputs_of(around, stack))
    context.default_map = _defaults(context.command, outputs, stack)


def stack_of(context: typer.Context) -> str:
    """The stack that the command line or the environment names, "" where neither does."""
    return str(context.find_root().params.get("stack") or "")


def _is_typed(context: typer.Context) -> bool:
    source = context.get_parameter_source("stack")
    return source is not None and source.name == "COMMANDLINE"


def _require_one_deployment(environment: Mapping[str, str]) -> None:
    """Two deployments in one command line would be a mistake with consequences."""
    told = [name for name in OUTPUTS if environment.get(name)]
    if told:
        _end(usage_error(f"{told[0]} is set, too: unset it, or leave --stack away"))


def _defaults(command: Any, outputs: Outputs, stack: str) -> dict[str, Any]:
    """Of each command, how an option that it lacks is found.

    An option that need not be given may mean something by its absence, so it is left alone; where
    the console is only adds to what is shown.
    """
    inner = getattr(command, "commands", None)
    if inner is not None:
        return {name: _defaults(one, outputs, stack) for name, one in inner.items()}
    return {
        option.name: _reading(output, outputs, stack)
        for option in command.params
        if (output := OUTPUTS.get(str(option.envvar))) is not None
        and (option.required or option.envvar == URL_VARIABLE)
    }


def _reading(output: str, outputs: Outputs, stack: str) -> Callable[[], str]:
    def read() -> str:
        try:
            value = outputs().get(output)
            if not value:
                raise unavailable(f"the stack `{plain(stack)}` has no output {output}")
        except CommandError as error:
            _end(error)
        return str(value)

    return read


def outputs_of(around: Surroundings, stack: str) -> Mapping[str, str]:
    """The stack's outputs.

    Raises:
        CommandError: there is no such stack, or CloudFormation does not answer.
    """
    return pairs(described(around, stack).get("Outputs", ()), "Output")


def described(around: Surroundings, stack: str) -> Mapping[str, Any]:
    """What CloudFormation says of a stack (API reference, DescribeStacks).

    Raises:
        CommandError: there is no such stack, or CloudFormation does not answer.
    """
    try:
        found: Mapping[str, Any] = around.aws("cloudformation").describe_stacks(StackName=stack)[
            "Stacks"
        ][0]
    except AwsError as error:
        if isinstance(error, ClientError) and error_code(error) == "ValidationError":
            message = f"there is no stack `{plain(stack)}` in this account and region"
            raise CommandError(ExitCode.NOT_FOUND, message, code="not_found") from error
        raise unavailable(f"the stack cannot be read: {error_code(error)}") from error
    return found


def pairs(listed: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    """Parameters or outputs of a stack, by name; `kind` as their keys begin."""
    return {str(one[f"{kind}Key"]): str(one[f"{kind}Value"]) for one in listed}


def _end(error: CommandError) -> NoReturn:
    """End before the command began, where nobody else tells of its errors."""
    typer.echo(f"portcullis: {error}", err=True)
    raise typer.Exit(error.exit_code)
