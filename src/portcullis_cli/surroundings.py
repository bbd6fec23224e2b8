"""What a command takes from the machine it runs on, in one value that a test can make up."""

import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import boto3
import httpx2
import typer
from botocore.config import Config
from botocore.exceptions import InvalidConfigError

from portcullis.adapters.aws_calls import Client
from portcullis_cli.tool_source import ServerTools, Target, read_tools

_HALF = re.compile("[\ud800-\udfff]")
_AWS = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})


def _client_of(service: str) -> Client:
    """A client of an AWS service, with the caller's own credentials and region.

    Raises:
        BotoCoreError: what is configured is not enough, or not right.
    """
    try:
        return boto3.client(service, config=_AWS)  # type: ignore[call-overload]  # the name is data
    except ValueError as error:  # an endpoint that is no address
        raise InvalidConfigError(error_msg=str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The outside world. `is_terminal`: whether somebody is there to be asked."""

    environment: Mapping[str, str]
    is_terminal: Callable[[], bool]
    dynamodb: Callable[[], Client]
    s3: Callable[[], Client]
    now: Callable[[], int]  # epoch seconds
    transport: httpx2.BaseTransport | None = None
    read_tools: Callable[[Target], ServerTools] = read_tools
    aws: Callable[[str], Client] = _client_of
    sleep: Callable[[float], None] = time.sleep  # seconds


def this_process() -> Surroundings:
    """The surroundings of a command that somebody started."""
    return Surroundings(
        environment=os.environ,
        is_terminal=lambda: sys.stdin.isatty() and sys.stderr.isatty(),
        dynamodb=lambda: _client_of("dynamodb"),
        s3=lambda: _client_of("s3"),
        now=lambda: int(time.time()),
    )


def surroundings_of(context: typer.Context) -> Surroundings:
    """Those that the command was started with."""
    return context.find_object(Surroundings) or this_process()


def is_text(words: Iterable[str]) -> bool:
    """Whether all of it is text: Python takes bytes that are none for halves of characters."""
    return not any(_HALF.search(word) for word in words)


def write_anything() -> None:
    """Write what a terminal's encoding lacks as an escape, instead of failing at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
