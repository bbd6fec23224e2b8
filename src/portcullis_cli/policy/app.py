"""The commands of `portcullis policy`, put together."""

import typer

from portcullis_cli.command_groups import Grouped
from portcullis_cli.policy import (
    checking,
    converting,
    diffing,
    explaining,
    formatting,
    going_back,
    looking_back,
    pulling,
    pushing,
    replaying,
    schema_writing,
    signing,
    testing,
    validating,
)

APP = typer.Typer(
    name="policy",
    cls=Grouped,
    help="""Write policies, and know what they do before they do it.

    A policy is a file, `<server>.yaml`. Where a command is told of the server's tools, it judges
    arguments as the gateway does: with their defaults filled in, by their types.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
APP.command("validate")(validating.validate)
APP.command("fmt")(formatting.fmt)
APP.command("schema")(schema_writing.schema)
APP.command("explain")(explaining.explain_call)
APP.command("test")(testing.run_tests)
APP.command("check")(checking.check)
APP.command("diff")(diffing.diff)
APP.command("convert")(converting.convert_file)
APP.command("replay")(replaying.replay_calls)
APP.command("sign")(signing.sign)
APP.command("pull")(pulling.pull)
APP.command("push")(pushing.push)
APP.command("history")(looking_back.history)
APP.command("rollback")(going_back.rollback)
