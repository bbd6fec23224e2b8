"""What a command takes from the machine it runs on, in one value that a test can make up."""

import io
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import boto3
import httpx2
import typer
from botocore.config import Config

from portcullis.adapters.aws_calls import Client
from portcullis_cli.tool_source import ServerTools, Target, read_tools

_AWS = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})


def _client_of(service: str) -> Client:
    """A client of an AWS service, with the caller's own credentials and region."""
    return boto3.client(service, config=_AWS)  # type: ignore[call-overload]  # the name is data


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
        dynamodb=lambda: boto3.client("dynamodb", config=_AWS),
        s3=lambda: boto3.client("s3", config=_AWS),
        now=lambda: int(time.time()),
    )


def surroundings_of(context: typer.Context) -> Surroundings:
    """Those that the command was started with."""
    return context.find_object(Surroundings) or this_process()


def write_anything() -> None:
    """Write what a terminal's encoding lacks as an escape, instead of failing at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
